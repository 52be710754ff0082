//! Checking at the commit that nothing a transaction read was changed since it began.
//!
//! Memtables know their changes in commit order, so the usual check walks over just the changes made since the
//! transaction began. When some of those have left the memtables already, each read is looked up instead: exact as
//! well, only slower. That slow way is taken before the transaction enters the queue, so that the leader has left
//! only what was committed in the meantime.

use super::read_set::FrozenReadSet;
use crate::Error;
use crate::database::Core;
use crate::entry::Sequence;
use crate::keyspace::PREFIX_BYTES;
use crate::log::{Operation, Operations};
use crate::memtable::Change;

/// What a transaction read and up to which sequence that is known to be unchanged.
#[derive(Debug)]
pub(crate) struct Validation {
    reads: FrozenReadSet,
    unchanged_through: Sequence,
}

impl Validation {
    pub(super) fn new(reads: FrozenReadSet, unchanged_through: Sequence) -> Self {
        Validation { reads, unchanged_through }
    }

    /// Checks against everything visible now, so that later checks begin here.
    pub(super) fn advance(&mut self, core: &Core) -> Result<(), Error> {
        let present = core.published();
        self.check(core, std::iter::empty())?;
        self.unchanged_through = present;
        Ok(())
    }

    /// Checks against every commit in the database and against the encoded batches `earlier`, which are about to be
    /// committed.
    ///
    /// # Errors
    /// [`Error::Conflict`], or a failure of the storage where that had to be read.
    pub(crate) fn check<'a>(
        &self,
        core: &Core,
        earlier: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), Error> {
        if self.reads.is_empty() {
            return Ok(());
        }
        self.check_committed(core)?;
        for operation in earlier.flat_map(|payload| Operations::new(payload).flatten()) {
            let change = match operation {
                Operation::Put { key, .. }
                | Operation::PutStored { key, .. }
                | Operation::PutMarked { key, .. }
                | Operation::Delete { key } => Change::Key(key),
                Operation::DeleteRange { start, end } => Change::Range { start, end },
            };
            self.refuse_if_touched(change)?;
        }
        Ok(())
    }

    fn check_committed(&self, core: &Core) -> Result<(), Error> {
        let memtables = core.memtables();
        // Taken after the list: a memtable that left the list later than this is still in it.
        if core.absorbed_through() > self.unchanged_through {
            return self.check_by_lookup(core);
        }
        for memtable in memtables.newest_first() {
            // An empty one says nothing about those before it.
            if memtable.last_sequence() <= self.unchanged_through {
                continue;
            }
            let mut outcome = Ok(());
            memtable.changes_after(self.unchanged_through, |change| {
                outcome = self.refuse_if_touched(change);
                outcome.is_ok()
            });
            outcome?;
        }
        Ok(())
    }

    fn check_by_lookup(&self, core: &Core) -> Result<(), Error> {
        let view = core.read_view();
        for key in &self.reads.keys {
            if view.last_change(key)?.is_some_and(|sequence| sequence > self.unchanged_through) {
                return Err(conflict(Change::Key(key)));
            }
        }
        for range in &self.reads.ranges {
            if view.changed_after(range, self.unchanged_through)? {
                return Err(conflict(Change::Range { start: &range.start, end: &range.end }));
            }
        }
        Ok(())
    }

    fn refuse_if_touched(&self, change: Change<'_>) -> Result<(), Error> {
        if self.reads.is_touched_by(change) { Err(conflict(change)) } else { Ok(()) }
    }
}

fn conflict(change: Change<'_>) -> Error {
    let show = |key: &[u8]| key.get(PREFIX_BYTES..).unwrap_or_default().escape_ascii().to_string();
    let what = match change {
        Change::Key(key) => format!("key \"{}\"", show(key)),
        Change::Range { start, end } => format!("range \"{}\"..\"{}\"", show(start), show(end)),
    };
    Error::Conflict { what }
}
