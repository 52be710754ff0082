//! The two widths of keys, and reading and writing numbers of any width among packed bits.

use core::fmt::{Debug, LowerHex};
use core::hash::Hash;
use core::ops::{Add, BitAnd, BitOr, BitXor, Not, Shl, Shr, Sub};

/// A type of keys: `u64` or `u128`.
///
/// What a filter stores in a slot, the remainder of a key and its value, is a number of this type too.
pub trait Key:
    Copy
    + Ord
    + Hash
    + Debug
    + LowerHex
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
    + Into<u128>
    + From<u64>
    + sealed::Packed
{
    /// Bits of the type.
    const BITS: u32;
    /// The number without a set bit.
    const ZERO: Self;
    /// The number with all bits set.
    const MAX: Self;

    /// The lower 64 bits.
    fn low(self) -> u64;

    /// Addition modulo 2^BITS.
    #[must_use]
    fn wrapping_add(self, other: Self) -> Self;

    /// Subtraction modulo 2^BITS.
    #[must_use]
    fn wrapping_sub(self, other: Self) -> Self;

    /// Multiplication modulo 2^BITS.
    #[must_use]
    fn wrapping_mul(self, other: Self) -> Self;

    /// The number whose lowest `bits` bits are set; 0 ..= BITS.
    #[inline(always)]
    #[must_use]
    fn mask(bits: u32) -> Self {
        if bits == 0 { Self::ZERO } else { Self::MAX >> (Self::BITS - bits) }
    }
}

mod sealed {
    /// Numbers of any width among packed bits. Up to 16 bytes after the number are touched, but not changed.
    pub trait Packed: Sized {
        /// The widest number that is always within as many bytes as the type has.
        const NARROW: u32;

        /// The number that these bytes are, lowest first.
        fn from_little_endian(read: Self) -> Self;

        /// Bits `at .. at + width`; `width` is 1 ..= BITS.
        fn read(bytes: &[u8], at: usize, width: u32) -> Self;

        /// Overwrites bits `at .. at + width` by a number that has no others.
        fn write(bytes: &mut [u8], at: usize, width: u32, number: Self);
    }
}

pub(crate) use sealed::Packed;

/// The 8 bytes at `at`.
#[inline(always)]
pub(crate) fn word(bytes: &[u8], at: usize) -> u64 {
    let mut own = [0; 8];
    own.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(own)
}

/// Overwrites the 8 bytes at `at`.
#[inline(always)]
pub(crate) fn set_word(bytes: &mut [u8], at: usize, word: u64) {
    bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
}

#[inline(always)]
fn double(bytes: &[u8], at: usize) -> u128 {
    let mut own = [0; 16];
    own.copy_from_slice(&bytes[at..at + 16]);
    u128::from_le_bytes(own)
}

impl Packed for u64 {
    const NARROW: u32 = 57;

    #[inline(always)]
    fn from_little_endian(read: u64) -> u64 {
        u64::from_le(read)
    }

    #[inline(always)]
    fn read(bytes: &[u8], at: usize, width: u32) -> u64 {
        let (byte, shift) = (at / 8, at % 8);
        let from =
            if width <= 57 { word(bytes, byte) >> shift } else { (double(bytes, byte) >> shift) as u64 };
        from & u64::MAX >> (64 - width)
    }

    #[inline(always)]
    fn write(bytes: &mut [u8], at: usize, width: u32, number: u64) {
        let (byte, shift) = (at / 8, at % 8);
        let mask = u64::MAX >> (64 - width);
        if width <= 57 {
            let old = word(bytes, byte);
            set_word(bytes, byte, old & !(mask << shift) | number << shift);
        } else {
            let old = double(bytes, byte);
            let new = old & !(u128::from(mask) << shift) | u128::from(number) << shift;
            bytes[byte..byte + 16].copy_from_slice(&new.to_le_bytes());
        }
    }
}

impl Packed for u128 {
    const NARROW: u32 = 121;

    #[inline(always)]
    fn from_little_endian(read: u128) -> u128 {
        u128::from_le(read)
    }

    #[inline(always)]
    fn read(bytes: &[u8], at: usize, width: u32) -> u128 {
        let (byte, shift) = (at / 8, at % 8);
        let mut from = double(bytes, byte) >> shift;
        if width > 121 && shift > 0 {
            from |= u128::from(bytes[byte + 16]) << (128 - shift);
        }
        from & u128::MAX >> (128 - width)
    }

    #[inline(always)]
    fn write(bytes: &mut [u8], at: usize, width: u32, number: u128) {
        let (byte, shift) = (at / 8, at % 8);
        let mask = u128::MAX >> (128 - width);
        let new = double(bytes, byte) & !(mask << shift) | number << shift;
        bytes[byte..byte + 16].copy_from_slice(&new.to_le_bytes());
        if width > 121 && shift > 0 {
            let (mask, rest) = (mask >> (128 - shift), number >> (128 - shift));
            bytes[byte + 16] = bytes[byte + 16] & !(mask as u8) | rest as u8;
        }
    }
}

macro_rules! key {
    ($type:ty) => {
        impl Key for $type {
            const BITS: u32 = <$type>::BITS;
            const ZERO: Self = 0;
            const MAX: Self = <$type>::MAX;

            #[inline(always)]
            fn low(self) -> u64 {
                self as u64
            }

            #[inline(always)]
            fn wrapping_add(self, other: Self) -> Self {
                <$type>::wrapping_add(self, other)
            }

            #[inline(always)]
            fn wrapping_sub(self, other: Self) -> Self {
                <$type>::wrapping_sub(self, other)
            }

            #[inline(always)]
            fn wrapping_mul(self, other: Self) -> Self {
                <$type>::wrapping_mul(self, other)
            }
        }
    };
}

key!(u64);
key!(u128);

/// Moves bits `from .. to` up by `width` and writes a number of that width at `from`; if the number has at most
/// 57 bits and all that lies within 16 bytes. Those are touched.
#[inline(always)]
pub(crate) fn open_bits(bytes: &mut [u8], from: usize, to: usize, width: u32, number: u64) -> bool {
    let (byte, shift) = (from / 8, (from % 8) as u32);
    let end = shift + (to - from) as u32 + width;
    if end > 128 || width > 57 {
        return false;
    }
    let bytes = &mut bytes[byte..byte + 16];
    let (old, above) = (word(bytes, 0), word(bytes, 8));
    let below = old & !(u64::MAX << shift);
    let moved = (old ^ below) << width | number << shift | below;
    let moved_above = above << width | (old ^ below) >> (64 - width);
    let changes = u64::MAX >> (64 - end.min(64));
    let changes_above = u64::MAX.checked_shr(128 - end).unwrap_or(0);
    set_word(bytes, 0, old ^ (old ^ moved) & changes);
    set_word(bytes, 8, above ^ (above ^ moved_above) & changes_above);
    true
}

/// Bits `at .. at + 64`. Touches a byte more.
#[inline(always)]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    let bytes = &bytes[at / 8..at / 8 + 9];
    // The ninth byte is shifted out where the first one is needed wholly.
    word(bytes, 0) >> (at % 8) | u64::from(bytes[8]) << 1 << (63 - at % 8)
}

/// Moves bits `from .. to` up by `distance`. Touches 16 bytes more.
///
/// Whole words are written without reading what they overwrite: parts of that were written a moment before, and the
/// processor waits for such.
pub(crate) fn move_up(bytes: &mut [u8], from: usize, to: usize, distance: usize) {
    if (from | to | distance).is_multiple_of(8) {
        bytes.copy_within(from / 8..to / 8, (from + distance) / 8);
        return;
    }
    let mut end = to;
    // Down to where what is written ends with a byte, then by words, then the rest.
    let odd = (to + distance) % 8;
    if odd > 0 && to - from >= odd {
        end -= odd;
        let number = u64::read(bytes, end, odd as u32);
        u64::write(bytes, end + distance, odd as u32, number);
    }
    while end - from >= 64 && (end + distance).is_multiple_of(8) {
        end -= 64;
        let number = word_at(bytes, end);
        set_word(bytes, (end + distance) / 8, number);
    }
    while end > from {
        let width = (end - from).min(57) as u32;
        end -= width as usize;
        let number = u64::read(bytes, end, width);
        u64::write(bytes, end + distance, width, number);
    }
}

/// Moves bits `from .. to` down by `distance`, which is at most `from`. Touches 16 bytes more.
pub(crate) fn move_down(bytes: &mut [u8], from: usize, to: usize, distance: usize) {
    if (from | to | distance).is_multiple_of(8) {
        bytes.copy_within(from / 8..to / 8, (from - distance) / 8);
        return;
    }
    let mut start = from;
    let odd = (8 - (from - distance) % 8) % 8;
    if odd > 0 && to - from >= odd {
        let number = u64::read(bytes, start, odd as u32);
        u64::write(bytes, start - distance, odd as u32, number);
        start += odd;
    }
    while to - start >= 64 && (start - distance).is_multiple_of(8) {
        let number = word_at(bytes, start);
        set_word(bytes, (start - distance) / 8, number);
        start += 64;
    }
    while start < to {
        let width = (to - start).min(57) as u32;
        let number = u64::read(bytes, start, width);
        u64::write(bytes, start - distance, width, number);
        start += width as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_come_back_and_leave_their_neighbours() {
        for at in 0..17 {
            for width in 1..=128 {
                for background in [0, 0xff] {
                    let mut bytes = [background; 64];
                    let number = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210 & <u128 as Key>::mask(width);
                    u128::write(&mut bytes, at, width, number);
                    assert_eq!(u128::read(&bytes, at, width), number, "{at} {width}");
                    if width <= 64 {
                        assert_eq!(u64::read(&bytes, at, width), number as u64);
                        let mut narrow = [background; 64];
                        u64::write(&mut narrow, at, width, number as u64);
                        assert_eq!(narrow, bytes);
                    }
                    let fill = if background == 0 { 0 } else { <u128 as Key>::mask(width) };
                    u128::write(&mut bytes, at, width, fill);
                    assert_eq!(bytes, [background; 64]);
                }
            }
        }
    }

    #[test]
    fn opening_agrees_with_moving_and_writing() {
        let start: Vec<u8> = (0..80u8).map(|at| at.wrapping_mul(167) ^ 0x5a).collect();
        let mut opened = 0;
        for width in 1..=64 {
            for (from, distance) in (100..110).flat_map(|from| (0..9).map(move |slots| (from, slots * width)))
            {
                let number = 0x0123_4567_89ab_cdef & <u64 as Key>::mask(width as u32);
                let (mut at_once, mut in_steps) = (start.clone(), start.clone());
                if open_bits(&mut at_once, from, from + distance, width as u32, number) {
                    move_up(&mut in_steps, from, from + distance, width);
                    u64::write(&mut in_steps, from, width as u32, number);
                    opened += 1;
                }
                assert_eq!(at_once, in_steps, "{from} {distance} {width}");
            }
        }
        assert!(opened > 1000);
    }

    #[test]
    fn moves_agree_with_bit_by_bit() {
        let start: Vec<u8> = (0..80u8).map(|at| at.wrapping_mul(167) ^ 0x5a).collect();
        let bit = |bytes: &[u8], at: usize| bytes[at / 8] >> (at % 8) & 1;
        for distance in [1, 5, 8, 42, 62, 64, 100, 127] {
            for (from, to) in [(128, 129), (131, 278), (192, 256), (191, 270), (198, 198), (190, 322)] {
                let (mut up, mut down) = (start.clone(), start.clone());
                move_up(&mut up, from, to, distance);
                move_down(&mut down, from, to, distance);
                for at in 0..640 {
                    let moved = at >= from + distance && at < to + distance;
                    assert_eq!(bit(&up, at), bit(&start, if moved { at - distance } else { at }));
                    let moved = at + distance >= from && at + distance < to;
                    assert_eq!(bit(&down, at), bit(&start, if moved { at + distance } else { at }));
                }
            }
        }
    }
}
