//! The 64-bit word that names an entry: where it lies, without a pointer.

/// Bits of the byte offset within a segment.
pub(crate) const OFFSET_BITS: u32 = 28;
/// Bits of the segment number.
pub(crate) const SEGMENT_BITS: u32 = 20;
/// Bits left for a tag: the identity of a log, or a piece of a key's hash.
pub(crate) const TAG_BITS: u32 = 16;

/// Bytes of the length in front of an entry of a log.
pub(crate) const LENGTH_BYTES: usize = 4;

/// Largest segment that an offset can address, in bytes.
pub(crate) const MAX_SEGMENT_BYTES: usize = 1 << OFFSET_BITS;
/// Largest number of segments; number 0 is never given out.
pub(crate) const MAX_SEGMENTS: usize = (1 << SEGMENT_BITS) - 1;

/// Where an entry lies: from the top, 16 bits of tag, 20 of segment number, 28 of byte offset.
///
/// Segment numbers start at 1, so that the word of a real entry is never zero: zero is free to mean "none"
/// in a structure that stores locations. The order of locations has no meaning beyond being total.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Location(u64);

impl Location {
    /// Packs a location. The parts must fit their bits; what exceeds them is cut off.
    pub(crate) fn pack(tag: u16, segment: u32, offset: usize) -> Location {
        let segment = u64::from(segment) & ((1 << SEGMENT_BITS) - 1);
        let offset = offset as u64 & ((1 << OFFSET_BITS) - 1);
        Location(u64::from(tag) << (64 - TAG_BITS) | segment << OFFSET_BITS | offset)
    }

    /// The word itself, for a structure that keeps locations in atomics.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The location that [`to_bits`](Location::to_bits) gave. Any word is allowed: a word that names no
    /// entry is refused when it is used, never followed blindly.
    pub fn from_bits(bits: u64) -> Location {
        Location(bits)
    }

    /// Where the entry lies that was appended right behind the one here, if that has so many bytes, lies in a segment
    /// with others, and the next one lies in the same segment. If not, this names no entry, or names another.
    ///
    /// ```
    /// use stroma_logmem::{Log, Pool, PoolOptions};
    ///
    /// let log = Log::new(&Pool::new(PoolOptions { capacity_bytes: 1 << 20, segment_bytes: 64 << 10 })?);
    /// let first = log.append(&[b"one"])?;
    /// let second = log.append(&[b"another"])?;
    /// assert_eq!(first.behind(b"one".len()), second);
    /// # Ok::<(), stroma_logmem::Error>(())
    /// ```
    pub fn behind(self, entry_bytes: usize) -> Location {
        let offset = self.offset() + LENGTH_BYTES + entry_bytes;
        Location::pack(self.tag(), self.segment(), offset)
    }

    pub(crate) fn tag(self) -> u16 {
        (self.0 >> (64 - TAG_BITS)) as u16
    }

    pub(crate) fn segment(self) -> u32 {
        (self.0 >> OFFSET_BITS) as u32 & ((1 << SEGMENT_BITS) - 1)
    }

    pub(crate) fn offset(self) -> usize {
        (self.0 & ((1 << OFFSET_BITS) - 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_and_unpacks_the_extremes() {
        for (tag, segment, offset) in
            [(0, 1, 0), (u16::MAX, MAX_SEGMENTS as u32, MAX_SEGMENT_BYTES - 1), (7, 12, 345)]
        {
            let location = Location::pack(tag, segment, offset);
            assert_ne!(location.to_bits(), 0);
            assert_eq!(Location::from_bits(location.to_bits()), location);
            assert_eq!((location.tag(), location.segment(), location.offset()), (tag, segment, offset));
        }
    }
}
