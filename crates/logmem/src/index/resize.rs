//! One bucket more or one bucket less: what the index does instead of ever being rebuilt.

use super::address::parent;
use super::keys::Keys;
use super::shard::{Place, ShardWriter, vacancies, words};
use super::word::EMPTY;
use crate::memory::LINE_WORDS;
use crate::sync::epoch::Guard;

/// How full the index is kept.
pub(super) struct Load {
    /// It gets another bucket when so many percent of its slots are taken ...
    pub(super) crowded_percent: usize,
    /// ... and loses one when fewer than this many are.
    pub(super) sparse_percent: usize,
}

/// When memory is short.
pub(super) const DENSE: Load = Load { crowded_percent: 92, sparse_percent: 84 };
/// When it is not: two full buckets, which make an insertion move words, are then a third as frequent.
pub(super) const ROOMY: Load = Load { crowded_percent: 86, sparse_percent: 81 };
/// When the pool has no room for a bucket, the index goes on without one up to here.
pub(super) const MOST_PERCENT: usize = 96;

impl ShardWriter<'_> {
    /// Adds a bucket and moves there what its parent must give up. Reads no key, or at most eight if words do not
    /// tell their buckets.
    pub(super) fn split(&self, keys: &impl Keys, guard: &Guard) {
        let new = self.buckets();
        let old = parent(new);
        let layout = self.index.layout();
        if !layout.tells_buckets_of(new + 1) {
            self.touch(old, keys, guard);
        }
        let mut leaving = [false; LINE_WORDS];
        for (slot, word) in words(self.line(old)) {
            let Some(hash) = self.hash_of(word, new + 1, keys, guard) else { continue };
            leaving[slot] = !super::address::candidates(hash, layout.shard_bits(), new + 1).contains(&old);
            if leaving[slot] {
                self.store(Place { bucket: new, slot }, word);
            }
        }
        // From here on readers look there; those that did not and find nothing look again.
        self.announce(new + 1);
        for slot in (0..LINE_WORDS).filter(|slot| leaving[*slot]) {
            self.store(Place { bucket: old, slot }, EMPTY);
        }
    }

    /// Moves what the last bucket holds into others and takes the bucket away. False if they have no room for
    /// all of it, or if it is the only bucket; some words may have moved then.
    pub(super) fn merge(&self, keys: &impl Keys, guard: &Guard) -> bool {
        let Some(last) = self.buckets().checked_sub(1).filter(|last| *last > 0) else { return false };
        let heir = parent(last);
        self.touch(last, keys, guard);
        self.thin_out(last, heir, keys, guard);
        while words(self.line(last)).count() > vacancies(self.line(heir)).count() {
            let full = [heir];
            if self.displace(&full, Some(last), keys, guard).is_none() {
                return false;
            }
        }
        let moving = || words(self.line(last));
        for ((_, word), slot) in moving().zip(vacancies(self.line(heir)).collect::<Vec<_>>()) {
            self.store(Place { bucket: heir, slot }, word);
        }
        self.announce(last);
        for (slot, _) in moving() {
            self.store(Place { bucket: last, slot }, EMPTY);
        }
        true
    }

    /// Sends words of the last bucket to their other buckets where there is room, as many as its heir cannot
    /// take.
    fn thin_out(&self, last: usize, heir: usize, keys: &impl Keys, guard: &Guard) {
        let room = vacancies(self.line(heir)).count();
        let mut excess = words(self.line(last)).count().saturating_sub(room);
        for (slot, word) in words(self.line(last)) {
            if excess == 0 {
                return;
            }
            let other =
                self.hash_of(word, last + 1, keys, guard).and_then(|hash| self.other_bucket(hash, last));
            let Some(other) = other.filter(|other| *other != heir) else { continue };
            if let Some(empty) = vacancies(self.line(other)).next() {
                self.shift(Place { bucket: last, slot }, Place { bucket: other, slot: empty });
                excess -= 1;
            }
        }
    }
}
