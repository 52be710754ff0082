//! What a store consists of, shared by its users' threads and those that clean in the background.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::cleaner::Cleaner;
use super::entry::Entry;
use super::heads::Heads;
use super::options::StoreOptions;
use super::pace::Pace;
use super::slots::Slots;
use super::threads::Wake;
use super::versions::Versions;
use crate::error::Error;
use crate::index::{Index, Keys, Probe};
use crate::location::Location;
use crate::memory::{SegmentOwner, View};
use crate::pool::Pool;
use crate::sync::Mutex;
use crate::sync::atomic::AtomicUsize;
use crate::sync::epoch::Guard;

/// The store behind its handle.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) pool: Pool,
    pub(super) options: StoreOptions,
    pub(super) index: Index,
    pub(super) slots: Slots,
    pub(super) heads: Heads,
    pub(super) versions: Versions,
    pub(super) cleaner: Mutex<Cleaner>,
    /// Segments that the cleaner's reserve lacks; changed only by whoever holds `cleaner`.
    pub(super) reserve_missing: AtomicUsize,
    pub(super) pace: Pace,
    /// Where those who clean in the background wait.
    pub(super) wake: Wake,
}

impl Core {
    pub(super) fn new(options: StoreOptions) -> Result<Core, Error> {
        let pool = options.pool.clone();
        let slots = Slots::new(&pool, SegmentOwner::Store, options.held_values)?;
        let index = Index::new(&pool)?;
        let versions = Versions::new(&pool)?;
        let cleaner = Mutex::new(Cleaner::new(&pool, options.reserve_segments)?);
        Ok(Core {
            index,
            slots,
            heads: Heads::new(options.heads),
            versions,
            cleaner,
            reserve_missing: AtomicUsize::new(0),
            pace: Pace::default(),
            wake: Wake::default(),
            options,
            pool,
        })
    }

    /// Bytes charged for the index and other books.
    pub(super) fn index_bytes(&self) -> usize {
        self.index.size_bytes() + self.versions.size_bytes() + self.slots.size_bytes()
    }

    /// Appends all entries of a shard to `bytes`, as they are at one instant.
    pub(super) fn copy_shard(&self, number: usize, bytes: &mut Vec<u8>) {
        let guard = crate::sync::epoch::pin();
        // Under the lock every location is current, and the guard keeps what it names readable later.
        let writer = self.index.lock_number(number);
        let entries: Vec<Entry<'_>> =
            writer.locations().filter_map(|at| self.slots.entry(at, &guard)).collect();
        drop(writer);
        bytes.reserve(entries.iter().map(|entry| entry.bytes.len()).sum());
        entries.iter().for_each(|entry| bytes.extend_from_slice(entry.bytes));
    }

    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        xxh3_64_with_seed(key, self.options.hash_seed)
    }

    /// Looks a key up without a lock and hands what is found to `read`.
    #[inline]
    pub(super) fn find<'g, T>(
        &'g self,
        hash: u64,
        key: &[u8],
        guard: &'g Guard,
        read: impl FnOnce(View<'g>, Entry<'g>) -> T,
    ) -> Option<T> {
        let mut read = Some(read);
        let found = self.index.find(hash, |at| match self.slots.probe(key, at, guard) {
            // Called where it was found: an entry handed back would be written to memory and read again.
            Probe::Found((segment, entry)) => Probe::Found(read.take().map(|read| read(segment, entry))),
            Probe::Other => Probe::Other,
            Probe::Gone => Probe::Gone,
        });
        found.and_then(|(_, result)| result)
    }
}

impl Keys for Core {
    fn hash_at(&self, at: Location, guard: &Guard) -> Option<u64> {
        self.slots.entry(at, guard).map(|entry| self.hash(entry.key))
    }

    fn touch(&self, at: Location, guard: &Guard) {
        self.slots.touch(at, guard);
    }
}
