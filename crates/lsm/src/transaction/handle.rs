//! The transaction that callers hold.

use std::ops::RangeBounds;
use std::sync::Arc;

use parking_lot::Mutex;

use super::own_writes::OwnWrites;
use super::read_set::ReadSet;
use super::tracked::TrackedRange;
use super::validation::Validation;
use crate::commit::CommitToken;
use crate::database::Core;
use crate::entry::{MAX_BOUND_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, Sequence};
use crate::keyspace::{KeyRange, Keyspace};
use crate::merging::Visibility;
use crate::options::Durability;
use crate::read::Range;
use crate::snapshot::SnapshotGuard;
use crate::{Error, Value};

/// A serializable transaction: reads of one moment and own writes, committed together or not at all.
///
/// It takes no locks, so it never waits for another and never deadlocks; instead
/// [`commit`](Transaction::commit) may refuse it with [`Error::Conflict`], and the caller runs it again. One that
/// only reads never conflicts. Its writes and the list of its reads take memory until it ends, beside the memory
/// budget. Dropping it undoes it.
#[derive(Debug)]
#[must_use = "a transaction changes nothing before it is committed"]
pub struct Transaction {
    core: Arc<Core>,
    guard: SnapshotGuard,
    own: OwnWrites,
    reads: Mutex<ReadSet>,
}

impl Transaction {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        let guard = core.take_snapshot();
        Transaction { core, guard, own: OwnWrites::default(), reads: Mutex::default() }
    }

    /// The sequence of the last commit it sees.
    pub fn sequence(&self) -> Sequence {
        self.guard.sequence()
    }

    /// The value of `key`: the transaction's own, or that of its snapshot.
    ///
    /// # Errors
    /// Damage or failure of the storage; a keyspace of another database.
    pub fn get(&self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<Option<Value>, Error> {
        keyspace.check_same(&self.core)?;
        let key = keyspace.full_key(key.as_ref());
        if let Some(own) = self.own.get(&key) {
            return Ok(own.map(Value::from));
        }
        let found = self.core.get(&key, Some(Visibility::at(self.guard.sequence())))?;
        self.reads.lock().add_key(key);
        Ok(found)
    }

    /// The entries in `range`, the transaction's own writes so far among them, in key order from either end. Only
    /// what is walked over counts as read.
    pub fn range<K: AsRef<[u8]>>(&self, keyspace: &Keyspace, range: impl RangeBounds<K>) -> Range {
        let range = KeyRange::new(keyspace.id(), &range);
        let tracked = Arc::new(TrackedRange::new(range.clone()));
        self.reads.lock().add_range(tracked.clone());
        let visibility = Visibility::with_own_writes(self.guard.sequence());
        Range::new(self.core.clone(), range, self.guard.clone(), visibility)
            .in_transaction(self.own.clone(), tracked)
            .failing_with(keyspace.check_same(&self.core).err())
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; a dropped keyspace or one of another database.
    pub fn put(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        let value = value.as_ref();
        check_size("value", value.len(), MAX_VALUE_BYTES)?;
        self.write(keyspace, key.as_ref(), Some(value.to_vec()))
    }

    /// Removes `key`.
    ///
    /// # Errors
    /// As [`Transaction::put`].
    pub fn delete(&mut self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<(), Error> {
        self.write(keyspace, key.as_ref(), None)
    }

    /// Removes every key in `range`.
    ///
    /// # Errors
    /// As [`Transaction::put`].
    pub fn delete_range<K: AsRef<[u8]>>(
        &mut self,
        keyspace: &Keyspace,
        range: impl RangeBounds<K>,
    ) -> Result<(), Error> {
        keyspace.check(&self.core)?;
        let range = KeyRange::new(keyspace.id(), &range);
        check_size("key", range.start.len().max(range.end.len()), MAX_BOUND_BYTES)?;
        self.own.delete_range(&range);
        Ok(())
    }

    fn write(&mut self, keyspace: &Keyspace, key: &[u8], value: Option<Vec<u8>>) -> Result<(), Error> {
        keyspace.check(&self.core)?;
        let key = keyspace.full_key(key);
        check_size("key", key.len(), MAX_KEY_BYTES)?;
        self.own.write(key, value);
        Ok(())
    }

    /// Commits with the database's own durability.
    ///
    /// # Errors
    /// [`Error::Conflict`] if something it read was changed since it began; run it again then. Otherwise as
    /// [`Batch::commit`](crate::Batch::commit).
    pub fn commit(self) -> Result<CommitToken, Error> {
        let durability = self.core.options().durability;
        self.commit_with(durability)
    }

    /// Commits with a durability of its own.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub fn commit_with(self, durability: Durability) -> Result<CommitToken, Error> {
        let Transaction { core, guard, own, reads } = self;
        if own.is_empty() {
            // What it read is what stood there at its snapshot: it ran then.
            return Ok(CommitToken { epoch: core.epoch(), sequence: guard.sequence() });
        }
        let mut validation = Validation::new(reads.into_inner().freeze(), guard.sequence());
        let outcome = validation
            .advance(&core)
            .and_then(|()| core.commit_streamed(own.to_payload(), durability, Some(validation)));
        if matches!(outcome, Err(Error::Conflict { .. })) {
            core.counters().conflicts.add(1);
        }
        // The snapshot was kept until now: merges drop nothing that the check looks for.
        drop(guard);
        outcome
    }
}

fn check_size(what: &'static str, bytes: usize, limit: usize) -> Result<(), Error> {
    if bytes > limit {
        return Err(Error::TooLarge { what, bytes: bytes as u64, limit: limit as u64 });
    }
    Ok(())
}
