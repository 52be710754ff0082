//! The cache's public methods.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::evict::{Evictor, RESERVE};
use super::ghost::Ghost;
use super::heads::{Head, Queues};
use super::options::CacheOptions;
use super::statistics::{CacheStatistics, Counters};
use crate::error::Error;
use crate::index::Index;
use crate::memory::SegmentOwner;
use crate::pool::{Pool, Reclaim};
use crate::store::departures::Held;
use crate::store::heads::Heads;
use crate::store::slots::{Slots, State};
use crate::sync::Mutex;
use crate::sync::atomic::AtomicUsize;

/// A concurrent cache in log-structured memory; cloning gives another handle on the same one.
///
/// Entries of all sizes fill its segments without gaps: beside key and value an entry takes three bytes or
/// little more, and about nine in the index. When memory is short, the inserting thread evicts in short
/// steps: it goes through the oldest segment, copies the entries that were read most for their size, and
/// forgets the rest, as Segcache does (Yang, Yue and Vinayak, NSDI 2021). What was inserted and never read
/// goes at its first eviction, from a small share of the cache, so that a scan does not displace what is in
/// use (Yang and others, "FIFO queues are all you need", SOSP 2023). Reading takes no lock and is never
/// held up.
///
/// Three or four segments are always open, set aside or just emptied: a cache should have a hundred or more
/// of them, and segments should be at least sixteen times as large as the usual entry.
///
/// The pool may be shared: the cache takes free memory up to its maximum, and gives it back down to its
/// minimum when others find the pool empty.
///
/// ```
/// use stroma_logmem::{Cache, CacheOptions, Pool, PoolOptions};
///
/// let pool = Pool::new(PoolOptions { capacity_bytes: 4 << 20, segment_bytes: 64 << 10 })?;
/// let cache = Cache::new(CacheOptions::new(pool, 42))?;
/// cache.insert(b"coral", b"polyp")?;
/// assert_eq!(cache.get(b"coral").as_deref(), Some(&b"polyp"[..]));
/// assert_eq!(cache.get_with(b"coral", |value| value.len()), Some(5));
/// for number in 0_u32..100_000 {
///     cache.insert(&number.to_le_bytes(), &[7; 100])?; // evicts, and never runs out of memory
/// }
/// let statistics = cache.statistics();
/// assert!(statistics.evicted > 0 && statistics.bytes <= 4 << 20);
/// # Ok::<(), stroma_logmem::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cache {
    pub(super) shared: Arc<Shared>,
}

/// What the handles share, and what the pool asks for memory.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) pool: Pool,
    pub(super) options: CacheOptions,
    /// When the cache was made, by its clock: expiries count from then.
    pub(super) began: u64,
    pub(super) index: Index,
    pub(super) slots: Slots,
    pub(super) heads: Heads<Head>,
    pub(super) queues: Mutex<Queues>,
    pub(super) evictor: Mutex<Evictor>,
    pub(super) ghost: Ghost,
    pub(super) counters: Counters,
    /// Segments in use or set aside; those that wait for readers not counted.
    pub(super) segments: AtomicUsize,
    /// Bytes that inserting threads should evict, so that a free segment is there when it is needed.
    pub(super) debt: AtomicUsize,
}

/// Open segments hold new entries: more than this share of all would take the probation's place.
const SEGMENTS_PER_HEAD: usize = 40;
/// The ghost takes one in so many bytes of the largest size: it remembers four keys for each KiB.
const GHOST_SHARE: usize = 128;

impl Cache {
    /// Makes an empty cache.
    ///
    /// # Errors
    /// [`Error::InvalidOptions`] if the limits contradict each other or leave fewer than five segments, and
    /// [`Error::OutOfMemory`] if others have used the pool up.
    pub fn new(options: CacheOptions) -> Result<Cache, Error> {
        options.check()?;
        let pool = options.pool.clone();
        let most = options.max_bytes.min(pool.capacity_bytes());
        let open_heads =
            Heads::usual_count(&pool).min((most / pool.segment_bytes() / SEGMENTS_PER_HEAD).max(1));
        let shared = Arc::new(Shared {
            began: options.clock.as_ref().map_or(0, super::CacheClock::seconds),
            index: Index::new(&pool)?,
            slots: Slots::new(&pool, SegmentOwner::Cache, options.held_values)?,
            heads: Heads::new(open_heads),
            queues: Mutex::default(),
            evictor: Mutex::new(Evictor::new(&pool, most)?),
            ghost: Ghost::new(&pool, most / GHOST_SHARE / size_of::<u64>())?,
            counters: Counters::default(),
            segments: AtomicUsize::new(RESERVE),
            debt: AtomicUsize::new(0),
            pool,
            options,
        });
        let as_reclaimer: Arc<dyn Reclaim> = shared.clone();
        shared.pool.add_reclaimer(Arc::downgrade(&as_reclaimer));
        Ok(Cache { shared })
    }

    /// Puts a value in the cache, in the place of the key's present one. It evicts what is worth least.
    ///
    /// # Errors
    /// [`Error::EntryTooLarge`] if key and value do not fit a segment. [`Error::OutOfMemory`] only if readers
    /// hold on to all memory that was evicted, or others to all the pool's but this cache's minimum of four
    /// segments. In both cases the key is not in the cache afterwards.
    pub fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.shared.insert(key, value, None)
    }

    /// The same for a value that is of no use `seconds` from now, by the clock of the options.
    ///
    /// # Errors
    /// Those of [`insert`](Cache::insert).
    pub fn insert_with_ttl(&self, key: &[u8], value: &[u8], seconds: u64) -> Result<(), Error> {
        self.shared.insert(key, value, Some(seconds))
    }

    /// The value of a key, in place. Takes no lock and holds nothing up.
    ///
    /// If [`CacheOptions::held_values`] values are held already, or the segment is just being emptied, the
    /// guard has a copy.
    pub fn get(&self, key: &[u8]) -> Option<CacheGuard<'_>> {
        let guard = crate::sync::epoch::pin();
        let (segment, entry) = self.shared.look_up(key, &guard)?;
        Some(CacheGuard { held: self.shared.slots.hold(segment, entry.value, &guard) })
    }

    /// Reads the value of a key where it lies, if it is there. The function should be short: as long as it
    /// runs, no memory that was evicted since can be used again.
    pub fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let guard = crate::sync::epoch::pin();
        self.shared.look_up(key, &guard).map(|(_, entry)| read(entry.value))
    }

    /// The value of a key, copied.
    pub fn get_copied(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.get_with(key, <[u8]>::to_vec)
    }

    /// The value of a key; if it is not there, the one that `make` makes, which is put in the cache.
    ///
    /// Threads that ask for the same missing key at once may all call `make`; the last one's value stays.
    /// That it could not be put in the cache is no error here.
    ///
    /// # Errors
    /// What `make` fails with.
    pub fn get_or_insert_with<E>(
        &self,
        key: &[u8],
        make: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        if let Some(value) = self.get_copied(key) {
            return Ok(value);
        }
        let value = make()?;
        let _ = self.insert(key, &value);
        Ok(value)
    }

    /// Whether the key is in the cache. Counts neither as a hit nor as a use.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.shared.contains(key, &crate::sync::epoch::pin())
    }

    /// Takes a key out; whether it was there.
    pub fn remove(&self, key: &[u8]) -> bool {
        self.shared.remove(key)
    }

    /// Number of entries, those included whose time is over but which were not come across yet.
    pub fn len(&self) -> usize {
        self.shared.index.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Figures of this moment. Linear in the number of segments.
    pub fn statistics(&self) -> CacheStatistics {
        let shared = &self.shared;
        let guard = crate::sync::epoch::pin();
        let states = [State::Open, State::Sealed, State::Emptying];
        let live = states.into_iter().flat_map(|state| shared.slots.in_state(state, &guard));
        CacheStatistics {
            entries: self.len(),
            live_bytes: live.map(|segment| segment.live).sum(),
            bytes: shared.held_bytes(),
            index_bytes: shared.index.size_bytes(),
            awaiting_readers_bytes: shared.slots.awaiting_readers_bytes(),
            ..shared.counters.read()
        }
    }
}

/// A value read in place, or a copy of it if too many are held already.
///
/// As long as it lives, the segment that it lies in is not emptied, or cannot be used anew; nothing else is
/// held up. It may be sent to other threads.
pub struct CacheGuard<'a> {
    held: Held<'a>,
}

impl Deref for CacheGuard<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.held.bytes()
    }
}

impl fmt::Debug for CacheGuard<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("CacheGuard").field(&&**self).finish()
    }
}

impl Shared {
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        xxh3_64_with_seed(key, self.options.hash_seed)
    }

    /// Seconds since the cache was made.
    pub(super) fn now(&self) -> u64 {
        self.options.clock.as_ref().map_or(0, |clock| clock.seconds().saturating_sub(self.began))
    }
}
