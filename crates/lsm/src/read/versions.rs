//! All versions of a key that a reader needs for its value: operands down to what they apply to.
//!
//! Sources are looked into from new to old. A memtable that was flushed between taking the two parts of the view is in
//! both, and merges may have put its operands together with what was below them meanwhile. So where a later source has
//! an entry that is not older than the last one taken, it stands for all that was taken from there on.

use super::ReadView;
use crate::block_cache::Caching;
use crate::cursor::Cursor;
use crate::database::Core;
use crate::entry::{EntryRef, Kind, Marked, Moment, Seen, Sequence};
use crate::layers::LayerView;
use crate::memtable::MemtableCursor;
use crate::merging::Visibility;
use crate::resident::ResidentCursor;
use crate::table::Lookup;
use crate::values::{Overtaken, PackedValue, ShortValue, ValueReference};
use crate::{Error, Value};

/// What operands apply to.
#[derive(Debug)]
enum Base {
    Absent,
    Inline(Vec<u8>),
    Stored(ValueReference),
}

/// Goes through the versions of one key, newest first.
pub(crate) struct Versions<'k> {
    key: &'k [u8],
    visibility: Visibility,
    /// The reader's.
    moment: Moment,
    /// With their sequences, newest first.
    operands: Vec<(Sequence, Vec<u8>)>,
    base: Base,
}

impl Versions<'_> {
    /// Takes the entries of a source of which a range delete hides those before `deleted`; answers whether nothing
    /// more is needed.
    pub(crate) fn take_from<C: Cursor>(
        &mut self,
        mut cursor: C,
        deleted: Option<Sequence>,
    ) -> Result<bool, Error> {
        let mut on = cursor.seek(self.key, self.visibility.snapshot())?;
        while on {
            let entry = cursor.entry();
            if entry.user_key != self.key || deleted.is_some_and(|deleted| deleted > entry.sequence) {
                break;
            }
            if self.take(&entry)? {
                return Ok(true);
            }
            on = cursor.next()?;
        }
        // Whatever older sources hold was written before that.
        Ok(deleted.is_some())
    }

    /// The key and the newest sequence that the reader sees.
    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup::new(self.key, self.visibility.snapshot())
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.key
    }

    pub(crate) fn visibility(&self) -> Visibility {
        self.visibility
    }

    /// Takes the next entry; answers whether older ones do not count.
    fn take(&mut self, entry: &EntryRef<'_>) -> Result<bool, Error> {
        // Those taken elsewhere that this one stands for.
        while self.operands.pop_if(|(sequence, _)| *sequence <= entry.sequence).is_some() {}
        self.base = match entry.kind {
            Kind::Delete => Base::Absent,
            Kind::Put => Base::Inline(entry.value.to_vec()),
            Kind::Stored => Base::Stored(ValueReference::decode(entry.value)?),
            Kind::Marked => match Marked::seen(entry.value, self.moment)? {
                Seen::Operand { at, content } => {
                    if at > self.moment.time {
                        self.operands.push((entry.sequence, content.to_vec()));
                    }
                    return Ok(false);
                }
                Seen::Absent => Base::Absent,
                Seen::Value(value) => Base::Inline(value.to_vec()),
                Seen::Packed(pieces) => Base::Inline(PackedValue::new(pieces).unpack()?),
                Seen::Short(stored) => Base::Inline(ShortValue::new(stored)?.unpack()?),
                Seen::Stored(reference) => Base::Stored(ValueReference::decode(reference)?),
            },
        };
        Ok(true)
    }
}

impl ReadView {
    /// Takes what is needed of every source.
    fn versions<'k>(
        &self,
        key: &'k [u8],
        visibility: Visibility,
        moment: Moment,
    ) -> Result<Versions<'k>, Error> {
        let (operands, base) = (Vec::new(), Base::Absent);
        let mut versions = Versions { key, visibility, moment, operands, base };
        for memtable in self.memtables().newest_first().filter(|memtable| !memtable.is_empty()) {
            let deleted = memtable.newest_range_delete(key, visibility);
            if versions.take_from(MemtableCursor::new(memtable.clone()), deleted)? {
                return Ok(versions);
            }
        }
        if let Some(resident) = &self.memtables().resident
            && versions.take_from(ResidentCursor::new(resident.clone()), None)?
        {
            return Ok(versions);
        }
        self.layers().take_versions(&mut versions)?;
        Ok(versions)
    }
}

impl LayerView {
    fn take_versions(&self, versions: &mut Versions<'_>) -> Result<(), Error> {
        for run in self.runs() {
            let Some(layer) = run.find(versions.key()) else { continue };
            let table = layer.layer();
            let deleted = table.tombstones().newest(versions.key(), versions.visibility());
            let may_have = table.table()?.locate(&versions.lookup())?.is_some();
            let is_done = match may_have {
                true => versions.take_from(table.table()?.cursor(Caching::Use), deleted)?,
                false => deleted.is_some(),
            };
            if is_done {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Core {
    /// The value of a stored key whose newest version is marked, or the reference to it that led nowhere.
    ///
    /// # Errors
    /// [`Error::Merge`] and [`Error::NoMergeOperator`]; damage or failure of the storage.
    pub(crate) fn resolve(
        &self,
        view: &ReadView,
        key: &[u8],
        visibility: Visibility,
        moment: Moment,
    ) -> Result<Result<Option<Value>, ValueReference>, Error> {
        let versions = view.versions(key, visibility, moment)?;
        let base = match versions.base {
            Base::Absent => None,
            Base::Inline(value) => Some(value),
            Base::Stored(reference) => match self.values().find(reference.file) {
                Some(file) => Some(file.read(reference)?),
                None => return Ok(Err(reference)),
            },
        };
        if versions.operands.is_empty() {
            return Ok(Ok(base.map(Value::from)));
        }
        let operands: Vec<Vec<u8>> = versions.operands.into_iter().map(|(_, operand)| operand).collect();
        let merged = self.resolver().merge(key, base.as_deref(), &operands)?;
        Ok(Ok(Some(Value::from(merged))))
    }

    /// The same for one who has come to the key with a view that may be out of date.
    pub(crate) fn resolve_anew(
        &self,
        key: &[u8],
        visibility: Visibility,
        moment: Moment,
    ) -> Result<Option<Value>, Error> {
        let visibility = Visibility::at(visibility.snapshot());
        let mut overtaken = Overtaken::default();
        loop {
            match self.resolve(&self.read_view(), key, visibility, moment)? {
                Ok(value) => return Ok(value),
                Err(reference) => overtaken.note(reference)?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::NEVER;

    #[test]
    fn what_was_flushed_and_merged_while_the_view_was_taken_counts_once_and_with_its_base() {
        let operand = |sequence, text: &str| {
            let mut value = Vec::new();
            Marked::Operand { at: NEVER, content: text.as_bytes() }.encode(&mut value);
            (sequence, Kind::Marked, value)
        };
        let put = |sequence, text: &str| (sequence, Kind::Put, text.as_bytes().to_vec());
        let memory = [operand(7, "g"), operand(5, "e"), operand(4, "d")];
        // As flushed; put together to one operand; merged with what was below.
        for (tables, operands, base) in [
            (vec![operand(5, "e"), operand(4, "d"), put(3, "base")], vec!["g", "e", "d"], "base"),
            (vec![operand(5, "de"), put(3, "base")], vec!["g", "de"], "base"),
            (vec![put(5, "basede")], vec!["g"], "basede"),
        ] {
            let moment = Moment::default();
            let visibility = Visibility::at(9);
            let mut versions =
                Versions { key: b"k", visibility, moment, operands: Vec::new(), base: Base::Absent };
            let mut take = |(sequence, kind, value): &(Sequence, Kind, Vec<u8>)| {
                let entry = EntryRef { user_key: b"k", sequence: *sequence, kind: *kind, value };
                versions.take(&entry).unwrap()
            };
            assert!(!memory.iter().any(&mut take));
            assert_eq!(tables.iter().position(&mut take), Some(tables.len() - 1));
            let found: Vec<&[u8]> = versions.operands.iter().map(|(_, operand)| operand.as_slice()).collect();
            assert_eq!(found, operands.iter().map(|operand| operand.as_bytes()).collect::<Vec<_>>());
            assert!(matches!(versions.base, Base::Inline(value) if value == base.as_bytes()));
        }
    }
}
