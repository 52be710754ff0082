//! What a word of the index holds: from the top, 12 bits of tag, 4 of heat, 20 of segment, 28 of offset.
//!
//! Zero is an empty slot, since no segment has the number 0. The heat is for caches: readers raise it without
//! a lock, so that it can change under everybody's hands; words are compared without it.

use crate::location::{Location, OFFSET_BITS, SEGMENT_BITS};

/// An empty slot.
pub(super) const EMPTY: u64 = 0;
/// Largest heat.
pub(crate) const MAX_HEAT: u8 = 15;

const HEAT_SHIFT: u32 = OFFSET_BITS + SEGMENT_BITS;
const HEAT_BITS: u32 = 4;
const HEAT_MASK: u64 = (MAX_HEAT as u64) << HEAT_SHIFT;
const TAG_SHIFT: u32 = HEAT_SHIFT + HEAT_BITS;

/// The piece of a hash that is kept with the location, as [`Location::pack`] takes it, with a heat of 0.
///
/// It depends on all bits of the hash, so that words which share a bucket still differ in it.
pub(crate) fn tag_of(hash: u64) -> u16 {
    ((hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> TAG_SHIFT) << HEAT_BITS) as u16
}

/// Whether the words name the same place under the same tag.
pub(super) fn same(one: u64, other: u64) -> bool {
    (one ^ other) & !HEAT_MASK == 0
}

/// Whether the word could be that of a key with this tag.
pub(super) fn may_be(word: u64, tag: u16) -> bool {
    // Without a branch: callers compare many words at once.
    (word >> TAG_SHIFT == u64::from(tag >> HEAT_BITS)) & (word != EMPTY)
}

/// How hot the key is.
pub(crate) fn heat_of(location: Location) -> u8 {
    ((location.to_bits() & HEAT_MASK) >> HEAT_SHIFT) as u8
}

/// The same place with another heat, at most [`MAX_HEAT`].
pub(crate) fn with_heat(location: Location, heat: u8) -> Location {
    let heat = u64::from(heat.min(MAX_HEAT)) << HEAT_SHIFT;
    Location::from_bits(location.to_bits() & !HEAT_MASK | heat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_changes_neither_tag_nor_place() {
        let tag = tag_of(0x1234_5678_9abc_def0);
        let cold = Location::pack(tag, 77, 4711);
        assert_eq!(heat_of(cold), 0);
        for heat in 0..=20 {
            let warm = with_heat(cold, heat);
            assert_eq!(heat_of(warm), heat.min(MAX_HEAT));
            assert!(same(cold.to_bits(), warm.to_bits()) && may_be(warm.to_bits(), tag));
            assert_eq!((warm.segment(), warm.offset()), (77, 4711));
        }
        assert!(!same(cold.to_bits(), Location::pack(tag, 77, 4712).to_bits()));
        assert!(!may_be(EMPTY, 0));
    }
}
