//! The index as a whole: one row of buckets that grows and shrinks at its end, one bucket at a time.
//!
//! The shards take turns: bucket `n` of the row belongs to shard `n` modulo their number, so that all shards
//! grow together and the memory is one stretch without gaps, charged and given back in small steps. From some
//! thousands of keys on the load stays between 84 and 92 % while memory is short ([`DENSE`]), so that a key
//! takes 8.7 to 9.5 bytes, and between 81 and 86 % while it is not ([`ROOMY`]). Growing by a bucket moves words of
//! one other; nothing is ever rebuilt.
//!
//! Locks: the row's end (`frontier`), then a shard. A lookup takes none.

use std::fmt;

use super::address::candidates;
use super::keys::Keys;
use super::resize::{DENSE, Load, MOST_PERCENT, ROOMY};
use super::shard::{Shard, ShardWriter, buckets_in};
use super::word::{EMPTY, Layout, MAX_HEAT};
use crate::error::Error;
use crate::location::Location;
use crate::memory::{LINE_WORDS, Line, Lines, PIECE_BYTES, beginning_so, prefetch};
use crate::pool::{Charge, Pool};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// One shard for so many bytes of the budget, ...
const BYTES_PER_SHARD: usize = 4 << 20;
/// ... but at least 2^2 and at most 2^10 of them.
const SHARD_BITS: std::ops::RangeInclusive<u32> = 2..=10;
/// Memory is charged in steps of this share of the budget, ...
const STEPS_PER_BUDGET: usize = 16 << 10;
/// ... but of at most this many bytes.
const MOST_STEP_BYTES: usize = 256 << 10;
/// Buckets added or taken away by one writer before it goes on with its own work.
const AT_A_TIME: usize = 4;

/// From hashes to locations.
pub(crate) struct Index {
    lines: Lines,
    shards: Box<[Shard]>,
    layout: Layout,
    /// Number of buckets in the row; stored only under `frontier`.
    buckets: AtomicUsize,
    entries: AtomicUsize,
    /// Whether there is memory to spare for a roomier index.
    is_roomy: AtomicBool,
    /// What the row's lines are charged with, a charge for each step.
    frontier: Mutex<Vec<Charge>>,
    /// Number of those charges.
    steps: AtomicUsize,
    /// Lines in a step.
    step: usize,
    /// The shards' own bytes.
    fixed: Charge,
}

/// What a reader found where a word led it.
pub(crate) enum Probe<T> {
    /// The key, and what was wanted of it.
    Found(T),
    /// Another key of the same tag.
    Other,
    /// Nothing any more: the entry was moved or overwritten after the word was read.
    Gone,
}

impl Index {
    /// An empty index for what a pool can hold.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the pool has no room for it.
    pub(crate) fn new(pool: &Pool) -> Result<Index, Error> {
        let capacity = pool.capacity_bytes();
        let wanted = (capacity / BYTES_PER_SHARD).max(1).ilog2();
        let shard_bits = wanted.clamp(*SHARD_BITS.start(), *SHARD_BITS.end());
        let count = 1_usize << shard_bits;
        let step_bytes = (capacity / STEPS_PER_BUDGET).next_power_of_two();
        let step_bytes = step_bytes.clamp(PIECE_BYTES, MOST_STEP_BYTES).max(count * size_of::<Line>());
        let fixed = pool.charge(count * size_of::<Shard>())?;
        let first = pool.charge(step_bytes)?;
        // Only as many as fit the budget can ever be charged.
        let lines = Lines::reserve(capacity / size_of::<Line>(), pool.wants_huge_pages())
            .ok_or_else(|| pool.out_of_memory(step_bytes, 0))?;
        Ok(Index {
            lines,
            shards: std::iter::repeat_with(Shard::new).take(count).collect(),
            layout: Layout::of(pool, shard_bits),
            buckets: AtomicUsize::new(count),
            entries: AtomicUsize::new(0),
            is_roomy: AtomicBool::new(false),
            frontier: Mutex::new(vec![first]),
            steps: AtomicUsize::new(1),
            step: step_bytes / size_of::<Line>(),
            fixed,
        })
    }

    /// The same index, empty as yet, with words divided in another way.
    #[cfg(test)]
    pub(super) fn with_layout(self, layout: impl Fn(u32) -> Layout) -> Index {
        Index { layout: layout(self.layout.shard_bits()), ..self }
    }

    /// Looks through the words that may be the key's, without a lock: the first that `probe` finds to be it.
    /// A key that is in the index all the time is found, whoever moves words meanwhile.
    #[inline(always)]
    pub(crate) fn find<T>(
        &self,
        hash: u64,
        probe: impl FnMut(Location) -> Probe<T>,
    ) -> Option<(Location, T)> {
        self.search(hash, probe).map(|(_, word, found)| (self.layout.location(word), found))
    }

    /// The same, and makes the key one step hotter, up to the most.
    pub(crate) fn find_warming<T>(&self, hash: u64, probe: impl FnMut(Location) -> Probe<T>) -> Option<T> {
        let (slot, word, found) = self.search(hash, probe)?;
        if self.layout.heat(word) < MAX_HEAT {
            let hotter = self.layout.hotter(word);
            // If the word has changed meanwhile, no heat is better than another key's.
            let _ = slot.compare_exchange(word, hotter, Ordering::Relaxed, Ordering::Relaxed);
        }
        Some(found)
    }

    #[inline(always)] // the caller's probe, and with it what it makes, is to melt into the loop
    fn search<T>(
        &self,
        hash: u64,
        mut probe: impl FnMut(Location) -> Probe<T>,
    ) -> Option<(&AtomicU64, u64, T)> {
        let number = self.shard_number(hash);
        let beginning = self.layout.beginning(hash);
        loop {
            let state = self.shards[number].state();
            let mut gone = false;
            let lines = candidates(hash, self.layout.shard_bits(), buckets_in(state));
            let lines = lines.map(|bucket| self.line(number, bucket));
            let mut slots = beginning_so(lines, beginning);
            while slots != 0 {
                let slot = slots.trailing_zeros() as usize;
                slots &= slots - 1;
                let slot = &lines[slot / LINE_WORDS % 2].0[slot % LINE_WORDS];
                let word = slot.load(Ordering::Acquire);
                if word == EMPTY {
                    continue;
                }
                match probe(self.layout.location(word)) {
                    Probe::Found(found) => return Some((slot, word, found)),
                    Probe::Other => {}
                    Probe::Gone => gone = true,
                }
            }
            if !gone && self.shards[number].state() == state {
                return None;
            }
        }
    }

    /// Asks the processor for what a lookup of this hash will read.
    pub(crate) fn prefetch(&self, hash: u64) {
        let number = self.shard_number(hash);
        let state = self.shards[number].state();
        for bucket in candidates(hash, self.layout.shard_bits(), buckets_in(state)) {
            prefetch(self.line(number, bucket));
        }
    }

    /// Locks the shard of a hash.
    pub(crate) fn lock(&self, hash: u64) -> ShardWriter<'_> {
        self.lock_number(self.shard_number(hash))
    }

    /// Number of shards, for [`lock_number`](Index::lock_number).
    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Locks a shard by its number.
    pub(crate) fn lock_number(&self, number: usize) -> ShardWriter<'_> {
        ShardWriter::new(self, number, &self.shards[number])
    }

    /// Whether there is memory to spare, from now on. An index that was never told takes there is none.
    pub(crate) fn be_roomy(&self, is_roomy: bool) {
        self.is_roomy.store(is_roomy, Ordering::Relaxed);
    }

    fn load(&self) -> Load {
        if self.is_roomy.load(Ordering::Relaxed) { ROOMY } else { DENSE }
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// Bytes charged to the pool.
    pub(crate) fn size_bytes(&self) -> usize {
        // Without the lock: it is asked while the end of the row is locked, when the pool looks for memory.
        self.fixed.bytes() + self.steps.load(Ordering::Relaxed) * self.step * size_of::<Line>()
    }

    /// Adds buckets if the index is crowded; to be called before an insertion, without any shard's lock.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the pool has no room and the index can hardly take another key.
    pub(crate) fn grow(&self, pool: &Pool, keys: &impl Keys) -> Result<(), Error> {
        if !self.is_fuller_than(self.load().crowded_percent) {
            return Ok(());
        }
        // If another thread is at it, that is enough: insertions go on until there is no room at all.
        let Some(mut charges) = self.frontier.try_lock() else { return Ok(()) };
        for _ in 0..AT_A_TIME {
            if !self.is_fuller_than(self.load().crowded_percent) {
                break;
            }
            match self.split_next(&mut charges, pool, keys) {
                // A longer search for room is better than a refusal.
                Err(_) if !self.is_fuller_than(MOST_PERCENT) => break,
                done => done?,
            }
        }
        Ok(())
    }

    /// Adds buckets until the shard of this hash has got one, because it was found
    /// [`Crowded`](super::Crowded).
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the pool has no room, or if so many keys share this hash that no number of
    /// buckets would do.
    pub(crate) fn relieve(&self, hash: u64, pool: &Pool, keys: &impl Keys) -> Result<(), Error> {
        let mut charges = self.frontier.lock();
        if self.lock(hash).is_hopeless(hash, keys, &crate::sync::epoch::pin()) {
            return Err(pool.out_of_memory(self.step * size_of::<Line>(), 0));
        }
        let number = self.shard_number(hash);
        let had = buckets_in(self.shards[number].state());
        while buckets_in(self.shards[number].state()) == had {
            self.split_next(&mut charges, pool, keys)?;
        }
        Ok(())
    }

    /// Takes buckets away if the index has become sparse; to be called after a removal, without any shard's
    /// lock.
    pub(crate) fn shrink(&self, keys: &impl Keys) {
        let is_sparse = || !self.is_fuller_than(self.load().sparse_percent) && self.row() > self.shards();
        if !is_sparse() {
            return;
        }
        let Some(mut charges) = self.frontier.try_lock() else { return };
        for _ in 0..AT_A_TIME {
            let last = self.row() - 1;
            let guard = crate::sync::epoch::pin();
            if !is_sparse() || !self.lock_number(last % self.shards()).merge(keys, &guard) {
                return;
            }
            self.buckets.store(last, Ordering::Relaxed);
            let needed = last.div_ceil(self.step);
            if needed < charges.len() {
                self.lines.give_back(needed * self.step, charges.len() * self.step);
                charges.truncate(needed);
                self.steps.store(needed, Ordering::Relaxed);
            }
        }
    }

    /// How its words are divided.
    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// A bucket of a shard.
    pub(super) fn line(&self, shard: usize, bucket: usize) -> &Line {
        &self.lines.all()[bucket << self.layout.shard_bits() | shard]
    }

    pub(super) fn count_entry(&self) {
        self.entries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn discount_entry(&self) {
        self.entries.fetch_sub(1, Ordering::Relaxed);
    }

    /// Number of buckets.
    pub(super) fn row(&self) -> usize {
        self.buckets.load(Ordering::Relaxed)
    }

    fn shard_number(&self, hash: u64) -> usize {
        hash as usize & (self.shards.len() - 1)
    }

    fn is_fuller_than(&self, percent: usize) -> bool {
        self.len() * 100 >= self.row() * LINE_WORDS * percent
    }

    fn split_next(&self, charges: &mut Vec<Charge>, pool: &Pool, keys: &impl Keys) -> Result<(), Error> {
        let new = self.row();
        if new >= self.lines.all().len() {
            return Err(pool.out_of_memory(self.step * size_of::<Line>(), 0));
        }
        if new >= charges.len() * self.step {
            charges.push(pool.charge(self.step * size_of::<Line>())?);
            self.steps.store(charges.len(), Ordering::Relaxed);
        }
        // Pinned only now: who asks the pool for memory must not keep others from giving it.
        let guard = crate::sync::epoch::pin();
        self.lock_number(new % self.shards()).split(keys, &guard);
        self.buckets.store(new + 1, Ordering::Relaxed);
        Ok(())
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Index")
            .field("entries", &self.len())
            .field("buckets", &self.row())
            .finish_non_exhaustive()
    }
}
