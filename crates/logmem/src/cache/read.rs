//! Looking up: without a lock, and leaving a trace of warmth.

use super::api::Shared;
use super::heads::NEVER;
use crate::index::Keys;
use crate::location::Location;
use crate::memory::View;
use crate::store::entry::Entry;
use crate::sync::epoch::Guard;

/// When an entry expires, in seconds since the cache was made: what it carries as its version, less one.
pub(super) fn expiry_of(entry: &Entry<'_>) -> u64 {
    entry.version.checked_sub(1).unwrap_or(NEVER)
}

/// The number that an entry carries for its expiry, if it has one.
pub(super) fn stamp_of(expiry: u64) -> u64 {
    expiry.wrapping_add(1)
}

impl Shared {
    /// The entry of a key and its segment, counted as a hit and made warmer, or as a miss.
    pub(super) fn look_up<'g>(&'g self, key: &[u8], guard: &'g Guard) -> Option<(View<'g>, Entry<'g>)> {
        let found = self.index.find_warming(self.hash(key), |at| self.slots.probe(key, at, guard));
        let fresh = found.filter(|(_, entry)| self.is_fresh(entry));
        self.counters.lookup(fresh.is_some());
        fresh
    }

    pub(super) fn contains(&self, key: &[u8], guard: &Guard) -> bool {
        let found = self.index.find(self.hash(key), |at| self.slots.probe(key, at, guard));
        found.is_some_and(|(_, (_, entry))| self.is_fresh(&entry))
    }

    /// Whether the entry's time is not over.
    pub(super) fn is_fresh(&self, entry: &Entry<'_>) -> bool {
        let expiry = expiry_of(entry);
        expiry == NEVER || self.now() < expiry
    }
}

impl Keys for Shared {
    fn hash_at(&self, at: Location, guard: &Guard) -> Option<u64> {
        self.slots.entry(at, guard).map(|entry| self.hash(entry.key))
    }

    fn touch(&self, at: Location, guard: &Guard) {
        self.slots.touch(at, guard);
    }
}
