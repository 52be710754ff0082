//! Sorts values that lie evenly over a known range: a place for each by its upper bits, then the few that share one.

/// Fewer are sorted by comparing.
const LEAST: usize = 32;

/// Sorts values of a range again and again, in memory that it keeps.
#[derive(Debug)]
pub(super) struct SpreadSort<T> {
    spread: Vec<T>,
    /// How many values come before each place; later where its values end.
    ends: Vec<u32>,
}

impl<T: Copy + Ord> SpreadSort<T> {
    pub(super) fn new() -> Self {
        SpreadSort { spread: Vec::new(), ends: Vec::new() }
    }

    /// Sorts values in linear time if the numbers that `place` tells of them, of `bits` bits, are spread evenly; if
    /// not, as fast as comparing does. `place` must ascend with the values.
    pub(super) fn sort(&mut self, values: &mut Vec<T>, bits: u32, place: impl Fn(T) -> u64) {
        let Some(&some) = values.first().filter(|_| values.len() >= LEAST) else {
            return values.sort_unstable();
        };
        let place_bits = values.len().ilog2().min(bits).min(u32::BITS - 1);
        let place_of = |value: T| ((place(value) >> (bits - place_bits)) as usize) & ((1 << place_bits) - 1);
        self.ends.clear();
        self.ends.resize(1 << place_bits, 0);
        values.iter().for_each(|&value| self.ends[place_of(value)] += 1);
        let mut before = 0;
        for end in &mut self.ends {
            before += std::mem::replace(end, before);
        }
        self.spread.clear();
        self.spread.resize(values.len(), some);
        for &value in &*values {
            let end = &mut self.ends[place_of(value)];
            self.spread[*end as usize] = value;
            *end += 1;
        }
        let mut begin = 0;
        for &end in &self.ends {
            self.spread[begin..end as usize].sort_unstable();
            begin = end as usize;
        }
        std::mem::swap(values, &mut self.spread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::noise;

    #[test]
    fn values_are_sorted_however_they_lie() {
        let mut state = 3_u64;
        let mut random = || noise(&mut state) << 31 | noise(&mut state);
        let mut sort = SpreadSort::new();
        for bits in [0, 1, 7, 13, 44] {
            for count in [0, 1, 31, 32, 33, 500, 3000] {
                for mask in [u64::MAX, 0, 0xf0f0] {
                    let mut values: Vec<u64> =
                        (0..count).map(|_| random() & mask & ((1 << bits) - 1)).collect();
                    let mut expected = values.clone();
                    expected.sort_unstable();
                    sort.sort(&mut values, bits, |value| value);
                    assert_eq!(values, expected, "{bits} bits");
                }
            }
        }
    }
}
