//! Arrays of unsigned numbers of one width in bits, packed without gaps: rests of k-mers, colour-set ids,
//! offsets.
//!
//! Little-endian 64-bit words; number `i` begins at bit `i * width`, lowest bit first. One word of zeros
//! follows, so that every number can be read as neighbouring words without asking where it ends.
//! Width 0 is allowed and takes no bytes: all numbers are 0.

use crate::kmer::Word;

/// Bits needed to store `largest`.
pub(crate) fn width_for(largest: u64) -> u32 {
    64 - largest.leading_zeros()
}

/// Bytes of an array; `None` where they overflow.
pub(crate) fn packed_bytes(length: u64, width: u32) -> Option<u64> {
    if length == 0 || width == 0 {
        return Some(0);
    }
    let words = length.checked_mul(u64::from(width))?.div_ceil(64).checked_add(1)?;
    words.checked_mul(8)
}

/// Builds a packed array at its end.
#[derive(Debug, Clone)]
pub(crate) struct PackedBuilder {
    bytes: Vec<u8>,
    width: u32,
    /// Bits not yet in `bytes`, and how many of them count.
    pending: u64,
    pending_bits: u32,
}

impl PackedBuilder {
    /// For `length` numbers of `width` bits, 0 to 128.
    pub(crate) fn with_capacity(width: u32, length: usize) -> Self {
        let bytes = Vec::with_capacity(packed_bytes(length as u64, width).unwrap_or(0) as usize);
        PackedBuilder { bytes, width, pending: 0, pending_bits: 0 }
    }

    /// Appends a number, which must not have more bits than the width.
    #[inline]
    pub(crate) fn push<W: Word>(&mut self, value: W) {
        if self.width <= 64 {
            self.push_bits(value.low(), self.width);
        } else {
            self.push_bits(value.low(), 64);
            self.push_bits(value.high(), self.width - 64);
        }
    }

    #[inline]
    fn push_bits(&mut self, value: u64, width: u32) {
        if width == 0 {
            return;
        }
        self.pending |= value << self.pending_bits;
        let filled = self.pending_bits + width;
        if filled < 64 {
            self.pending_bits = filled;
            return;
        }
        self.bytes.extend_from_slice(&self.pending.to_le_bytes());
        let used = 64 - self.pending_bits;
        self.pending = if used == 64 { 0 } else { value >> used };
        self.pending_bits = filled - 64;
    }

    pub(crate) fn finish(mut self) -> PackedBuffer {
        if self.pending_bits > 0 {
            self.bytes.extend_from_slice(&self.pending.to_le_bytes());
        }
        if !self.bytes.is_empty() {
            self.bytes.extend_from_slice(&[0; 8]);
        }
        PackedBuffer { bytes: self.bytes, width: self.width }
    }
}

/// A packed array in memory of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct PackedBuffer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) width: u32,
}

impl PackedBuffer {
    pub(crate) fn from_values<W: Word>(values: impl ExactSizeIterator<Item = W>, width: u32) -> Self {
        let mut builder = PackedBuilder::with_capacity(width, values.len());
        values.for_each(|value| builder.push(value));
        builder.finish()
    }
}

/// Bytes that a packed array lies in.
pub(crate) trait Bytes: Copy {
    fn len(&self) -> usize;

    /// The two words in the 16 bytes from `at` on, which must be there.
    fn pair(&self, at: usize) -> [u64; 2];
}

impl Bytes for &[u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    #[inline]
    fn pair(&self, at: usize) -> [u64; 2] {
        self[at..at + 16].first_chunk::<16>().map_or([0; 2], words)
    }
}

/// Two stored words.
#[inline]
pub(crate) fn words(pair: &[u8; 16]) -> [u64; 2] {
    let pair = u128::from_le_bytes(*pair);
    [pair as u64, (pair >> 64) as u64]
}

/// A packed array in borrowed bytes of any alignment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed<B, W = u64> {
    bytes: B,
    width: u32,
    length: usize,
    mask: W,
}

impl<B: Bytes, W: Word> Packed<B, W> {
    /// Views `bytes` as `length` numbers; `None` when width, length and bytes do not fit each other.
    pub(crate) fn new(bytes: B, width: u32, length: u64) -> Option<Self> {
        if width > W::BITS || packed_bytes(length, width)? != bytes.len() as u64 {
            return None;
        }
        let length = usize::try_from(length).ok()?;
        Some(Packed { bytes, width, length, mask: W::mask(width) })
    }

    /// The number at a position.
    ///
    /// # Panics
    /// If the position is not below the length (for width 0: never).
    #[inline]
    pub(crate) fn get(&self, position: usize) -> W {
        if self.width == 0 {
            return W::ZERO;
        }
        let bit = position as u64 * u64::from(self.width);
        let low = W::from(self.bits(bit));
        if W::BITS > 64 && self.width > 64 {
            // Written so that it is defined for a narrow word, too, where it never happens.
            let high = W::from(self.bits(bit + 64));
            return (low | high << (W::BITS / 2)) & self.mask;
        }
        low & self.mask
    }

    /// The 64 bits from a bit on.
    #[inline]
    fn bits(&self, bit: u64) -> u64 {
        let at = (bit >> 6) as usize * 8;
        let shift = (bit & 63) as u32;
        let [first, second] = self.bytes.pair(at);
        // Cheaper than a shift of both words as one number. Two shifts, as one by 64 bits is not defined.
        (first >> shift) | ((second << 1) << (63 - shift))
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use stroma_quotient::Key;

    use super::*;

    fn comes_back<W: Word>() {
        for width in 0..=W::BITS {
            for length in [0usize, 1, 2, 63, 64, 65, 200] {
                let factor = W::from(0x9e37_79b9_7f4a_7c15) | W::from(0x1234_5678_9abc_def1) << (W::BITS / 2);
                let value = |i: usize| W::from(i as u64).wrapping_mul(factor) & W::mask(width);
                let buffer = PackedBuffer::from_values((0..length).map(value), width);
                let view = Packed::<&[u8], W>::new(&buffer.bytes, width, length as u64).expect("fits");
                assert!((0..length).all(|i| view.get(i) == value(i)), "width {width}, length {length}");
                assert!(
                    Packed::<&[u8], W>::new(&buffer.bytes, width, length as u64 + 128).is_none()
                        || width == 0
                );
            }
        }
    }

    #[test]
    fn every_width_comes_back() {
        comes_back::<u64>();
        comes_back::<u128>();
    }

    #[test]
    fn hostile_lengths_do_not_overflow() {
        assert!(Packed::<&[u8], u64>::new(&[], 64, u64::MAX).is_none());
        assert!(Packed::<&[u8], u64>::new(&[], 65, 0).is_none());
        assert!(Packed::<&[u8], u128>::new(&[], 129, 0).is_none());
        assert_eq!(width_for(0), 0);
        assert_eq!(width_for(1), 1);
        assert_eq!(width_for(u64::MAX), 64);
        assert_eq!(<u128 as Key>::mask(0), 0);
    }
}
