//! A part of the index under one lock: buckets of eight words, two of them for each key.
//!
//! A key's word stands in either of two buckets (cuckoo hashing with buckets: Pagh and Rodler 2004,
//! Dietzfelbinger and Weidling 2007). Readers take no lock: they look through both. Who moves a word to its
//! other bucket first copies it, then counts the move, then erases the old copy; so a reader that found
//! nothing and sees the count unchanged was not led past a key that is there all the time.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};

use super::address;
use super::keys::Keys;
use super::table::Index;
use super::word::EMPTY;
use crate::location::Location;
use crate::memory::{LINE_WORDS, Line, beginning_so, prefetch};
use crate::sync::epoch::Guard;

/// What all threads meet at in a shard.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Shard {
    /// Number of buckets in the upper half, moves so far (modulo 2^32) in the lower; stored only under
    /// `writer`. A reader is led astray only if it sleeps during exactly 2^32 moves within one lookup.
    state: AtomicU64,
    writer: Mutex<()>,
}

/// Where a word stands. Good as long as the shard's lock is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(super) bucket: usize,
    pub(super) slot: usize,
}

/// Neither bucket of a key has room, nor could any be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Crowded;

/// A shard whose lock is held: the only one that changes its words (but for their heat).
#[derive(Debug)]
pub(crate) struct ShardWriter<'a> {
    pub(super) index: &'a Index,
    number: usize,
    shard: &'a Shard,
    _lock: MutexGuard<'a, ()>,
}

impl Shard {
    /// A shard of one bucket.
    pub(super) fn new() -> Shard {
        Shard { state: AtomicU64::new(1 << 32), writer: Mutex::new(()) }
    }

    pub(super) fn state(&self) -> u64 {
        self.state.load(Ordering::Acquire)
    }
}

/// Number of buckets that a shard's state tells.
pub(super) fn buckets_in(state: u64) -> usize {
    (state >> 32) as usize
}

/// Words of a bucket that hold something, with their slots.
pub(super) fn words(line: &Line) -> impl Iterator<Item = (usize, u64)> {
    let loaded = line.0.iter().map(|word| word.load(Ordering::Acquire)).enumerate();
    loaded.filter(|(_, word)| *word != EMPTY)
}

/// Empty slots of a bucket.
pub(super) fn vacancies(line: &Line) -> impl Iterator<Item = usize> {
    (0..LINE_WORDS).filter(|slot| line.0[*slot].load(Ordering::Relaxed) == EMPTY)
}

impl<'a> ShardWriter<'a> {
    pub(super) fn new(index: &'a Index, number: usize, shard: &'a Shard) -> ShardWriter<'a> {
        ShardWriter { index, number, shard, _lock: shard.writer.lock() }
    }

    /// Number of buckets now.
    pub(super) fn buckets(&self) -> usize {
        buckets_in(self.shard.state.load(Ordering::Relaxed))
    }

    /// Counts a move, which tells readers that found nothing to look again, and sets the number of buckets.
    pub(super) fn announce(&self, buckets: usize) {
        let moves = (self.shard.state.load(Ordering::Relaxed) as u32).wrapping_add(1);
        self.shard.state.store((buckets as u64) << 32 | u64::from(moves), Ordering::Release);
    }

    pub(super) fn candidates(&self, hash: u64) -> [usize; 2] {
        address::candidates(hash, self.index.layout().shard_bits(), self.buckets())
    }

    pub(super) fn line(&self, bucket: usize) -> &'a Line {
        self.index.line(self.number, bucket)
    }

    pub(super) fn load(&self, place: Place) -> u64 {
        self.line(place.bucket).0[place.slot].load(Ordering::Acquire)
    }

    pub(super) fn store(&self, place: Place, word: u64) {
        self.line(place.bucket).0[place.slot].store(word, Ordering::Release);
    }

    /// The first word of the key's tag that `matches` accepts, and where it stands.
    pub(crate) fn find(
        &self,
        hash: u64,
        mut matches: impl FnMut(Location) -> bool,
    ) -> Option<(Place, Location)> {
        let candidates = self.candidates(hash);
        let mut slots =
            beginning_so(candidates.map(|bucket| self.line(bucket)), self.index.layout().beginning(hash));
        while slots != 0 {
            let slot = slots.trailing_zeros() as usize;
            slots &= slots - 1;
            let place = Place { bucket: candidates[slot / LINE_WORDS % 2], slot: slot % LINE_WORDS };
            let word = self.load(place);
            let at = self.index.layout().location(word);
            if word != EMPTY && matches(at) {
                return Some((place, at));
            }
        }
        None
    }

    /// Where this very location stands under the key's hash, whatever its heat.
    pub(crate) fn place_of(&self, hash: u64, location: Location) -> Option<Place> {
        let layout = self.index.layout();
        let is_it = |found| layout.same(layout.word(hash, found), layout.word(hash, location));
        self.find(hash, is_it).map(|(place, _)| place)
    }

    /// Puts a location of a hash in the place of the key's present one, with the heat that it brings.
    pub(crate) fn set(&self, place: Place, hash: u64, location: Location) {
        self.store(place, self.index.layout().word(hash, location));
    }

    /// An empty slot for a new key, in the emptier of its buckets. `keys` tells the hashes of those that
    /// must make room.
    ///
    /// # Errors
    /// [`Crowded`] if there is no room within reach; the index should grow then.
    pub(crate) fn vacancy(&self, hash: u64, keys: &impl Keys, guard: &Guard) -> Result<Place, Crowded> {
        let candidates = self.candidates(hash);
        let place = self.roomier(candidates).or_else(|| self.displace(&candidates, None, keys, guard));
        place.ok_or(Crowded)
    }

    /// Puts a new key's location in its [`vacancy`](ShardWriter::vacancy), found under the same lock.
    pub(crate) fn insert(&self, vacancy: Place, hash: u64, location: Location) {
        self.store(vacancy, self.index.layout().word(hash, location));
        self.index.count_entry();
    }

    /// An empty slot in the bucket that has more of them.
    fn roomier(&self, [one, other]: [usize; 2]) -> Option<Place> {
        let first = |bucket: usize| {
            let mut vacancies = vacancies(self.line(bucket));
            vacancies.next().map(|slot| (1 + vacancies.count(), Place { bucket, slot }))
        };
        match (first(one), first(other)) {
            (Some((room, _)), Some((more, place))) if more > room => Some(place),
            (Some((_, place)), _) | (None, Some((_, place))) => Some(place),
            (None, None) => None,
        }
    }

    /// Removes the key whose word stands there.
    pub(crate) fn remove(&self, place: Place) {
        self.store(place, EMPTY);
        self.index.discount_entry();
    }

    /// A hash that is as good as that of a word's key to tell its buckets, of at most `count`. `None` if the
    /// word does not tell them and nothing lies any more where it leads.
    pub(super) fn hash_of(&self, word: u64, count: usize, keys: &impl Keys, guard: &Guard) -> Option<u64> {
        let layout = self.index.layout();
        if layout.tells_buckets_of(count) {
            return Some(layout.hash_like(word));
        }
        keys.hash_at(layout.location(word), guard)
    }

    /// Begins to load what tells the other buckets of a bucket's words, or those buckets, all at once.
    pub(super) fn touch(&self, bucket: usize, keys: &impl Keys, guard: &Guard) {
        let layout = self.index.layout();
        for (_, word) in words(self.line(bucket)) {
            if layout.tells_buckets_of(self.buckets()) {
                let other = self.other_bucket(layout.hash_like(word), bucket);
                other.into_iter().for_each(|other| prefetch(self.line(other)));
            } else {
                keys.touch(layout.location(word), guard);
            }
        }
    }

    /// Every location of the shard.
    pub(crate) fn locations(&self) -> impl Iterator<Item = Location> {
        let buckets = (0..self.buckets()).map(|bucket| self.line(bucket));
        buckets.flat_map(words).map(|(_, word)| self.index.layout().location(word))
    }
}
