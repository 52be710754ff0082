//! The store's public methods.

use crate::sync::Mutex;
use crate::sync::atomic::AtomicUsize;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::cleaner::Cleaner;
use super::entry::Entry;
use super::options::StoreOptions;
use super::slots::{Slots, State};
use super::statistics::{CleanReport, StoreStatistics};
use super::value::{Expected, ValueGuard, Version};
use super::versions::Versions;
use crate::error::Error;
use crate::index::{Index, Probe};
use crate::memory::{Pinned, SegmentOwner};
use crate::pool::Pool;

/// A concurrent key-value store in log-structured memory.
///
/// Reading takes no lock. Writing takes the lock of one shard of the index and the lock of the open segment;
/// when free segments become few, the writer cleans: it copies the live entries of the segments with the best
/// ratio of benefit to cost into a reserved one. A write that finds no memory after cleaning fails with
/// [`Error::OutOfMemory`].
///
/// ```
/// use stroma_logmem::{Expected, Pool, PoolOptions, Store, StoreOptions};
///
/// let pool = Pool::new(PoolOptions { capacity_bytes: 4 << 20, segment_bytes: 64 << 10 })?;
/// let store = Store::new(StoreOptions::new(pool, 42))?;
/// let first = store.put(b"coral", b"polyp")?;
/// let second = store.put_if(b"coral", b"reef", Expected::Version(first))?;
/// assert!(second > first);
/// assert!(store.put_if(b"coral", b"late", Expected::Version(first)).is_err());
/// assert_eq!(store.get(b"coral").as_deref(), Some(&b"reef"[..]));
/// # Ok::<(), stroma_logmem::Error>(())
/// ```
#[derive(Debug)]
pub struct Store {
    pub(super) pool: Pool,
    pub(super) options: StoreOptions,
    pub(super) index: Index,
    pub(super) slots: Slots,
    /// Number of the segment that writers append to, 0 for none. Held while an entry is copied.
    pub(super) head: Mutex<u32>,
    pub(super) cleaner: Mutex<Cleaner>,
    /// Segments that the cleaner's reserve lacks; changed only by whoever holds `cleaner`.
    pub(super) reserve_missing: AtomicUsize,
    pub(super) versions: Versions,
}

impl Store {
    /// Makes an empty store. It takes its index and the cleaner's reserve from the pool at once.
    ///
    /// # Errors
    /// [`Error::InvalidOptions`] if the pool or the reserve is too small to work with, and
    /// [`Error::OutOfMemory`] if others have used the pool up.
    pub fn new(options: StoreOptions) -> Result<Store, Error> {
        let pool = options.pool.clone();
        let segments = pool.capacity_bytes() / pool.segment_bytes();
        let least = options.reserve_segments.saturating_add(2);
        if options.reserve_segments == 0 || segments < least {
            return Err(Error::InvalidOptions {
                reason: format!(
                    "reserve_segments is {} of {segments}; a store needs 1 or more and two segments besides",
                    options.reserve_segments
                ),
            });
        }
        let slots = Slots::new(&pool, SegmentOwner::Store);
        let index = Index::new(&pool)?;
        let versions = Versions::new(&pool)?;
        let cleaner = Mutex::new(Cleaner::new(&pool, options.reserve_segments)?);
        Ok(Store {
            pool,
            options,
            index,
            slots,
            head: Mutex::new(0),
            cleaner,
            reserve_missing: AtomicUsize::new(0),
            versions,
        })
    }

    /// Writes a value, whatever was there. Gives the version it got.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if cleaning does not make enough room, [`Error::EntryTooLarge`] if the pool
    /// could never hold the entry. The key keeps its old value then.
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<Version, Error> {
        self.write(key, value, Expected::Any)
    }

    /// Writes a value if the key is in the expected state; state and write are one atomic step.
    ///
    /// # Errors
    /// [`Error::VersionMismatch`] if it is not, and those of [`put`](Store::put).
    pub fn put_if(&self, key: &[u8], value: &[u8], expected: Expected) -> Result<Version, Error> {
        self.write(key, value, expected)
    }

    /// The value of a key, in place. Takes no lock.
    pub fn get(&self, key: &[u8]) -> Option<ValueGuard<'_>> {
        let mut version = 0;
        let value = Pinned::find(self, |store, guard| {
            let entry = store.find(key, guard)?;
            version = entry.version;
            Some(entry.value)
        })?;
        Some(ValueGuard { value, version: Version(version) })
    }

    /// The value of a key, copied, with its version.
    pub fn get_copied(&self, key: &[u8]) -> Option<(Vec<u8>, Version)> {
        let guard = crate::sync::epoch::pin();
        self.find(key, &guard).map(|entry| (entry.value.to_vec(), Version(entry.version)))
    }

    /// Whether the key is in the store.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.find(key, &crate::sync::epoch::pin()).is_some()
    }

    /// Removes a key; gives the version it had, `None` if it was not there.
    pub fn remove(&self, key: &[u8]) -> Option<Version> {
        self.erase(key, Expected::Any).unwrap_or(None)
    }

    /// Removes a key if it is in the expected state; gives the version it had.
    ///
    /// # Errors
    /// [`Error::VersionMismatch`] if it is not.
    pub fn remove_if(&self, key: &[u8], expected: Expected) -> Result<Option<Version>, Error> {
        self.erase(key, expected)
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Visits every key, value and version, in no particular order.
    ///
    /// A key that is there all the time is visited once; one that is written or removed meanwhile may be seen
    /// in either state. Within a shard of the index all keys are seen as they were at one instant. The
    /// function may use the store, but as long as it runs the memory of its shard cannot be cleaned. Takes 56
    /// bytes of temporary memory for each key of a shard, which are not counted in the budget.
    pub fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8], Version)) {
        for number in 0..self.index.shards() {
            let guard = crate::sync::epoch::pin();
            // Under the lock every location is current, and the guard keeps what it names readable later.
            let writer = self.index.lock_number(number);
            let entries: Vec<Entry<'_>> =
                writer.locations().filter_map(|at| self.slots.entry(at, &guard)).collect();
            drop(writer);
            for entry in entries {
                visit(entry.key, entry.value, Version(entry.version));
            }
        }
    }

    /// One step of cleaning: empties about as many segments as give one whole free segment, if there are any
    /// worth it. Writers do the same when they need it; a background thread that calls this when the pool has
    /// few free segments takes the work off them.
    pub fn clean(&self) -> CleanReport {
        let report = self.clean_step(super::cleaner::MIN_DEAD_SHARE);
        self.collect();
        report
    }

    /// Figures of this moment. Linear in the number of segments and shards.
    pub fn statistics(&self) -> StoreStatistics {
        let (cleaned, reserve_bytes) = {
            let cleaner = self.cleaner.lock();
            (cleaner.totals(), cleaner.reserve_bytes())
        };
        let guard = crate::sync::epoch::pin();
        let mut statistics = StoreStatistics {
            entries: self.len(),
            reserve_bytes,
            awaiting_readers_bytes: self.slots.awaiting_readers_bytes(),
            index_bytes: self.index.size_bytes() + self.versions.size_bytes(),
            cleaned,
            ..StoreStatistics::default()
        };
        for state in [State::Open, State::Sealed, State::Run] {
            for segment in self.slots.in_state(state, &guard) {
                statistics.live_bytes += segment.live;
                statistics.segment_bytes += segment.size;
                *(if state == State::Run { &mut statistics.runs } else { &mut statistics.segments }) += 1;
            }
        }
        statistics
    }

    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        xxh3_64_with_seed(key, self.options.hash_seed)
    }

    /// Looks a key up without a lock.
    fn find<'g>(&'g self, key: &[u8], guard: &'g crate::sync::epoch::Guard) -> Option<Entry<'g>> {
        let hash = self.hash(key);
        let found = self.index.find(hash, |at| {
            // The entry was moved or overwritten after the word was read: the new word is there.
            let Some(segment) = self.slots.segment(at.segment(), guard) else { return Probe::Gone };
            let entry = Entry::read(segment.committed(), at.offset());
            entry.filter(|entry| entry.key == key).map_or(Probe::Other, Probe::Found)
        });
        found.map(|(_, entry)| entry)
    }
}
