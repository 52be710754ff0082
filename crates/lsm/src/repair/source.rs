//! Everything that could be read, as one source for a new database.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::tables::SalvagedTable;
use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Moment, Sequence};
use crate::keyspace::PREFIX_BYTES;
use crate::memtable::{MemtableChain, MemtableCursor};
use crate::merging::MergingCursor;
use crate::sealed::{SealSource, Versions};
use crate::values::{ValueFile, ValueStore, reference_of};

/// Tables and what the log held. Of several versions of a key that with the largest sequence is right, whichever table
/// it is in.
pub(super) struct Salvaged {
    pub(super) tables: Vec<SalvagedTable>,
    pub(super) log: MemtableChain,
    pub(super) values: ValueStore,
    pub(super) sequence: Sequence,
    /// What expired by then is left out; what filters took out, or changed, is so.
    pub(super) moment: Moment,
    /// What is known of the values in value files, by key: what is wrong, if anything.
    pub(super) checked: Mutex<BTreeMap<Vec<u8>, Option<String>>>,
}

impl SealSource for Salvaged {
    fn versions(&self) -> Versions {
        let mut sources: Vec<Box<dyn Cursor>> = Vec::new();
        let mut tombstones = Vec::new();
        for memtable in &self.log.memtables {
            sources.push(Box::new(MemtableCursor::new(memtable.clone())));
            tombstones.push(memtable.tombstones());
        }
        for SalvagedTable { table, lost } in &self.tables {
            sources.push(Box::new(table.cursor_without(lost.clone())));
            tombstones.push(table.tombstones().clone());
        }
        (MergingCursor::new(sources), tombstones)
    }

    fn sequence(&self) -> Sequence {
        self.sequence
    }

    fn moment(&self) -> Moment {
        self.moment
    }

    fn keeps(&self, entry: &EntryRef<'_>) -> Result<bool, Error> {
        let reference = match reference_of(entry) {
            Ok(None) => return Ok(true),
            reference => reference,
        };
        if let Some(known) = self.checked.lock().get(entry.user_key) {
            return Ok(known.is_none());
        }
        let verified = reference.and_then(|reference| match reference {
            Some(reference) => self.values.open(reference.file)?.verify_value(reference),
            None => Ok(()),
        });
        let wrong = match verified {
            Ok(()) => None,
            Err(Error::Corrupt { file, what, .. }) => Some(format!("{file}: {what}")),
            Err(other) => return Err(other),
        };
        let keeps = wrong.is_none();
        self.checked.lock().insert(entry.user_key.to_vec(), wrong);
        Ok(keeps)
    }

    fn value_file(&self, number: u64) -> Result<Arc<ValueFile>, Error> {
        self.values.open(number)
    }
}

impl Salvaged {
    /// What the catalog of keyspaces holds.
    pub(super) fn catalog(&self) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Error> {
        let mut found = BTreeMap::new();
        let mut walk = self.walk();
        let mut on = walk.first()?;
        while on && walk.entry().user_key < &1_u32.to_be_bytes()[..] {
            let entry = walk.entry();
            if let Some(name) = entry.user_key.get(PREFIX_BYTES..) {
                found.insert(name.to_vec(), entry.value.to_vec());
            }
            on = walk.next()?;
        }
        Ok(found)
    }

    /// The numbers of the keyspaces that have keys, ascending.
    pub(super) fn keyspaces_with_keys(&self) -> Result<Vec<u32>, Error> {
        let mut found = Vec::new();
        let mut walk = self.walk();
        let mut on = walk.first()?;
        while on {
            if let Some(prefix) = walk.entry().user_key.first_chunk::<PREFIX_BYTES>() {
                let number = u32::from_be_bytes(*prefix);
                if found.last() != Some(&number) {
                    found.push(number);
                }
            }
            on = walk.next()?;
        }
        Ok(found)
    }
}
