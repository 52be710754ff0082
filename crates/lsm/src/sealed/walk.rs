//! The entries of a sealed database: of each key what one reader sees, and no more.
//!
//! That is one entry, but for operands of a merge operator: those are kept with all that is below them, down to a value
//! or a delete, so that nobody needs the operator before the key is read. What has expired, or was filtered, by the
//! reader's moment is resolved as for him.

use std::sync::Arc;

use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Kind, MAX_SEQUENCE, Marked, Moment, Sequence};
use crate::merging::{MergingCursor, Visibility};
use crate::tombstones::{RangeTombstones, TombstoneWalk};

/// Every version of every key, newest first, and the range deletes beside them.
pub(crate) type Versions = (MergingCursor<Box<dyn Cursor>>, Vec<Arc<RangeTombstones>>);

/// Walks over what is to be written, from front to back.
pub(crate) struct SealWalk {
    cursor: MergingCursor<Box<dyn Cursor>>,
    tombstones: Vec<TombstoneWalk>,
    visibility: Visibility,
    moment: Moment,
    /// The key looked at last, and whether there is nothing more to say of it.
    key: Vec<u8>,
    is_decided: bool,
    /// The sequence of its entry taken last; older ones count.
    last: Sequence,
    /// What the present entry is, where a filter made another of it.
    filtered: Option<(Kind, Vec<u8>)>,
}

impl SealWalk {
    /// Over what a reader at `sequence` and `moment` sees.
    pub(crate) fn new(versions: Versions, sequence: Sequence, moment: Moment) -> Self {
        let (cursor, tombstones) = versions;
        let walks = tombstones.into_iter().filter(|set| !set.is_empty()).map(TombstoneWalk::new);
        SealWalk {
            cursor,
            tombstones: walks.collect(),
            visibility: Visibility::at(sequence),
            moment,
            key: Vec::new(),
            is_decided: true,
            last: MAX_SEQUENCE,
            filtered: None,
        }
    }

    /// Moves to the first entry.
    pub(crate) fn first(&mut self) -> Result<bool, Error> {
        let on = self.cursor.seek_first()?;
        if on {
            self.begin_key();
        }
        self.settle(on)
    }

    /// Moves to the next entry.
    pub(crate) fn next(&mut self) -> Result<bool, Error> {
        let on = self.cursor.next()?;
        self.settle(on)
    }

    /// The entry it stands on.
    pub(crate) fn entry(&self) -> EntryRef<'_> {
        let entry = self.cursor.entry();
        match &self.filtered {
            Some((kind, value)) => EntryRef { kind: *kind, value, ..entry },
            None => entry,
        }
    }

    fn begin_key(&mut self) {
        self.key.clear();
        self.key.extend_from_slice(self.cursor.entry().user_key);
        (self.is_decided, self.last) = (false, MAX_SEQUENCE);
    }

    fn settle(&mut self, mut on: bool) -> Result<bool, Error> {
        while on {
            if self.cursor.entry().user_key != self.key.as_slice() {
                self.begin_key();
            }
            if !self.is_decided && self.takes()? {
                return Ok(true);
            }
            on = self.cursor.next()?;
        }
        Ok(false)
    }

    /// Whether the entry is written.
    fn takes(&mut self) -> Result<bool, Error> {
        self.filtered = None;
        let entry = self.cursor.entry();
        // The same entry may be in two sources.
        if !self.visibility.sees(entry.sequence) || entry.sequence >= self.last {
            return Ok(false);
        }
        let visibility = self.visibility;
        let deleted =
            self.tombstones.iter_mut().filter_map(|walk| walk.newest(entry.user_key, visibility)).max();
        self.last = entry.sequence;
        self.is_decided = true;
        if deleted.is_some_and(|deleted| deleted >= entry.sequence) {
            return Ok(false);
        }
        if entry.kind != Kind::Marked {
            return Ok(entry.kind.is_present());
        }
        match Marked::decode(entry.value)? {
            Marked::Operand { at, .. } => {
                self.is_decided = false;
                Ok(at > self.moment.time)
            }
            Marked::Expiring { at, .. } => Ok(at > self.moment.time),
            Marked::Packed { .. } | Marked::Incompressible { .. } | Marked::Short { .. } => Ok(true),
            Marked::Filtered(filtered) => {
                let Some((kind, value)) = filtered.at(self.moment.turn) else { return Ok(false) };
                let has_expired = kind == Kind::Marked
                    && matches!(Marked::decode(value)?, Marked::Expiring { at, .. } if at <= self.moment.time);
                self.filtered = Some((kind, value.to_vec()));
                Ok(!has_expired)
            }
        }
    }
}
