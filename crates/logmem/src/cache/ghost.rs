//! What is remembered of keys that were dropped: two bytes each, a piece of the hash and how hot it was.
//!
//! A key that comes back is worth more than one never seen before; so it starts with the heat it had. Four
//! keys share a word; the oldest is forgotten when a fifth comes. Wrong guesses, one in about a thousand,
//! only make a cold entry seem warm once.

use crate::error::Error;
use crate::pool::{Charge, Pool};
use crate::sync::atomic::{AtomicU64, Ordering};

const LANES: u32 = 4;
const LANE_BITS: u32 = 16;
const HEAT_BITS: u32 = 4;

/// Remembered keys. Threads that write the same word at once may forget one; nothing else can happen.
#[derive(Debug)]
pub(super) struct Ghost {
    words: Box<[AtomicU64]>,
    charge: Charge,
}

impl Ghost {
    /// Room for four keys in each of `words` words of eight bytes.
    pub(super) fn new(pool: &Pool, words: usize) -> Result<Ghost, Error> {
        let words = words.max(1).next_power_of_two();
        let charge = pool.charge(words * size_of::<AtomicU64>())?;
        Ok(Ghost { words: std::iter::repeat_with(AtomicU64::default).take(words).collect(), charge })
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.charge.bytes()
    }

    /// Remembers a key that was dropped.
    pub(super) fn remember(&self, hash: u64, heat: u8) {
        let word = self.word(hash);
        let lane = mark_of(hash) << HEAT_BITS | u64::from(heat) & ((1 << HEAT_BITS) - 1);
        word.store(word.load(Ordering::Relaxed) << LANE_BITS | lane, Ordering::Relaxed);
    }

    /// The heat of a key that was dropped not long ago, which is forgotten with the answer.
    pub(super) fn recall(&self, hash: u64) -> Option<u8> {
        let word = self.word(hash);
        let remembered = word.load(Ordering::Relaxed);
        let shift = (0..LANES).map(|lane| lane * LANE_BITS).find(|shift| {
            (remembered >> shift >> HEAT_BITS) & ((1 << (LANE_BITS - HEAT_BITS)) - 1) == mark_of(hash)
        })?;
        word.store(remembered & !(((1 << LANE_BITS) - 1) << shift), Ordering::Relaxed);
        Some((remembered >> shift) as u8 & ((1 << HEAT_BITS) - 1))
    }

    fn word(&self, hash: u64) -> &AtomicU64 {
        &self.words[(hash >> 8) as usize & (self.words.len() - 1)]
    }
}

/// Never zero, which stands for nothing.
fn mark_of(hash: u64) -> u64 {
    (hash >> (64 - (LANE_BITS - HEAT_BITS))).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::PoolOptions;

    #[test]
    fn remembers_the_last_four_of_a_word_once() {
        let pool = Pool::new(PoolOptions { capacity_bytes: 4096, segment_bytes: 256 }).expect("valid");
        let ghost = Ghost::new(&pool, 1).expect("room");
        let hash = |key: u64| (key + 7) << 52;
        assert_eq!(ghost.recall(hash(0)), None);
        (0..5).for_each(|key| ghost.remember(hash(key), key as u8));
        assert_eq!(ghost.recall(hash(0)), None, "a fifth came");
        for key in 1..5 {
            assert_eq!(ghost.recall(hash(key)), Some(key as u8));
            assert_eq!(ghost.recall(hash(key)), None, "asked once");
        }
    }
}
