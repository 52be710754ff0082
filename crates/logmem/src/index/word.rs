//! What a word of the index holds: from the top, bits of the key's hash, 4 of heat, the segment, the offset.
//!
//! Segment and offset take as many bits as their pool needs; the rest belongs to the hash. Its bits are the low
//! ones of the two numbers that name the key's buckets, so that they tell keys apart which share a bucket, and
//! tell where else a word could stand without reading its key: of a pool of 4 GiB 13 bits of each number are
//! known, enough for shards of 8,191 buckets.
//!
//! Zero is an empty slot, since no segment has the number 0. The heat is for caches: readers raise it without
//! a lock, so that it can change under everybody's hands; words are compared without it.

use crate::location::{Location, OFFSET_BITS, SEGMENT_BITS};
use crate::memory::Beginning;
use crate::pool::Pool;

/// An empty slot.
pub(super) const EMPTY: u64 = 0;
/// Largest heat.
pub(crate) const MAX_HEAT: u8 = 15;

const HEAT_BITS: u32 = 4;
/// Bits of a bucket's number that are kept at most.
const MOST_NUMBER_BITS: u32 = 16;

/// How the words of one index are divided. All of it is counted out beforehand, for lookups.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    offset_bits: u32,
    offset_mask: u64,
    segment_mask: u32,
    /// Where the heat begins: behind segment and offset.
    heat_shift: u32,
    /// Bits of each of a hash's two numbers that a word keeps.
    number_bits: u32,
    number_mask: u32,
    /// Where those bits begin in the upper half of a word.
    tag_shift: u32,
    /// Low bits of a hash that choose its shard.
    shard_bits: u32,
}

impl Layout {
    /// For the segments and runs of a pool.
    pub(super) fn of(pool: &Pool, shard_bits: u32) -> Layout {
        // As many numbers again are for runs.
        let segments = 2 * (pool.capacity_bytes() / pool.segment_bytes()).max(1);
        Layout::new(pool.segment_bytes().ilog2(), segments.ilog2() + 1, shard_bits)
    }

    /// For the largest segments and the most of them.
    #[cfg(test)]
    pub(super) fn widest(shard_bits: u32) -> Layout {
        Layout::new(OFFSET_BITS, SEGMENT_BITS, shard_bits)
    }

    pub(super) fn new(offset_bits: u32, segment_bits: u32, shard_bits: u32) -> Layout {
        let (offset_bits, segment_bits) = (offset_bits.min(OFFSET_BITS), segment_bits.min(SEGMENT_BITS));
        let heat_shift = offset_bits + segment_bits;
        let number_bits = ((u64::BITS - heat_shift - HEAT_BITS) / 2).min(MOST_NUMBER_BITS);
        Layout {
            offset_bits,
            offset_mask: (1 << offset_bits) - 1,
            segment_mask: (1 << segment_bits) - 1,
            heat_shift,
            number_bits,
            number_mask: (1 << number_bits) - 1,
            tag_shift: u32::BITS - 2 * number_bits,
            shard_bits,
        }
    }

    #[inline]
    pub(super) fn shard_bits(self) -> u32 {
        self.shard_bits
    }

    /// The word for a location, which brings its heat in place of a tag.
    #[inline]
    pub(super) fn word(self, hash: u64, at: Location) -> u64 {
        debug_assert!(at.segment() <= self.segment_mask && at.offset() as u64 <= self.offset_mask, "{at:?}");
        let tag = u64::from(self.beginning(hash).bits()) << (self.tag_shift + u32::BITS);
        let heat = u64::from(heat_of(at)) << self.heat_shift;
        tag | heat | u64::from(at.segment()) << self.offset_bits | at.offset() as u64
    }

    /// The location in a word, with its heat in place of a tag.
    #[inline]
    pub(super) fn location(self, word: u64) -> Location {
        let segment = (word >> self.offset_bits) as u32 & self.segment_mask;
        let offset = word & self.offset_mask;
        Location::pack(u16::from(self.heat(word)), segment, offset as usize)
    }

    #[inline]
    pub(super) fn heat(self, word: u64) -> u8 {
        (word >> self.heat_shift) as u8 & MAX_HEAT
    }

    /// The same word one step hotter, which must not be at [`MAX_HEAT`].
    #[inline]
    pub(super) fn hotter(self, word: u64) -> u64 {
        word + (1 << self.heat_shift)
    }

    /// What words of this hash begin with. An empty slot may begin so, too.
    #[inline]
    pub(super) fn beginning(self, hash: u64) -> Beginning {
        let (one, other) = (hash as u32 >> self.shard_bits, (hash >> 32) as u32);
        let bits = (one & self.number_mask) << self.number_bits | other & self.number_mask;
        Beginning::new(bits, self.tag_shift)
    }

    /// Whether the words name the same place under the same tag.
    pub(super) fn same(self, one: u64, other: u64) -> bool {
        (one ^ other) & !(u64::from(MAX_HEAT) << self.heat_shift) == 0
    }

    /// Whether words tell both their buckets in a shard of so many.
    pub(super) fn tells_buckets_of(self, count: usize) -> bool {
        count >> self.number_bits == 0
    }

    /// A hash whose [`candidates`](super::address::candidates) are those of the word's key, if there are so few
    /// buckets that words [tell](Layout::tells_buckets_of) them.
    #[inline]
    pub(super) fn hash_like(self, word: u64) -> u64 {
        let tag = (word >> 32) as u32 >> self.tag_shift;
        let (one, other) = (tag >> self.number_bits, tag & self.number_mask);
        u64::from(other) << 32 | u64::from(one) << self.shard_bits
    }
}

/// How hot the key is.
pub(crate) fn heat_of(location: Location) -> u8 {
    location.tag() as u8 & MAX_HEAT
}

/// The same place with another heat, at most [`MAX_HEAT`].
pub(crate) fn with_heat(location: Location, heat: u8) -> Location {
    Location::pack(u16::from(heat.min(MAX_HEAT)), location.segment(), location.offset())
}

#[cfg(test)]
mod tests {
    use super::super::address::candidates;
    use super::*;

    const HASHES: [u64; 4] = [0, u64::MAX, 0x1234_5678_9abc_def0, 0xfedc_ba98_7654_3210];

    fn fits(layout: Layout, hash: u64, word: u64) -> bool {
        (word >> 32) as u32 >> layout.tag_shift == layout.beginning(hash).bits()
    }

    #[test]
    fn heat_changes_neither_tag_nor_place() {
        for (layout, hash) in [Layout::widest(10), Layout::new(19, 10, 5)].into_iter().zip(HASHES) {
            let cold = layout.word(hash, Location::pack(0, 77, 4711));
            assert_eq!(layout.heat(cold), 0);
            for heat in 0..=20 {
                let warm = layout.word(hash, with_heat(layout.location(cold), heat));
                assert_eq!(layout.heat(warm), heat.min(MAX_HEAT));
                assert_eq!(heat_of(layout.location(warm)), heat.min(MAX_HEAT));
                assert!(layout.same(cold, warm) && fits(layout, hash, warm));
                let at = layout.location(warm);
                assert_eq!((at.segment(), at.offset()), (77, 4711));
            }
            assert_eq!(layout.hotter(cold), layout.word(hash, Location::pack(1, 77, 4711)));
            assert!(!layout.same(cold, layout.word(hash, Location::pack(0, 77, 4712))));
        }
    }

    #[test]
    fn extremes_fit() {
        for layout in
            [Layout::widest(10), Layout::new(8, 2, 2), Layout::new(28, 3, 2), Layout::new(19, 10, 5)]
        {
            for hash in HASHES {
                let last = Location::pack(15, layout.segment_mask, layout.offset_mask as usize);
                let word = layout.word(hash, last);
                assert_eq!(layout.location(word), last);
                assert!(fits(layout, hash, word) && !fits(layout, !hash, word));
            }
        }
    }

    #[test]
    fn words_tell_both_buckets() {
        for layout in [Layout::widest(10), Layout::new(20, 14, 10), Layout::new(19, 10, 5)] {
            for hash in HASHES {
                let word = layout.word(hash, Location::pack(15, 3, 99));
                let counts = (1..).take_while(|count| layout.tells_buckets_of(*count)).step_by(7);
                for count in counts.chain([(1 << layout.number_bits) - 1]) {
                    let told = candidates(layout.hash_like(word), layout.shard_bits, count);
                    assert_eq!(told, candidates(hash, layout.shard_bits, count), "{count} buckets");
                }
            }
        }
        assert_eq!(Layout::new(20, 14, 10).number_bits, 13, "a pool of 4 GiB");
    }
}
