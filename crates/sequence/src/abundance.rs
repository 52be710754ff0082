//! Abundances: how often a k-mer occurs in a sample, told in levels half an octave apart.
//!
//! Levels begin at 1, 2, 3, 4, 6, 8, 12, 16, 24 … : the powers of two, and between each two of them their mean. What
//! is told of a count is where its level begins, which is exact to 4 and at most a third too small beyond.

/// How many levels there are. The last one begins at 98,304 and never ends.
pub(crate) const LEVELS: u32 = 33;

/// The level of a count from 1 on.
pub(crate) fn level_of(count: u64) -> u32 {
    let count = count.max(1);
    let octave = count.ilog2();
    let is_upper_half = octave > 0 && count >> (octave - 1) & 1 == 1;
    // Octaves: 1 | 2, 3 | 4, 6 | 8, 12 | …
    let level = if octave == 0 { 0 } else { 2 * octave - 1 + u32::from(is_upper_half) };
    level.min(LEVELS - 1)
}

/// The smallest count of a level.
pub(crate) fn smallest_of(level: u32) -> u64 {
    if level == 0 {
        return 1;
    }
    let octave = level.div_ceil(2);
    let power = 1_u64 << octave;
    if level.is_multiple_of(2) { power + power / 2 } else { power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_begin_where_they_say() {
        let starts: Vec<u64> = (0..10).map(smallest_of).collect();
        assert_eq!(starts, [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]);
        assert_eq!(smallest_of(LEVELS - 1), 98_304);
        for count in 1..200_000u64 {
            let level = level_of(count);
            assert!(smallest_of(level) <= count, "{count}");
            assert!(level + 1 == LEVELS || count < smallest_of(level + 1), "{count}");
        }
        assert_eq!(level_of(u64::MAX), LEVELS - 1);
    }
}
