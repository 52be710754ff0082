//! One straight line in integer arithmetic, packed into 16 bytes.

use crate::Key;
use crate::stored::u64_at;

/// Bits of a slope.
pub(super) const SLOPE_BITS: u32 = 50;

/// Where a line that begins at `start` has risen to; the first position if that is below it.
#[inline(always)]
pub(super) fn risen(start: i64, rise: u128) -> u64 {
    let rise = i64::try_from(rise).unwrap_or(i64::MAX);
    u64::try_from(start.saturating_add(rise)).unwrap_or(0)
}

/// A line that begins at `(first key, start)`; the start may lie below the first position.
///
/// It predicts `start + ((offset >> key_shift) * slope >> slope_shift)`. Shifts and one wide
/// multiplication are monotone and give the same answer on every machine; that is why no floating-point
/// number takes part in a query. The packed word holds 50 bits of slope, then 7 bits for each shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) start: i64,
    packed: u64,
}

impl Line {
    /// A line of the given slope in positions per key value, to be used up to `longest_offset`.
    pub(crate) fn new(start: i64, slope: f64, longest_offset: u128) -> Self {
        let key_shift = (128 - longest_offset.leading_zeros()).saturating_sub(64);
        let scaled = slope * 2f64.powi(key_shift as i32);
        if !scaled.is_finite() || scaled <= 0.0 {
            return Self { start, packed: 0 };
        }
        let exponent = ((scaled.to_bits() >> 52) & 0x7ff) as i32 - 1023;
        let slope_shift = (SLOPE_BITS as i32 - 1 - exponent).clamp(0, 127);
        let mantissa = (scaled * 2f64.powi(slope_shift)) as u64;
        let mantissa = mantissa.min((1 << SLOPE_BITS) - 1);
        let packed = mantissa | u64::from(key_shift) << SLOPE_BITS | (slope_shift as u64) << (SLOPE_BITS + 7);
        Self { start, packed }
    }

    /// Bytes of a line as [`write`](Self::write) leaves it.
    pub(crate) const BYTES: usize = 16;

    /// The slope as an integer, and how far its product with an offset is to be shifted.
    #[inline(always)]
    pub(super) fn slope_and_shift(self) -> (u64, u32) {
        (self.packed & ((1 << SLOPE_BITS) - 1), (self.packed >> (SLOPE_BITS + 7)) as u32)
    }

    /// Predicted position of the lower bound of a key, `first` being the line's first key.
    #[inline(always)]
    pub(crate) fn predict<K: Key>(self, key: K, first: K) -> u64 {
        let offset = key.offset_from(first);
        let offset = if K::WIDTH <= 8 {
            offset as u64
        } else {
            let shifted = offset >> ((self.packed >> SLOPE_BITS) & 127);
            u64::try_from(shifted).unwrap_or(u64::MAX)
        };
        let (slope, shift) = self.slope_and_shift();
        risen(self.start, (u128::from(offset) * u128::from(slope)) >> shift)
    }

    pub(crate) fn write(self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.start.to_le_bytes());
        into.extend_from_slice(&self.packed.to_le_bytes());
    }

    #[inline(always)]
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self { start: u64_at(bytes, 0) as i64, packed: u64_at(bytes, 8) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicts_over_the_whole_range_of_the_type() {
        let line = Line::new(7, 1000.0 / u64::MAX as f64, u128::from(u64::MAX));
        assert_eq!(line.predict(0u64, 0), 7);
        assert!(line.predict(u64::MAX, 0).abs_diff(1007) <= 1);
        let wide = Line::new(0, 1000.0 / u128::MAX as f64, u128::MAX);
        assert!(wide.predict(u128::MAX, 0).abs_diff(1000) <= 1);
        assert!(wide.predict(u128::MAX / 2, 0).abs_diff(500) <= 1);
    }

    #[test]
    fn is_monotone() {
        let line = Line::new(0, 0.37, 1 << 20);
        let all: Vec<u64> = (0..1 << 12).map(|key: u64| line.predict(key * 255, 0)).collect();
        assert!(all.is_sorted());
    }

    #[test]
    fn comes_back_from_its_bytes() {
        let line = Line::new(12, 3.5, 100);
        let mut bytes = Vec::new();
        line.write(&mut bytes);
        assert_eq!(bytes.len(), Line::BYTES);
        assert_eq!(Line::read(&bytes), line);
    }
}
