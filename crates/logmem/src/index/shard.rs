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
use super::word::{EMPTY, may_be, same, tag_of};
use crate::location::Location;
use crate::memory::{LINE_WORDS, Line};
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

/// Words of a bucket that could be those of a key with this tag, with their slots.
///
/// All eight are compared before any is followed: without branches, that takes less time than one that the
/// processor did not foresee.
pub(super) fn likely(line: &Line, tag: u16) -> impl Iterator<Item = (usize, u64)> {
    let loaded: [u64; LINE_WORDS] = std::array::from_fn(|slot| line.0[slot].load(Ordering::Acquire));
    let bit = |slot: usize| u8::from(may_be(loaded[slot], tag)) << slot;
    let mut slots = (0..LINE_WORDS).fold(0_u8, |slots, slot| slots | bit(slot));
    std::iter::from_fn(move || {
        let slot = slots.trailing_zeros() as usize;
        slots &= slots.wrapping_sub(1);
        loaded.get(slot).map(|word| (slot, *word))
    })
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
        address::candidates(hash, self.index.shard_bits(), self.buckets())
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
        let tag = tag_of(hash);
        self.candidates(hash).into_iter().find_map(|bucket| {
            let mut words = likely(self.line(bucket), tag);
            let (slot, word) = words.find(|(_, word)| matches(Location::from_bits(*word)))?;
            Some((Place { bucket, slot }, Location::from_bits(word)))
        })
    }

    /// Where this very location stands under the key's hash, whatever its heat.
    pub(crate) fn place_of(&self, hash: u64, location: Location) -> Option<Place> {
        self.find(hash, |found| same(found.to_bits(), location.to_bits())).map(|(place, _)| place)
    }

    /// Puts a location in the place of the key's present one, with the heat that it brings.
    pub(crate) fn set(&self, place: Place, location: Location) {
        self.store(place, location.to_bits());
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
    pub(crate) fn insert(&self, vacancy: Place, location: Location) {
        self.store(vacancy, location.to_bits());
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

    /// Begins to load the keys of a bucket, all at once.
    pub(super) fn touch(&self, bucket: usize, keys: &impl Keys, guard: &Guard) {
        words(self.line(bucket)).for_each(|(_, word)| keys.touch(Location::from_bits(word), guard));
    }

    /// Every location of the shard.
    pub(crate) fn locations(&self) -> impl Iterator<Item = Location> {
        let buckets = (0..self.buckets()).map(|bucket| self.line(bucket));
        buckets.flat_map(words).map(|(_, word)| Location::from_bits(word))
    }
}
