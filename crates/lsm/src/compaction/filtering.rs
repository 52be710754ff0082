//! What becomes of an entry that nobody overwrote: it expires, or a filter takes it out or changes it.

use super::Retention;
use super::retention::Filtering;
use crate::Error;
use crate::entry::{EntryRef, Filtered, Kind, Marked};
use crate::keyspace::PREFIX_BYTES;
use crate::rules::{Candidate, Decision};
use crate::values::ShortValue;

/// Whether an entry is worth asking [`become_for_all`] about.
#[inline]
pub(super) fn may_become(entry: &EntryRef<'_>, retention: &Retention) -> bool {
    entry.kind == Kind::Marked || retention.filtering.is_some()
}

/// The kind and value that an entry is to be written with, if not its own. `is_newest` tells whether it is the newest
/// of its key in the merge: only then a filter is asked.
pub(super) fn become_for_all(
    entry: &EntryRef<'_>,
    retention: &Retention,
    is_newest: bool,
) -> Result<Option<(Kind, Vec<u8>)>, Error> {
    let mut became: Option<(Kind, Vec<u8>)> = None;
    if entry.kind == Kind::Marked {
        let mut content = (entry.kind, entry.value);
        if let Marked::Filtered(filtered) = Marked::decode(entry.value)? {
            // As long as somebody sees it as it was, it stays as it is.
            if filtered.turn > retention.oldest.turn {
                return Ok(None);
            }
            content = filtered.after.unwrap_or((Kind::Delete, &[]));
            became = Some((content.0, content.1.to_vec()));
        }
        if let (Kind::Marked, value) = content
            && let Marked::Expiring { at, .. } = Marked::decode(value)?
            && at <= retention.oldest.time
        {
            became = Some((Kind::Delete, Vec::new()));
        }
    }
    // One that was filtered before is not asked about again by the merge that completes it.
    if became.is_some() || !is_newest {
        return Ok(became);
    }
    filtered(entry, retention)
}

/// What the filter of the entry's keyspace makes of it.
fn filtered(entry: &EntryRef<'_>, retention: &Retention) -> Result<Option<(Kind, Vec<u8>)>, Error> {
    let (Some(Filtering { turn, level, settled }), Some(resolver)) =
        (retention.filtering, &retention.resolver)
    else {
        return Ok(None);
    };
    if entry.sequence > settled {
        return Ok(None);
    }
    let Some(rule) = resolver.rules().of(entry.user_key) else { return Ok(None) };
    let Some(filter) = &rule.options.compaction_filter else { return Ok(None) };
    let unpacked;
    let (kind, value, expires) = match entry.kind {
        Kind::Put | Kind::Stored => (entry.kind, entry.value, None),
        Kind::Delete => return Ok(None),
        Kind::Marked => match Marked::decode(entry.value)? {
            Marked::Expiring { at, is_stored, content } => {
                (if is_stored { Kind::Stored } else { Kind::Put }, content, Some(at))
            }
            Marked::Short { stored } => {
                // Damage keeps nobody from merging what is sound: who reads it is told, and so is a check.
                let Some(value) = ShortValue::unpack_if_from(stored, 0) else { return Ok(None) };
                unpacked = value;
                (Kind::Put, unpacked.as_slice(), None)
            }
            // Large values are asked about when a merge meets them in tables, which have neither mark.
            Marked::Packed { .. } | Marked::Incompressible { .. } => return Ok(None),
            Marked::Operand { .. } | Marked::Filtered(_) => return Ok(None),
        },
    };
    let key = entry.user_key.get(PREFIX_BYTES..).unwrap_or_default();
    let changed = match filter.decide(&Candidate { level, key, kind, value, values: resolver.values() }) {
        Decision::Keep => return Ok(None),
        Decision::Remove => None,
        Decision::Change(value) => Some(value),
    };
    let mut expiring = Vec::new();
    let after = match (&changed, expires) {
        (None, _) => None,
        (Some(value), None) => Some((Kind::Put, value.as_slice())),
        (Some(value), Some(at)) => {
            Marked::Expiring { at, is_stored: false, content: value }.encode(&mut expiring);
            Some((Kind::Marked, expiring.as_slice()))
        }
    };
    let mut value = Vec::new();
    Marked::Filtered(Filtered { turn, after, before: (entry.kind, entry.value) }).encode(&mut value);
    Ok(Some((Kind::Marked, value)))
}
