//! Figures about a cache: what it holds, how often it had what was asked for, and what it let go.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::thread;

/// What a [`Cache`](crate::Cache) holds and did until now. Exact when nobody is using it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStatistics {
    /// Entries, those included whose time is over but which were not come across yet.
    pub entries: usize,
    /// Lookups that found the key.
    pub hits: u64,
    /// Lookups that did not, or found it expired.
    pub misses: u64,
    /// Entries written.
    pub insertions: u64,
    /// Entries dropped to make room.
    pub evicted: u64,
    /// Entries dropped because their time was over.
    pub expired: u64,
    /// Entries copied because they were worth keeping when their segment was emptied, and their bytes.
    pub kept: u64,
    /// Bytes of those.
    pub kept_bytes: u64,
    /// Insertions refused because readers held all memory; see [`Cache::insert`](crate::Cache::insert).
    pub refused: u64,
    /// Bytes of current entries: keys, values and the few bytes in front of each.
    pub live_bytes: usize,
    /// Bytes taken from the pool in all: segments, index and what is remembered of dropped keys.
    pub bytes: usize,
    /// Bytes of the index alone.
    pub index_bytes: usize,
    /// Bytes of emptied segments that wait for readers to finish.
    pub awaiting_readers_bytes: usize,
}

const STRIPES: usize = 8;

/// Counts of what happens all the time, spread so that threads seldom meet.
#[derive(Debug, Default)]
pub(super) struct Counters {
    stripes: [Stripe; STRIPES],
    pub(super) evicted: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) kept: AtomicU64,
    pub(super) kept_bytes: AtomicU64,
    pub(super) refused: AtomicU64,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Stripe {
    hits: AtomicU64,
    misses: AtomicU64,
    insertions: AtomicU64,
}

impl Counters {
    /// This thread's.
    fn stripe(&self) -> &Stripe {
        &self.stripes[thread::number() % STRIPES]
    }

    pub(super) fn lookup(&self, hit: bool) {
        let stripe = self.stripe();
        add(if hit { &stripe.hits } else { &stripe.misses }, 1);
    }

    pub(super) fn insertion(&self) {
        add(&self.stripe().insertions, 1);
    }

    pub(super) fn read(&self) -> CacheStatistics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let sum = |of: fn(&Stripe) -> &AtomicU64| self.stripes.iter().map(|stripe| get(of(stripe))).sum();
        CacheStatistics {
            hits: sum(|stripe| &stripe.hits),
            misses: sum(|stripe| &stripe.misses),
            insertions: sum(|stripe| &stripe.insertions),
            evicted: get(&self.evicted),
            expired: get(&self.expired),
            kept: get(&self.kept),
            kept_bytes: get(&self.kept_bytes),
            refused: get(&self.refused),
            ..CacheStatistics::default()
        }
    }
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
