//! What a log holds, in as many memtables as it takes, which can be read while more is added: for those who read a log
//! without flushing it.

use std::sync::Arc;

use super::{Memtable, MemtableOptions, Staged};
use crate::Error;
use crate::log::Record;
use crate::options::MemoryShares;

/// Memtables that are filled one after the other.
#[derive(Debug, Default)]
pub(crate) struct MemtableChain {
    /// Newest first.
    pub(crate) memtables: Vec<Arc<Memtable>>,
    staged: Staged,
}

impl MemtableChain {
    /// Adds a record, which is later than all before it.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the budget does not take it.
    pub(crate) fn add(
        &mut self,
        options: &MemtableOptions,
        shares: &MemoryShares,
        record: &Record<'_>,
    ) -> Result<(), Error> {
        let is_full = self.memtables.first().is_none_or(|memtable| {
            let index_after = memtable.index_bytes() + memtable.index_growth(record.operations);
            memtable.entry_bytes() + record.payload.len() > shares.memtable_entries
                || index_after > shares.memtable_index
                || !memtable.takes_sequence(record.last_sequence())
        });
        if is_full {
            self.memtables.insert(0, Arc::new(Memtable::new(options, 0, record.first_sequence - 1)?));
        }
        let others: usize = self.memtables.iter().skip(1).map(|memtable| memtable.index_bytes()).sum();
        let Some(memtable) = self.memtables.first() else { return Ok(()) };
        self.staged.clear();
        let index_limit = shares.index.saturating_sub(others);
        memtable.reserve_index(index_limit, record.operations, record.last_sequence()).map_err(too_long)?;
        memtable.stage(record.payload, &mut self.staged).map_err(too_long)?;
        memtable.link(std::iter::once((record.first_sequence, record.payload)), &self.staged)
    }
}

/// What to tell where the budget of memory does not take what the log holds.
pub(crate) fn too_long(error: Error) -> Error {
    match error {
        Error::Memory(_) | Error::OutOfMemory { .. } => {
            Error::OutOfMemory { what: "what the log holds beyond the tables" }
        }
        other => other,
    }
}
