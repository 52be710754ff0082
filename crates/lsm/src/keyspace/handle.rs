//! The keyspace that callers hold: an ordered map of byte strings.

use std::io::Read;
use std::ops::{ControlFlow, RangeBounds};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::range::{KeyRange, PREFIX_BYTES, prefix, with_stored_key};
use crate::commit::{CommitToken, Payload};
use crate::database::Core;
use crate::entry::{MAX_MARK_BYTES, MAX_VALUE_BYTES, NEVER, Timestamp};
use crate::ingestion::Ingestion;
use crate::merging::Visibility;
use crate::read::{Range, RangeEstimate};
use crate::rules::{Rule, expiry_after};
use crate::values::{Located, ValueReader};
use crate::{Error, Value};

/// The most bytes that a put takes in a batch beside its key and value.
const OPERATION_BYTES: usize = PREFIX_BYTES + 11 + MAX_MARK_BYTES;

/// What all handles of one keyspace share.
#[derive(Debug)]
pub(crate) struct KeyspaceState {
    id: u32,
    name: String,
    dropped: AtomicBool,
}

impl KeyspaceState {
    pub(super) fn new(id: u32, name: String) -> Self {
        KeyspaceState { id, name, dropped: AtomicBool::new(false) }
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn mark_dropped(&self) {
        self.dropped.store(true, Ordering::Release);
    }
}

/// A handle on one keyspace; cloning gives another on the same one. Keys are 0 to 65,535 bytes and ordered byte by
/// byte; values may be empty, and of any length.
///
/// Each changing call is a commit of its own; a [`Batch`](crate::Batch) makes many changes one commit.
#[derive(Debug, Clone)]
pub struct Keyspace {
    core: Arc<Core>,
    state: Arc<KeyspaceState>,
}

impl Keyspace {
    pub(super) fn new(core: Arc<Core>, state: Arc<KeyspaceState>) -> Self {
        Keyspace { core, state }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.state.name
    }

    /// The present value of `key`.
    ///
    /// # Errors
    /// Damage or failure of the storage.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Value>, Error> {
        with_stored_key(self.id(), key.as_ref(), |key| self.core.get_present(key))
    }

    /// What `read` makes of the present value of `key`, which it is lent where it lies: nothing is copied, allocated or
    /// counted. The quickest way to a small value.
    ///
    /// Meanwhile memory and files that are read from stay, so `read` should be short, and not write to the database.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary directory");
    /// # let database = stroma_lsm::Database::open(folder.path(), stroma_lsm::Options::default())?;
    /// let stock = database.keyspace("stock")?;
    /// stock.put("apples", 12_u32.to_le_bytes())?;
    /// let apples = stock.get_with("apples", |value| value.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)))?;
    /// assert_eq!(apples.flatten(), Some(12));
    /// assert_eq!(stock.get_with("pears", <[u8]>::len)?, None);
    /// # Ok::<(), stroma_lsm::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Keyspace::get`].
    pub fn get_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, Error> {
        with_stored_key(self.id(), key.as_ref(), |key| self.core.get_with(key, None, read))
    }

    /// Whether `key` is present.
    ///
    /// # Errors
    /// As [`Keyspace::get`].
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.get_with(key, |_| ())?.is_some())
    }

    /// The present value of `key` as a stream, for one that is not to be in memory as a whole. It does not change.
    ///
    /// # Errors
    /// As [`Keyspace::get`].
    pub fn reader(&self, key: impl AsRef<[u8]>) -> Result<Option<ValueReader>, Error> {
        let found = self.core.look_up(&self.full_key(key.as_ref()), None)?;
        Ok(found.map(Located::into_reader))
    }

    /// Sets `key` to all that `source` gives. The value may have any length; it goes to the device piece by piece,
    /// into a value file of its own, and takes 128 KiB of memory. What is shorter than 64 KiB goes the way of
    /// [`Keyspace::put`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary directory");
    /// # let database = stroma_lsm::Database::open(folder.path(), stroma_lsm::Options::default())?;
    /// use std::io::Read as _;
    ///
    /// let films = database.keyspace("films")?;
    /// films.put_stream("long", std::io::repeat(7).take(10_000_000))?;
    /// let mut reader = films.reader("long")?.expect("it was just put");
    /// assert_eq!(reader.len(), 10_000_000);
    /// let mut start = [0; 5];
    /// reader.read_exact(&mut start)?;
    /// assert_eq!(start, [7; 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Stream`] if the source fails; as [`Batch::commit`](crate::Batch::commit).
    pub fn put_stream(&self, key: impl AsRef<[u8]>, mut source: impl Read) -> Result<CommitToken, Error> {
        self.check(&self.core)?;
        let value = self.core.store_stream(self, &mut source)?;
        let mut payload = Payload::default();
        payload.put_streamed(&self.core, &self.key_prefix(), key.as_ref(), value);
        self.core.commit_streamed(payload, self.core.options().durability, None)
    }

    /// Sets `key` to `value`. A value that is longer than a batch may be is streamed, as by
    /// [`Keyspace::put_stream`].
    ///
    /// # Errors
    /// As [`Batch::commit`](crate::Batch::commit).
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<CommitToken, Error> {
        let bytes = key.as_ref().len() + value.as_ref().len() + OPERATION_BYTES;
        if bytes > self.core.batch_limit() || value.as_ref().len() > MAX_VALUE_BYTES {
            return self.put_stream(key, value.as_ref());
        }
        let (prefix, value) = (self.key_prefix(), value.as_ref());
        let packing = self.core.packing(&prefix, value.len());
        self.change(|payload| {
            payload.collect_in(self.core.spare_buffers(), bytes);
            payload.put(&prefix, key.as_ref(), value, packing);
        })
    }

    /// Has the keyspace's merge operator change the value of `key` by `operand`, without reading it.
    ///
    /// # Errors
    /// [`Error::NoMergeOperator`]; as [`Batch::commit`](crate::Batch::commit).
    pub fn merge(&self, key: impl AsRef<[u8]>, operand: impl AsRef<[u8]>) -> Result<CommitToken, Error> {
        self.merge_for(key.as_ref(), operand.as_ref(), None)
    }

    /// The same with an operand that counts until so long after now: who begins to read then sees the value as if it
    /// had never been written. What was put or merged before and after it stays, each as long as it lives itself.
    ///
    /// The time is rounded up to the next 64th of `after`, so that operands of about one time can be put together:
    /// however many are written, a key whose operands all live equally long has at most some 65 once merges have come
    /// by. So a sum over the last hour, say, is a keyspace with [`KeyspaceOptions::living_for`] an hour and an operator
    /// that adds.
    ///
    /// [`KeyspaceOptions::living_for`]: crate::KeyspaceOptions::living_for
    ///
    /// # Errors
    /// As [`Keyspace::merge`].
    pub fn merge_expiring(
        &self,
        key: impl AsRef<[u8]>,
        operand: impl AsRef<[u8]>,
        after: Duration,
    ) -> Result<CommitToken, Error> {
        self.merge_for(key.as_ref(), operand.as_ref(), Some(after))
    }

    fn merge_for(&self, key: &[u8], operand: &[u8], after: Option<Duration>) -> Result<CommitToken, Error> {
        self.check_merges()?;
        let at = after.map_or(NEVER, |after| self.expiry(after));
        self.change(|payload| payload.merge(&self.key_prefix(), key, operand, at))
    }

    /// Sets `key` to `value` until so long after now: nobody who begins to read then sees it any more. Until then it
    /// is as any other; a later put takes its place. Operands merged into it live on when it has expired, as if there
    /// had been no value; in a keyspace with a merge operator the time is rounded as [`Keyspace::merge_expiring`]'s.
    ///
    /// # Errors
    /// As [`Batch::commit`](crate::Batch::commit). The value may not be longer than a batch.
    pub fn put_expiring(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        after: Duration,
    ) -> Result<CommitToken, Error> {
        let at = self.expiry(after);
        self.change(|payload| payload.put_expiring(&self.key_prefix(), key.as_ref(), value.as_ref(), at))
    }

    /// Removes `key`; nothing happens if it is absent.
    ///
    /// # Errors
    /// As [`Batch::commit`](crate::Batch::commit).
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<CommitToken, Error> {
        self.change(|payload| payload.delete(&self.key_prefix(), key.as_ref()))
    }

    /// Removes every key in `range`, in constant time however many there are.
    ///
    /// # Errors
    /// As [`Batch::commit`](crate::Batch::commit).
    pub fn delete_range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Result<CommitToken, Error> {
        let range = KeyRange::new(self.id(), &range);
        self.change(|payload| payload.delete_range(&range.start, &range.end))
    }

    /// Begins to take sorted entries in bulk, past the log and the memtable.
    ///
    /// # Errors
    /// [`Error::KeyspaceDropped`], [`Error::Closed`], [`Error::Poisoned`].
    pub fn ingest(&self) -> Result<Ingestion, Error> {
        Ingestion::new(self.clone())
    }

    /// The present entries in `range`, in key order from either end. Later changes are not seen.
    pub fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Range {
        self.scan(KeyRange::new(self.id(), &range))
    }

    /// Hands the key and the value of each present entry in `range` to `visit`, in key order, until that breaks, and
    /// answers what it broke with. Both are lent where they lie; later changes are not seen. The quickest way over some
    /// dozen entries.
    ///
    /// Meanwhile memory and files that are read from stay, for up to a thousand entries at a time, so `visit` should be
    /// short, and not write to the database. [`Keyspace::range`] may be kept as long as one likes.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary directory");
    /// # let database = stroma_lsm::Database::open(folder.path(), stroma_lsm::Options::default())?;
    /// use std::ops::ControlFlow;
    ///
    /// let stock = database.keyspace("stock")?;
    /// stock.put("apples", [12])?;
    /// stock.put("pears", [7])?;
    /// let mut pieces = 0;
    /// stock.range_with("a".., |_, value| {
    ///     pieces += value.iter().map(|count| u32::from(*count)).sum::<u32>();
    ///     ControlFlow::<()>::Continue(())
    /// })?;
    /// assert_eq!(pieces, 19);
    /// let scarce = |key: &[u8], value: &[u8]| match value {
    ///     [..10] => ControlFlow::Break(key.to_vec()),
    ///     _ => ControlFlow::Continue(()),
    /// };
    /// assert_eq!(stock.range_with::<&str, _>(.., scarce)?.as_deref(), Some(&b"pears"[..]));
    /// # Ok::<(), stroma_lsm::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Keyspace::get`].
    pub fn range_with<K: AsRef<[u8]>, B>(
        &self,
        range: impl RangeBounds<K>,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<B>,
    ) -> Result<Option<B>, Error> {
        self.core.visit_range(KeyRange::new(self.id(), &range), &self.core.take_snapshot(), visit)
    }

    /// The present entries whose keys begin with `start`, in key order from either end.
    pub fn prefix(&self, start: impl AsRef<[u8]>) -> Range {
        self.scan(KeyRange::of_prefix(self.id(), start.as_ref()))
    }

    /// The present values of `keys`, in their order, all of one moment. Where they have to be read from the device
    /// the reads overlap.
    ///
    /// # Errors
    /// As [`Keyspace::get`].
    pub fn get_many<K: AsRef<[u8]>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<Value>>, Error> {
        self.core.get_many(&self.full_keys(keys), None)
    }

    /// About how much there is in `range`. Counts what is in memory, in time linear in that; of tables it reads a few
    /// blocks each at most. Deleted ranges and overwritten versions count until merges drop them.
    ///
    /// # Errors
    /// Damage or failure of the storage.
    pub fn estimate<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Result<RangeEstimate, Error> {
        self.core.read_view().estimate(&KeyRange::new(self.id(), &range))
    }

    /// All present entries; as [`Keyspace::range`] without bounds.
    pub fn iter(&self) -> Range {
        self.scan(KeyRange::new::<&[u8]>(self.id(), &..))
    }

    /// The first entry, if there is one.
    ///
    /// # Errors
    /// Damage or failure of the storage.
    pub fn first(&self) -> Result<Option<(Vec<u8>, Value)>, Error> {
        self.iter().next().transpose()
    }

    /// The last entry, if there is one.
    ///
    /// # Errors
    /// Damage or failure of the storage.
    pub fn last(&self) -> Result<Option<(Vec<u8>, Value)>, Error> {
        self.iter().next_back().transpose()
    }

    /// Refuses operands if there is no merge operator.
    pub(crate) fn check_merges(&self) -> Result<(), Error> {
        self.merges().map(drop).ok_or_else(|| Error::NoMergeOperator { keyspace: self.state.name.clone() })
    }

    /// The rules of this keyspace, if it has a merge operator.
    pub(crate) fn merges(&self) -> Option<Arc<Rule>> {
        let rule = self.core.resolver().rules().of(&self.key_prefix());
        rule.filter(|rule| rule.options.merge_operator.is_some())
    }

    /// When what is written now expires, if it is to live so long.
    pub(crate) fn expiry(&self, after: Duration) -> Timestamp {
        expiry_after(self.core.time(), after, self.merges().is_some())
    }

    fn scan(&self, range: KeyRange) -> Range {
        let guard = self.core.take_snapshot();
        let visibility = Visibility::at(guard.sequence());
        Range::new(self.core.clone(), range, guard, visibility)
    }

    fn change(&self, change: impl FnOnce(&mut Payload)) -> Result<CommitToken, Error> {
        self.check(&self.core)?;
        let mut payload = Payload::default();
        change(&mut payload);
        self.core.commit(payload, self.core.options().durability, None)
    }

    /// What all handles of its database share.
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.state.id
    }

    /// What stands in front of its keys.
    pub(crate) fn key_prefix(&self) -> [u8; PREFIX_BYTES] {
        prefix(self.state.id)
    }

    /// The key as it is stored.
    pub(crate) fn full_key(&self, key: &[u8]) -> Vec<u8> {
        let mut full = Vec::with_capacity(PREFIX_BYTES + key.len());
        full.extend_from_slice(&self.key_prefix());
        full.extend_from_slice(key);
        full
    }

    /// Keys as they are stored.
    pub(crate) fn full_keys<K: AsRef<[u8]>>(&self, keys: impl IntoIterator<Item = K>) -> Vec<Vec<u8>> {
        keys.into_iter().map(|key| self.full_key(key.as_ref())).collect()
    }

    /// Refuses a handle of another database.
    pub(crate) fn check_same(&self, core: &Arc<Core>) -> Result<(), Error> {
        if Arc::ptr_eq(core, &self.core) {
            return Ok(());
        }
        Err(Error::ForeignKeyspace { name: self.state.name.clone() })
    }

    /// Refuses a handle of another database, of a dropped keyspace or of a database to be read: for changes.
    pub(crate) fn check(&self, core: &Arc<Core>) -> Result<(), Error> {
        self.check_same(core)?;
        core.check_writable()?;
        if self.state.dropped.load(Ordering::Acquire) {
            return Err(Error::KeyspaceDropped { name: self.state.name.clone() });
        }
        Ok(())
    }
}
