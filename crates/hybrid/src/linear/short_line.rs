//! A line of a linear layer in its stored form: eight bytes for keys of at most 64 bits, else sixteen.

use super::line::{self, Line, risen};
use crate::Key;
use crate::stored::u64_at;

const SLOPE_BITS: u32 = 21;
const SHIFT_BITS: u32 = 7;
/// What is left for the start, sign included: 36 bits, enough for 2^35 keys. Beyond those lines mislead, and lookups
/// find their answer outside the windows.
const START_BITS: u32 = 64 - SLOPE_BITS - SHIFT_BITS;

/// Bits that [`Line`] has more for the slope.
const DROPPED_BITS: u32 = line::SLOPE_BITS - SLOPE_BITS;

/// How many positions a stored line of narrow keys may rise between taught points: with as much again for the tube on
/// both sides, 21 bits of slope are then exact to a quarter of a position (`tube.rs`).
pub(super) const MOST_RISE: usize = 1 << (SLOPE_BITS - 4);

/// Bytes of a stored line.
pub(super) const fn line_bytes<K: Key>() -> usize {
    if K::WIDTH <= 8 { 8 } else { Line::BYTES }
}

/// Appends the stored form of a line.
pub(super) fn write<K: Key>(line: Line, into: &mut Vec<u8>) {
    if K::WIDTH > 8 {
        return line.write(into);
    }
    let limit = 1 << (START_BITS - 1);
    let start = line.start.clamp(-limit, limit - 1);
    let (slope, shift) = line.slope_and_shift();
    let (slope, shift) = match shift.checked_sub(DROPPED_BITS) {
        Some(shift) => (slope >> DROPPED_BITS, shift),
        None if slope == 0 => (0, 0),
        None => ((1 << SLOPE_BITS) - 1, 0),
    };
    let packed = slope | u64::from(shift) << SLOPE_BITS | (start as u64) << (SLOPE_BITS + SHIFT_BITS);
    into.extend_from_slice(&packed.to_le_bytes());
}

/// Where a stored line begins.
#[inline(always)]
pub(super) fn start<K: Key>(stored: &[u8]) -> i64 {
    if K::WIDTH > 8 {
        Line::read(stored).start
    } else {
        u64_at(stored, 0) as i64 >> (SLOPE_BITS + SHIFT_BITS)
    }
}

/// Predicted position of the lower bound of a key, `first` being the line's first key.
#[inline(always)]
pub(super) fn predict<K: Key>(stored: &[u8], key: K, first: K) -> u64 {
    if K::WIDTH > 8 {
        return Line::read(stored).predict(key, first);
    }
    let packed = u64_at(stored, 0);
    let slope = packed & ((1 << SLOPE_BITS) - 1);
    let shift = (packed >> SLOPE_BITS) & ((1 << SHIFT_BITS) - 1);
    risen(start::<K>(stored), (key.offset_from(first) * u128::from(slope)) >> shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layer, LinearLayer};

    fn stored(line: Line) -> Vec<u8> {
        let mut bytes = Vec::new();
        write::<u64>(line, &mut bytes);
        assert_eq!(bytes.len(), line_bytes::<u64>());
        bytes
    }

    #[test]
    fn eight_bytes_are_off_by_less_than_a_quarter_and_rounding() {
        for (positions, span) in
            [(MOST_RISE, u64::MAX), (MOST_RISE, 1 << 20), (1000, 1000), (1, 1 << 60), (3, 1)]
        {
            let line = Line::new(7, positions as f64 / span as f64, span.into());
            let bytes = stored(line);
            assert_eq!(start::<u64>(&bytes), 7);
            for key in (0..1000).map(|part| (u128::from(span) * part / 999) as u64) {
                let (short, long) = (predict(&bytes, key, 0u64), line.predict(key, 0u64));
                assert!(short <= long && long <= short + 1, "{short} for {long} at {key} of {span}");
            }
        }
    }

    #[test]
    fn starts_below_the_array_and_far_behind_come_back() {
        for at in [-5, -(1 << 35), 0, (1 << 35) - 1] {
            assert_eq!(start::<u64>(&stored(Line::new(at, 0.5, 10))), at);
        }
        assert_eq!(start::<u64>(&stored(Line::new(1 << 40, 0.5, 10))), (1 << 35) - 1);
        assert_eq!(predict(&stored(Line::new(-5, 0.5, 100)), 4, 0u64), 0);
        assert_eq!(predict(&stored(Line::new(-5, 0.5, 100)), 20, 0u64), 5);
        assert_eq!(predict(&stored(Line::new(5, 0.0, 100)), 20, 0u64), 5);
    }

    #[test]
    fn pieces_as_long_as_they_may_be_mislead_nobody() {
        for step in [1, 3, 0x0fff_ffff_ffff] {
            let keys: Vec<u64> = (0..3 * MOST_RISE as u64 + 5).map(|at| at / 3 * step).collect();
            for epsilon in [1, 7, 64] {
                let layer = LinearLayer::build(&keys, epsilon).expect("sorted");
                assert!(layer.entry_count() >= 3);
                for at in (0..keys.len()).step_by(997).chain(keys.len() - 9..keys.len()) {
                    for key in [keys[at], keys[at] + 1] {
                        let lower = keys.partition_point(|other| *other < key);
                        let window = layer.narrow(key, 0..usize::MAX);
                        assert!(window.start <= lower && lower <= window.end, "{window:?}, {lower}");
                    }
                }
            }
        }
    }

    #[test]
    fn slopes_too_steep_are_cut_and_never_panic() {
        let bytes = stored(Line::new(0, 1e9, 100));
        assert!(predict(&bytes, u64::MAX, 0u64) >= predict(&bytes, 5, 0u64));
        assert!(predict(&[255; 8], u64::MAX, 0u64) < u64::MAX);
    }
}
