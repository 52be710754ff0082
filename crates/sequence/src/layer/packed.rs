//! Arrays of unsigned numbers of one width in bits, packed without gaps: k-mers, colour-set ids, offsets.
//!
//! Little-endian 64-bit words; number `i` begins at bit `i * width`, lowest bit first. One word of zeros
//! follows, so that every number can be read as two neighbouring words without asking where it ends.
//! Width 0 is allowed and takes no bytes: all numbers are 0.

use stroma_hybrid::KeySource;

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
    length: usize,
    /// Bits not yet in `bytes`, and how many of them count.
    pending: u64,
    pending_bits: u32,
}

impl PackedBuilder {
    /// For numbers of `width` bits, 0 to 64.
    pub(crate) fn new(width: u32) -> Self {
        PackedBuilder { bytes: Vec::new(), width, length: 0, pending: 0, pending_bits: 0 }
    }

    pub(crate) fn push(&mut self, value: u64) {
        self.length += 1;
        if self.width == 0 {
            return;
        }
        self.pending |= value << self.pending_bits;
        let filled = self.pending_bits + self.width;
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
        PackedBuffer { bytes: self.bytes, width: self.width, length: self.length }
    }
}

/// A packed array in memory of its own.
#[derive(Debug, Clone)]
pub(crate) struct PackedBuffer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) width: u32,
    pub(super) length: usize,
}

impl PackedBuffer {
    pub(crate) fn from_values(values: impl Iterator<Item = u64>, width: u32) -> Self {
        let mut builder = PackedBuilder::new(width);
        values.for_each(|value| builder.push(value));
        builder.finish()
    }

    pub(crate) fn view(&self) -> Packed<'_> {
        Packed { bytes: &self.bytes, width: self.width, length: self.length, mask: mask(self.width) }
    }
}

fn mask(width: u32) -> u64 {
    if width == 0 { 0 } else { u64::MAX >> (64 - width) }
}

/// A packed array in borrowed bytes of any alignment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed<'a> {
    bytes: &'a [u8],
    width: u32,
    length: usize,
    mask: u64,
}

impl<'a> Packed<'a> {
    /// Views `bytes` as `length` numbers; `None` when width, length and bytes do not fit each other.
    pub(crate) fn new(bytes: &'a [u8], width: u32, length: u64) -> Option<Self> {
        if width > 64 || packed_bytes(length, width)? != bytes.len() as u64 {
            return None;
        }
        Some(Packed { bytes, width, length: usize::try_from(length).ok()?, mask: mask(width) })
    }

    /// The number at a position.
    ///
    /// # Panics
    /// If the position is not below the length (for width 0: never).
    #[inline]
    pub(crate) fn get(&self, position: usize) -> u64 {
        if self.width == 0 {
            return 0;
        }
        let bit = position as u64 * u64::from(self.width);
        let at = (bit >> 6) as usize * 8;
        let shift = (bit & 63) as u32;
        let pair = &self.bytes[at..at + 16];
        let word = |from: usize| {
            let mut own = [0; 8];
            own.copy_from_slice(&pair[from..from + 8]);
            u64::from_le_bytes(own)
        };
        // Two shifts: a shift by all 64 bits is not defined, and must give 0 when `shift` is 0.
        ((word(0) >> shift) | ((word(8) << 1) << (63 - shift))) & self.mask
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }
}

impl KeySource<u64> for Packed<'_> {
    fn len(&self) -> usize {
        self.length
    }

    #[inline]
    fn get(&self, position: usize) -> u64 {
        Packed::get(self, position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_comes_back() {
        for width in 0..=64 {
            for length in [0usize, 1, 2, 63, 64, 65, 200] {
                let value = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask(width);
                let buffer = PackedBuffer::from_values((0..length as u64).map(value), width);
                let view = Packed::new(&buffer.bytes, width, length as u64).expect("fits");
                assert!(
                    (0..length).all(|i| view.get(i) == value(i as u64)),
                    "width {width}, length {length}"
                );
                assert!(Packed::new(&buffer.bytes, width, length as u64 + 128).is_none() || width == 0);
            }
        }
    }

    #[test]
    fn hostile_lengths_do_not_overflow() {
        assert!(Packed::new(&[], 64, u64::MAX).is_none());
        assert!(Packed::new(&[], 65, 0).is_none());
        assert_eq!(width_for(0), 0);
        assert_eq!(width_for(1), 1);
        assert_eq!(width_for(u64::MAX), 64);
    }
}
