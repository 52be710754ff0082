//! The transaction that callers hold.

use std::collections::BTreeSet;
use std::io::Read;
use std::ops::RangeBounds;
use std::sync::Arc;

use parking_lot::Mutex;

use super::locks::HeldLocks;
use super::own_writes::{OwnWrites, Said};
use super::read_set::ReadSet;
use super::savepoints::{Savepoint, Savepoints};
use super::tracked::TrackedRange;
use super::validation::Validation;
use crate::commit::CommitToken;
use crate::database::Core;
use crate::entry::{Sequence, check_bounds, check_key, check_value};
use crate::keyspace::{KeyRange, Keyspace};
use crate::merging::Visibility;
use crate::options::Durability;
use crate::read::Range;
use crate::snapshot::SnapshotGuard;
use crate::values::{Located, StoredStream, ValueReader};
use crate::{Error, Value};

/// A serializable transaction: reads of one moment and own writes, committed together or not at all.
///
/// Unless it is asked to ([`get_for_update`](Transaction::get_for_update)) it takes no locks, never waits for another
/// and never deadlocks; instead [`commit`](Transaction::commit) may refuse it with [`Error::Conflict`], and the caller
/// runs it again. One that only reads never conflicts. Dropping it undoes it.
///
/// It may be of any size: puts and deletes that take more memory than
/// [`Options::transaction_bytes`](crate::Options::transaction_bytes) move to scratch files, where it goes on reading
/// them, and which go with it. What is too large for a batch is committed as tables, past the log: at once, however
/// large, and durable whatever durability was asked for. Range deletes, and the list of what it has read, stay in
/// memory, beside the budget.
#[derive(Debug)]
#[must_use = "a transaction changes nothing before it is committed"]
pub struct Transaction {
    core: Arc<Core>,
    guard: SnapshotGuard,
    own: OwnWrites,
    reads: Mutex<ReadSet>,
    savepoints: Savepoints,
    locks: HeldLocks,
    /// The keyspaces it has put something into.
    keyspaces: BTreeSet<u32>,
}

impl Transaction {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        let guard = core.take_snapshot();
        let locks = HeldLocks::none(core.clone());
        Transaction {
            core,
            guard,
            own: OwnWrites::default(),
            reads: Mutex::default(),
            savepoints: Savepoints::default(),
            locks,
            keyspaces: BTreeSet::new(),
        }
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
        self.get_stored(keyspace.full_key(key.as_ref()))
    }

    /// The value of `key` as a stream; see [`Keyspace::reader`]. It counts as read as a whole.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub fn reader(&self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<Option<ValueReader>, Error> {
        keyspace.check_same(&self.core)?;
        Ok(self.look_up(keyspace.full_key(key.as_ref()))?.map(Located::into_reader))
    }

    /// Locks `key` until the transaction ends, waiting for others who have locked it, then answers its value as
    /// [`get`](Transaction::get) does.
    ///
    /// If the key was changed since the transaction began, the transaction moves its beginning to now, which it can
    /// if nothing else it has read was changed. So those who only read what they have locked never conflict with
    /// each other. Savepoints do not give locks back. Commits that do not ask for the lock are not kept out, and may
    /// still cause a conflict.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary directory");
    /// # let database = stroma_lsm::Database::open(folder.path(), stroma_lsm::Options::default())?;
    /// let counts = database.keyspace("counts")?;
    /// std::thread::scope(|scope| {
    ///     let add = || {
    ///         let mut transaction = database.transaction();
    ///         let count = transaction.get_for_update(&counts, "visits")?.map_or(0, |count| count[0]);
    ///         transaction.put(&counts, "visits", [count + 1])?;
    ///         transaction.commit()
    ///     };
    ///     let adders = [scope.spawn(add), scope.spawn(add)];
    ///     // Neither has to be run again.
    ///     adders.into_iter().try_for_each(|adder| adder.join().expect("no panic").map(drop))
    /// })?;
    /// assert_eq!(counts.get("visits")?.as_deref(), Some(&[2][..]));
    /// # Ok::<(), stroma_lsm::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Deadlock`] if it would wait for ever, [`Error::LockTimeout`] if it has waited for
    /// [`Options::lock_timeout`](crate::Options::lock_timeout), [`Error::Conflict`] if something it has read was
    /// changed: drop it and run it again. Otherwise as [`get`](Transaction::get).
    pub fn get_for_update(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
    ) -> Result<Option<Value>, Error> {
        keyspace.check(&self.core)?;
        let key = keyspace.full_key(key.as_ref());
        check_key(key.len())?;
        self.locks.acquire(&key)?;
        let changed = self.core.read_view().last_change(&key)?;
        if changed.is_some_and(|changed| changed > self.guard.sequence()) {
            self.begin_anew()?;
        }
        self.get_stored(key)
    }

    /// Moves its beginning to now.
    fn begin_anew(&mut self) -> Result<(), Error> {
        let now = self.core.take_snapshot();
        let reads = self.reads.lock();
        // What an open scan reads later, it reads at the old beginning.
        reads.widen_open_scans();
        let validation = Validation::new(reads.clone().freeze(), self.guard.sequence());
        if let Err(error) = validation.check(&self.core, std::iter::empty()) {
            self.core.counters().conflicts.add(1);
            return Err(error);
        }
        drop(reads);
        self.guard = now;
        Ok(())
    }

    /// A place to go back to. Constant time; writes after it are noted until the transaction ends or it is released.
    pub fn savepoint(&mut self) -> Savepoint {
        self.savepoints.add(&self.own)
    }

    /// Takes back every write since `point`, which stays good; those made after it do not. What was read still counts
    /// as read, and what was locked stays locked. Time linear in the writes taken back.
    ///
    /// # Errors
    /// [`Error::SavepointGone`] if it was released, lies behind one that was gone back to, or is another
    /// transaction's.
    pub fn rollback_to(&mut self, point: &Savepoint) -> Result<(), Error> {
        self.savepoints.go_back(point, &mut self.own)
    }

    /// Forgets `point` and those made after it; the writes stay.
    ///
    /// # Errors
    /// As [`rollback_to`](Transaction::rollback_to).
    pub fn release(&mut self, point: Savepoint) -> Result<(), Error> {
        self.savepoints.release(&point)
    }

    fn get_stored(&self, key: Vec<u8>) -> Result<Option<Value>, Error> {
        self.look_up(key)?.map(Located::load).transpose()
    }

    fn look_up(&self, key: Vec<u8>) -> Result<Option<Located>, Error> {
        if let Some(own) = self.own.get(&key)? {
            return own.map(|found| self.core.locate_kept(found)).transpose();
        }
        let found = self.core.look_up(&key, Some(&self.guard))?;
        self.reads.lock().add_key(key);
        Ok(found)
    }

    /// The entries in `range`, the transaction's own writes so far among them, in key order from either end. Only
    /// what is walked over counts as read.
    pub fn range<K: AsRef<[u8]>>(&self, keyspace: &Keyspace, range: impl RangeBounds<K>) -> Range {
        self.scan(keyspace, KeyRange::new(keyspace.id(), &range))
    }

    /// The entries whose keys begin with `start`; otherwise as [`range`](Transaction::range).
    pub fn prefix(&self, keyspace: &Keyspace, start: impl AsRef<[u8]>) -> Range {
        self.scan(keyspace, KeyRange::of_prefix(keyspace.id(), start.as_ref()))
    }

    fn scan(&self, keyspace: &Keyspace, range: KeyRange) -> Range {
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
    /// [`Error::TooLarge`]; a dropped keyspace or one of another database; failure of the storage where a scratch file
    /// had to be written. The transaction is as it was then.
    pub fn put(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        let value = value.as_ref();
        check_value(value.len())?;
        self.write(keyspace, key.as_ref(), Said::Value(value.to_vec()))
    }

    /// Sets `key` to all that `source` gives, a value of any length; see [`Keyspace::put_stream`]. It is on the device
    /// when this returns, but only the transaction sees it before the commit, and without one it goes again.
    ///
    /// # Errors
    /// [`Error::Stream`] if the source fails; as [`Transaction::put`]. The transaction is as it was then.
    pub fn put_stream(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        mut source: impl Read,
    ) -> Result<(), Error> {
        keyspace.check(&self.core)?;
        let said = match self.core.store_stream(keyspace, &mut source)? {
            StoredStream::Short(value) => Said::Value(value),
            StoredStream::Stored(reference, file) => Said::Stored(reference, file),
        };
        self.write(keyspace, key.as_ref(), said)
    }

    /// Has the keyspace's merge operator change the value of `key` by `operand`, at once: the value is read, which
    /// counts as any read, and put.
    ///
    /// # Errors
    /// [`Error::NoMergeOperator`], [`Error::Merge`]; as [`get`](Transaction::get) and [`put`](Transaction::put).
    pub fn merge(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        operand: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        keyspace.check(&self.core)?;
        keyspace.check_merges()?;
        let base = self.get(keyspace, &key)?;
        let operands = [operand.as_ref().to_vec()];
        let stored_key = keyspace.full_key(key.as_ref());
        let value = self.core.resolver().merge(&stored_key, base.as_deref(), &operands)?;
        self.put(keyspace, key, value)
    }

    /// Removes `key`.
    ///
    /// # Errors
    /// As [`Transaction::put`].
    pub fn delete(&mut self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<(), Error> {
        self.write(keyspace, key.as_ref(), Said::Deleted)
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
        check_bounds(&range.start, &range.end)?;
        self.make_room()?;
        self.own.delete_range(&range, self.savepoints.kept_through());
        Ok(())
    }

    fn write(&mut self, keyspace: &Keyspace, key: &[u8], said: Said) -> Result<(), Error> {
        keyspace.check(&self.core)?;
        let key = keyspace.full_key(key);
        check_key(key.len())?;
        self.make_room()?;
        self.keyspaces.insert(keyspace.id());
        self.savepoints.note(self.own.last() + 1, || key.clone());
        self.own.write(key, said, self.savepoints.kept_through());
        Ok(())
    }

    /// Moves what it wrote to a scratch file if that takes more memory than it may.
    fn make_room(&mut self) -> Result<(), Error> {
        let bytes = self.own.bytes_in_memory() + self.savepoints.note_bytes();
        if bytes <= self.core.options().transaction_bytes {
            return Ok(());
        }
        // Whoever opens the database next clears scratch files away.
        self.core.check_open()?;
        let options = self.core.layers.ingestion_options();
        self.own.spill(&self.savepoints.sequences(), self.core.scratch(), &options)?;
        self.savepoints.note_spilled();
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

    /// Commits with a durability of its own. What is too large for a batch is durable in any case.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub fn commit_with(self, durability: Durability) -> Result<CommitToken, Error> {
        let Transaction { core, guard, own, reads, locks, keyspaces, .. } = self;
        if own.is_empty() {
            // What it read is what stood there at its snapshot: it ran then.
            return Ok(CommitToken { epoch: core.epoch(), sequence: guard.sequence() });
        }
        let mut validation = Validation::new(reads.into_inner().freeze(), guard.sequence());
        let outcome = validation.advance(&core).and_then(|()| {
            // Large values are compressed on the way, so not for nothing.
            let is_small = own.is_in_memory() && own.value_bytes() <= core.batch_limit();
            let payload = is_small.then(|| own.to_payload(&core));
            match payload.filter(|payload| core.takes(payload)) {
                Some(payload) => core.commit_streamed(payload, durability, Some(validation)),
                None => core.commit_as_tables(&own, &validation, &keyspaces),
            }
        });
        if matches!(outcome, Err(Error::Conflict { .. })) {
            core.counters().conflicts.add(1);
        }
        // The snapshot was kept until now: merges drop nothing that the check looks for.
        drop(guard);
        // Whoever gets them reads what was committed.
        drop(locks);
        outcome
    }
}
