//! The store's public methods.

use std::sync::Arc;

use super::core::Core;
use super::entry::Entry;
use super::options::StoreOptions;
use super::slots::State;
use super::statistics::{CleanReport, StoreStatistics};
use super::threads::Threads;
use super::value::{Expected, ValueGuard, Version};
use crate::error::Error;

/// A concurrent key-value store in log-structured memory.
///
/// Reading takes no lock. Writing takes the lock of one shard of the index and that of one of several open
/// segments. When free segments become few, each write does a share of the cleaning (or a thread does it, see
/// [`StoreOptions::cleaner_threads`]): it copies the live entries of the segments with the best ratio of
/// benefit to cost into reserved ones. A write that finds no segment left cleans until there is one, then waits
/// for readers as long as [`StoreOptions::put_patience`] allows, and then fails with [`Error::OutOfMemory`].
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
    pub(super) core: Arc<Core>,
    /// Those that clean in the background; they end before the rest goes.
    _threads: Threads,
}

impl Store {
    /// Makes an empty store. It takes its index and the cleaner's reserve from the pool at once.
    ///
    /// # Errors
    /// [`Error::InvalidOptions`] if the pool or the reserve is too small to work with or the system refuses a
    /// thread, and [`Error::OutOfMemory`] if others have used the pool up.
    pub fn new(options: StoreOptions) -> Result<Store, Error> {
        options.check()?;
        let threads = options.cleaner_threads;
        let core = Arc::new(Core::new(options)?);
        let _threads = Threads::start(&core, threads)?;
        Ok(Store { core, _threads })
    }

    /// Writes a value, whatever was there. Gives the version it got.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if cleaning does not make enough room, [`Error::EntryTooLarge`] if the pool
    /// could never hold the entry. The key keeps its old value then.
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<Version, Error> {
        self.core.write(key, value, Expected::Any)
    }

    /// Writes a value if the key is in the expected state; state and write are one atomic step.
    ///
    /// # Errors
    /// [`Error::VersionMismatch`] if it is not, and those of [`put`](Store::put).
    pub fn put_if(&self, key: &[u8], value: &[u8], expected: Expected) -> Result<Version, Error> {
        self.core.write(key, value, expected)
    }

    /// The value of a key, in place. Takes no lock.
    ///
    /// If [`StoreOptions::held_values`] values are held already, or the cleaner is just moving what lies beside
    /// it, it is copied (to memory outside the budget): see [`ValueGuard`].
    pub fn get(&self, key: &[u8]) -> Option<ValueGuard<'_>> {
        let guard = crate::sync::epoch::pin();
        self.core.find(self.core.hash(key), key, &guard, |segment, entry| ValueGuard {
            held: self.core.slots.hold(segment, entry.value, &guard),
            version: Version(entry.version),
        })
    }

    /// Hands the value of a key and its version to `read`, in place: the fastest way to read. Takes no lock.
    ///
    /// As long as `read` runs, no memory that leaves any store or cache of this process is used again: be brief.
    #[inline] // for callers whose keys are all of one length: hashing then takes half as long
    pub fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8], Version) -> T) -> Option<T> {
        self.read_hashed(self.core.hash(key), key, read)
    }

    fn read_hashed<T>(&self, hash: u64, key: &[u8], read: impl FnOnce(&[u8], Version) -> T) -> Option<T> {
        let guard = crate::sync::epoch::pin();
        self.core.find(hash, key, &guard, |_, entry| read(entry.value, Version(entry.version)))
    }

    /// The value of a key, copied, with its version.
    pub fn get_copied(&self, key: &[u8]) -> Option<(Vec<u8>, Version)> {
        self.get_with(key, |value, version| (value.to_vec(), version))
    }

    /// Whether the key is in the store.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.get_with(key, |_, _| ()).is_some()
    }

    /// Removes a key; gives the version it had, `None` if it was not there.
    pub fn remove(&self, key: &[u8]) -> Option<Version> {
        self.core.erase(key, Expected::Any).unwrap_or(None)
    }

    /// Removes a key if it is in the expected state; gives the version it had.
    ///
    /// # Errors
    /// [`Error::VersionMismatch`] if it is not.
    pub fn remove_if(&self, key: &[u8], expected: Expected) -> Result<Option<Version>, Error> {
        self.core.erase(key, expected)
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.core.index.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Visits every key, value and version, in no particular order.
    ///
    /// A key that is there all the time is visited once; one that is written or removed meanwhile may be seen
    /// in either state. Within a shard of the index all keys are seen as they were at one instant. The
    /// function may use the store and take its time: what it is given was copied, a shard at a time, to memory
    /// outside the budget. A shard holds between a quarter and a thousandth of the store, about 4 MiB.
    pub fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8], Version)) {
        let mut bytes = Vec::new();
        for number in 0..self.core.index.shards() {
            bytes.clear();
            self.core.copy_shard(number, &mut bytes);
            let mut offset = 0;
            while let Some(entry) = Entry::read(&bytes, offset) {
                visit(entry.key, entry.value, Version(entry.version));
                offset += entry.bytes.len();
            }
        }
    }

    /// One step of cleaning: empties about as many segments as give one whole free segment, if there are any
    /// worth it. Writers do the same when they need it; a background thread that calls this when the pool has
    /// few free segments takes the work off them.
    pub fn clean(&self) -> CleanReport {
        let report = self.core.clean_step();
        self.core.slots.collect();
        report
    }

    /// Figures of this moment. Linear in the number of segments and shards.
    pub fn statistics(&self) -> StoreStatistics {
        let (cleaned, reserve_bytes) = {
            let cleaner = self.core.cleaner.lock();
            (cleaner.totals(), cleaner.reserve_bytes())
        };
        let guard = crate::sync::epoch::pin();
        let mut statistics = StoreStatistics {
            entries: self.len(),
            reserve_bytes,
            awaiting_readers_bytes: self.core.slots.awaiting_readers_bytes(),
            index_bytes: self.core.index_bytes(),
            cleaned,
            ..StoreStatistics::default()
        };
        for state in [State::Open, State::Sealed, State::Emptying, State::Run] {
            for segment in self.core.slots.in_state(state, &guard) {
                statistics.live_bytes += segment.live;
                statistics.segment_bytes += segment.size;
                *(if state == State::Run { &mut statistics.runs } else { &mut statistics.segments }) += 1;
            }
        }
        statistics
    }
}
