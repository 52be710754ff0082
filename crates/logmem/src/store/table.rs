//! One shard's hash table: open addressing with linear probing over words that readers load without a lock.
//!
//! A word is [`EMPTY`], a [`TOMBSTONE`] or a location tagged with 16 bits of the key's hash. A key's word
//! stays where it is until the key is removed or the table is replaced, so that a probing reader cannot
//! miss a key that is there all the time. Writers hold the shard's lock. A crowded table (load 0.875) is
//! replaced by one of load 0.7, so that a key costs 9.1 to 11.4 bytes; a table that has become too large is
//! replaced only when tombstones crowd it.

use crate::sync::atomic::{AtomicU64, Ordering};

use crate::location::Location;
use crate::pool::{Charge, Pool};

/// A word never used since the table was made: a probe ends here.
pub(super) const EMPTY: u64 = 0;
/// A word whose key was removed: a probe goes on. No location has this value, for its segment would be 0.
pub(super) const TOMBSTONE: u64 = 1;

const MIN_WORDS: usize = 16;

/// The words and the part of the budget they are charged to.
#[derive(Debug)]
pub(super) struct Table {
    words: Box<[AtomicU64]>,
    charge: Charge,
}

impl Table {
    /// Words a table for `entries` should have.
    pub(super) fn words_for(entries: usize) -> usize {
        (entries * 10 / 7 + 1).max(MIN_WORDS)
    }

    pub(super) fn new(pool: &Pool, words: usize) -> Result<Table, crate::Error> {
        let charge = pool.charge(words * size_of::<AtomicU64>())?;
        Ok(Table { words: std::iter::repeat_with(|| AtomicU64::new(EMPTY)).take(words).collect(), charge })
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.charge.bytes()
    }

    /// Whether a table with `used` words (tombstones included) should be replaced before another insertion.
    pub(super) fn is_crowded(&self, used: usize) -> bool {
        used >= self.words.len() * 7 / 8
    }

    /// Whether it cannot take another word: one must stay empty, and probes become long before that.
    pub(super) fn is_full(&self, used: usize) -> bool {
        used + 1 + self.words.len() / 32 >= self.words.len()
    }

    /// Locations that may be the key's: tag equal, in probing order, with their positions.
    pub(super) fn candidates(&self, hash: u64) -> impl Iterator<Item = (usize, Location)> {
        let tag = tag_of(hash);
        self.probe(hash)
            .take_while(|(_, word)| *word != EMPTY)
            .map(|(position, word)| (position, Location::from_bits(word)))
            .filter(move |(_, location)| location.segment() != 0 && location.tag() == tag)
    }

    /// Where this very location stands.
    pub(super) fn position_of(&self, hash: u64, location: Location) -> Option<usize> {
        self.candidates(hash).find(|(_, found)| *found == location).map(|(position, _)| position)
    }

    /// Sets a word that is in use; readers see either.
    pub(super) fn set(&self, position: usize, location: Location) {
        self.words[position].store(location.to_bits(), Ordering::Release);
    }

    /// Exchanges one location for another, if it is still there.
    pub(super) fn exchange(&self, position: usize, old: Location, new: Location) -> bool {
        self.words[position]
            .compare_exchange(old.to_bits(), new.to_bits(), Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Puts a new key's location in the first free word; gives back whether that was a tombstone, or `None`
    /// if there is no free word.
    pub(super) fn insert(&self, hash: u64, location: Location) -> Option<bool> {
        let (position, word) = self.probe(hash).find(|(_, word)| *word <= TOMBSTONE)?;
        self.set(position, location);
        Some(word == TOMBSTONE)
    }

    /// Removes a word; gives back by how much the number of tombstones changed.
    ///
    /// Where the next word is empty the probe ends anyway, so that no tombstone is needed, nor any before it.
    pub(super) fn remove(&self, position: usize) -> isize {
        let count = self.words.len();
        if self.words[(position + 1) % count].load(Ordering::Relaxed) != EMPTY {
            self.words[position].store(TOMBSTONE, Ordering::Release);
            return 1;
        }
        self.words[position].store(EMPTY, Ordering::Release);
        let mut change = 0;
        let mut before = (position + count - 1) % count;
        while self.words[before].load(Ordering::Relaxed) == TOMBSTONE {
            self.words[before].store(EMPTY, Ordering::Release);
            change -= 1;
            before = (before + count - 1) % count;
        }
        change
    }

    /// Every location in the table.
    pub(super) fn locations(&self) -> impl Iterator<Item = Location> {
        self.words
            .iter()
            .map(|word| Location::from_bits(word.load(Ordering::Acquire)))
            .filter(|location| location.segment() != 0)
    }

    /// Positions from the hash's home on, once around, with the words found there.
    fn probe(&self, hash: u64) -> impl Iterator<Item = (usize, u64)> {
        let count = self.words.len();
        // The high bits, without those that chose the shard, scaled to the table's size.
        let home = ((u128::from(hash << super::index::MAX_SHARD_BITS) * count as u128) >> 64) as usize;
        (home..count).chain(0..home).map(|position| (position, self.words[position].load(Ordering::Acquire)))
    }
}

/// The bits of a hash that are kept with the location: the lowest, which neither shard nor home depend on.
pub(super) fn tag_of(hash: u64) -> u16 {
    hash as u16
}
