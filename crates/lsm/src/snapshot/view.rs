//! The snapshot that callers hold.

use std::ops::{ControlFlow, RangeBounds};
use std::sync::Arc;

use super::SnapshotGuard;
use crate::database::Core;
use crate::entry::Sequence;
use crate::keyspace::{KeyRange, Keyspace, with_stored_key};
use crate::merging::Visibility;
use crate::read::Range;
use crate::values::{Located, ValueReader};
use crate::{Error, Value};

/// The database as it was when the snapshot was taken. Cheap to take and to clone. It holds no memory, but as long
/// as it lives merges keep what it sees, so that disk space of overwritten entries is not freed.
#[derive(Debug, Clone)]
pub struct Snapshot {
    core: Arc<Core>,
    guard: SnapshotGuard,
}

impl Snapshot {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        let guard = core.take_snapshot();
        Snapshot { core, guard }
    }

    /// The sequence of the last commit it sees.
    pub fn sequence(&self) -> Sequence {
        self.guard.sequence()
    }

    /// The value of `key` at that time.
    ///
    /// # Errors
    /// Damage or failure of the storage; a keyspace of another database.
    pub fn get(&self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<Option<Value>, Error> {
        keyspace.check_same(&self.core)?;
        with_stored_key(keyspace.id(), key.as_ref(), |key| self.core.get(key, Some(&self.guard)))
    }

    /// What `read` makes of the value of `key` at that time; see [`Keyspace::get_with`].
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    pub fn get_with<R>(
        &self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, Error> {
        keyspace.check_same(&self.core)?;
        with_stored_key(keyspace.id(), key.as_ref(), |key| self.core.get_with(key, Some(&self.guard), read))
    }

    /// The value of `key` at that time as a stream; see [`Keyspace::reader`].
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    pub fn reader(&self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<Option<ValueReader>, Error> {
        keyspace.check_same(&self.core)?;
        let key = keyspace.full_key(key.as_ref());
        let found = self.core.look_up(&key, Some(&self.guard))?;
        Ok(found.map(Located::into_reader))
    }

    /// The values of `keys` at that time, in their order; see [`Keyspace::get_many`].
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    pub fn get_many<K: AsRef<[u8]>>(
        &self,
        keyspace: &Keyspace,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<Value>>, Error> {
        keyspace.check_same(&self.core)?;
        self.core.get_many(&keyspace.full_keys(keys), Some(&self.guard))
    }

    /// The entries whose keys begin with `start` at that time, in key order from either end.
    pub fn prefix(&self, keyspace: &Keyspace, start: impl AsRef<[u8]>) -> Range {
        self.scan(keyspace, KeyRange::of_prefix(keyspace.id(), start.as_ref()))
    }

    /// The entries in `range` at that time, in key order from either end.
    pub fn range<K: AsRef<[u8]>>(&self, keyspace: &Keyspace, range: impl RangeBounds<K>) -> Range {
        self.scan(keyspace, KeyRange::new(keyspace.id(), &range))
    }

    /// Hands each entry in `range` at that time to `visit`, in key order; see [`Keyspace::range_with`].
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    pub fn range_with<K: AsRef<[u8]>, B>(
        &self,
        keyspace: &Keyspace,
        range: impl RangeBounds<K>,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<B>,
    ) -> Result<Option<B>, Error> {
        keyspace.check_same(&self.core)?;
        self.core.visit_range(KeyRange::new(keyspace.id(), &range), &self.guard, visit)
    }

    fn scan(&self, keyspace: &Keyspace, range: KeyRange) -> Range {
        let visibility = Visibility::at(self.guard.sequence());
        let checked = keyspace.check_same(&self.core);
        Range::new(self.core.clone(), range, self.guard.clone(), visibility).failing_with(checked.err())
    }
}
