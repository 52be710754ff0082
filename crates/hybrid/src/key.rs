//! The fixed-width key types an index can be built over.

use core::fmt::Debug;
use core::ops::Range;

mod sealed {
    pub trait Sealed {}
}

/// A fixed-width key: an integer, or a byte array of at most 16 bytes compared as `memcmp` does.
///
/// Sealed: a layer relies on [`offset_from`](Key::offset_from) being exact. Longer or variable-width keys
/// go through [`PrefixedHead`](crate::PrefixedHead).
pub trait Key: Copy + Ord + Debug + Send + Sync + 'static + sealed::Sealed {
    /// Bytes of one key in its stored form.
    const WIDTH: usize;
    /// What a stored index records about its key type: kind in the upper 16 bits, width in the lower.
    const TYPE_CODE: u32;
    /// The largest value of the type.
    const LARGEST: Self;

    /// Reads the stored form (integers little-endian, byte arrays as they are).
    ///
    /// # Panics
    /// If `bytes` is not [`WIDTH`](Key::WIDTH) bytes long.
    fn read(bytes: &[u8]) -> Self;

    /// The first of the sorted keys stored in `bytes`, within a window of them, that is not smaller than `self`;
    /// the window's end if there is none. O(log n).
    ///
    /// # Panics
    /// If the window is not within the keys.
    fn lower_bound_in(self, bytes: &[u8], window: Range<usize>) -> usize;

    /// How many of the 16 keys stored in `node` are smaller than `self`; 0 if they are fewer.
    ///
    /// All are compared, at once where the processor can.
    fn count_below_in_node(self, node: &[u8]) -> usize;

    /// Appends the stored form to `into`.
    fn write(self, into: &mut Vec<u8>);

    /// How many values of the type lie between `origin` and `self`; 0 if `self <= origin`.
    fn offset_from(self, origin: Self) -> u128;

    /// [`offset_from`](Key::offset_from) rounded to the nearest floating-point number.
    #[inline(always)]
    fn distance_from(self, origin: Self) -> f64 {
        let offset = self.offset_from(origin);
        // Narrow offsets are converted in one instruction.
        if Self::WIDTH <= 8 { offset as u64 as f64 } else { offset as f64 }
    }

    /// The next larger value; `None` for the largest.
    fn successor(self) -> Option<Self>;
}

/// So many keys are compared one beside the other rather than halved further: comparisons do not wait for one
/// another, which halvings do.
const COUNTED: usize = 16;

/// How many of the keys, which are sorted, are below the one searched for.
#[inline(always)]
pub(crate) fn count_below<T>(keys: &[T], below: impl Fn(&T) -> bool) -> usize {
    if keys.len() <= COUNTED {
        keys.iter().map(|key| usize::from(below(key))).sum()
    } else {
        keys.partition_point(below)
    }
}

/// Windows of a model of error 63, as the policy takes them, are halved seven times, in steps known beforehand.
const HALVED: usize = 127;

/// How many of so many sorted keys are below the one searched for.
#[inline(always)]
fn halve<T>(keys: &[T; HALVED], below: impl Fn(&T) -> bool) -> usize {
    let mut count = 0;
    for half in [64, 32, 16, 8, 4, 2, 1] {
        count = core::hint::select_unpredictable(below(&keys[count + half - 1]), count + half, count);
    }
    count
}

/// The first of sorted keys within a window that is not below the one searched for, or the window's end.
///
/// A long window is halved without a branch. Of a short one 16 keys are compared whatever its length, so that nothing
/// depends on that.
#[inline(always)]
pub(crate) fn lower_bound_in<T>(keys: &[T], window: Range<usize>, below: impl Fn(&T) -> bool) -> usize {
    let Range { start, end } = window;
    let within = &keys[start..end];
    if within.len() > COUNTED {
        // Those behind the window are not below, if it holds the answer.
        return match keys[start..].first_chunk::<HALVED>() {
            Some(all) if within.len() <= HALVED => (start + halve(all, below)).min(end),
            _ => start + within.partition_point(below),
        };
    }
    // Keys before the window are below, and so count as such; those behind it are not.
    let first = start.min(keys.len().saturating_sub(COUNTED));
    match keys[first..].first_chunk::<COUNTED>() {
        Some(all) => {
            let count: usize = all.iter().map(|key| usize::from(below(key))).sum();
            (first + count).clamp(start, end)
        }
        None => start + count_below(within, below),
    }
}

macro_rules! integer_key {
    ($($type:ty => $kind:expr),*) => {$(
        impl sealed::Sealed for $type {}
        impl Key for $type {
            const WIDTH: usize = size_of::<$type>();
            const TYPE_CODE: u32 = $kind << 16 | size_of::<$type>() as u32;
            const LARGEST: Self = Self::MAX;

            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$type>()];
                own.copy_from_slice(bytes);
                Self::from_le_bytes(own)
            }

            #[inline(always)]
            fn lower_bound_in(self, bytes: &[u8], window: Range<usize>) -> usize {
                lower_bound_in(bytes.as_chunks().0, window, |key| Self::from_le_bytes(*key) < self)
            }

            #[inline(always)]
            fn count_below_in_node(self, node: &[u8]) -> usize {
                let Some(keys) = node.as_chunks().0.first_chunk::<16>() else { return 0 };
                keys.iter().map(|key| usize::from(Self::from_le_bytes(*key) < self)).sum()
            }

            fn write(self, into: &mut Vec<u8>) {
                into.extend_from_slice(&self.to_le_bytes());
            }

            #[inline(always)]
            fn offset_from(self, origin: Self) -> u128 {
                // As two's complement, a wrapped difference of ordered values is the distance, also signed.
                if self > origin { u128::from(self.abs_diff(origin)) } else { 0 }
            }

            fn successor(self) -> Option<Self> {
                self.checked_add(1)
            }
        }
    )*};
}

integer_key!(u8 => 1, u16 => 1, u32 => 1, u64 => 1, u128 => 1);
integer_key!(i8 => 2, i16 => 2, i32 => 2, i64 => 2, i128 => 2);

/// The array as a big-endian number, so that numeric order is the order of the bytes.
#[inline(always)]
fn big_endian<const N: usize>(bytes: [u8; N]) -> u128 {
    let mut wide = [0; 16];
    wide[16 - N..].copy_from_slice(&bytes);
    u128::from_be_bytes(wide)
}

macro_rules! array_key {
    ($($width:literal)*) => {$(
        impl sealed::Sealed for [u8; $width] {}
        impl Key for [u8; $width] {
            const WIDTH: usize = $width;
            const TYPE_CODE: u32 = 3 << 16 | $width;
            const LARGEST: Self = [u8::MAX; $width];

            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                let mut own = [0; $width];
                own.copy_from_slice(bytes);
                own
            }

            #[inline(always)]
            fn lower_bound_in(self, bytes: &[u8], window: Range<usize>) -> usize {
                lower_bound_in(bytes.as_chunks::<$width>().0, window, |key| *key < self)
            }

            #[inline(always)]
            fn count_below_in_node(self, node: &[u8]) -> usize {
                let Some(keys) = node.as_chunks::<$width>().0.first_chunk::<16>() else { return 0 };
                keys.iter().map(|key| usize::from(*key < self)).sum()
            }

            fn write(self, into: &mut Vec<u8>) {
                into.extend_from_slice(&self);
            }

            #[inline(always)]
            fn offset_from(self, origin: Self) -> u128 {
                big_endian(self).saturating_sub(big_endian(origin))
            }

            fn successor(self) -> Option<Self> {
                let mut next = self;
                for byte in next.iter_mut().rev() {
                    *byte = byte.wrapping_add(1);
                    if *byte != 0 {
                        return Some(next);
                    }
                }
                None
            }
        }
    )*};
}

array_key!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_exact_at_the_extremes() {
        assert_eq!(i64::MAX.offset_from(i64::MIN), u128::from(u64::MAX));
        assert_eq!(u128::MAX.offset_from(0), u128::MAX);
        assert_eq!(i128::MAX.offset_from(i128::MIN), u128::MAX);
        assert_eq!(3u8.offset_from(9), 0);
        assert_eq!([1, 0].offset_from([0, 255]), 1);
        assert_eq!((u64::MAX).offset_from(u64::MAX - 1), 1);
    }

    #[test]
    fn successor_carries_and_ends() {
        assert_eq!([0u8, 255].successor(), Some([1, 0]));
        assert_eq!([255u8, 255].successor(), None);
        assert_eq!(i64::MAX.successor(), None);
        assert_eq!((-1i32).successor(), Some(0));
    }

    #[test]
    fn stored_form_comes_back() {
        let mut bytes = Vec::new();
        (-5i64).write(&mut bytes);
        [7u8, 8, 9].write(&mut bytes);
        assert_eq!(i64::read(&bytes[..8]), -5);
        assert_eq!(<[u8; 3]>::read(&bytes[8..]), [7, 8, 9]);
    }
}
