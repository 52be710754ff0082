//! Counts how often each of many colours occurs in sets that are bitmaps, 64 colours at once.
//!
//! The counters of 64 colours stand upright: bit b of plane p is bit p of the number of colour b. Adding a set is an
//! addition with carries from plane to plane, of 64 numbers by a few operations on words, two on average, where
//! listing the set costs some for each of its colours. (Upright counters: Warren, "Hacker's Delight", 2nd ed., section
//! 5-1, as a carry-save adder.)

/// Counters of some colours.
pub(super) struct Counters {
    /// For each word of a set its planes, the lowest first.
    planes: Vec<u64>,
    width: usize,
}

impl Counters {
    /// For sets of so many words, and sums of weights up to `most`; all zero.
    pub(super) fn new(set_words: usize, most: u64) -> Self {
        let width = (u64::BITS - most.leading_zeros()).clamp(1, u32::BITS) as usize;
        Counters { planes: vec![0; set_words * width], width }
    }

    /// Adds a weight to the colours of a set. What does not fit is lost.
    #[inline]
    pub(super) fn add(&mut self, set: &[u64], weight: u32) {
        for (planes, &word) in self.planes.chunks_exact_mut(self.width).zip(set) {
            let mut rest = weight;
            while rest != 0 && word != 0 {
                let mut carry = word;
                for plane in planes.iter_mut().skip(rest.trailing_zeros() as usize) {
                    (*plane, carry) = (*plane ^ carry, *plane & carry);
                    if carry == 0 {
                        break;
                    }
                }
                rest &= rest - 1;
            }
        }
    }

    /// Hands out each colour whose number is not zero, with the number, and begins anew.
    pub(super) fn hand_out(&mut self, mut take: impl FnMut(u32, u32)) {
        for (first, planes) in (0..).step_by(64).zip(self.planes.chunks_exact_mut(self.width)) {
            let mut rest = planes.iter().fold(0, |all, plane| all | plane);
            while rest != 0 {
                let bit = rest.trailing_zeros();
                let number = planes.iter().rev().fold(0, |sum, plane| sum << 1 | (plane >> bit & 1) as u32);
                take(first + bit, number);
                rest &= rest - 1;
            }
            planes.fill(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::noise::noise;

    #[test]
    fn numbers_are_those_of_plain_counting() {
        let mut state = 5_u64;
        let mut random = || noise(&mut state);
        for (words, most) in [(1, 1), (1, 1000), (4, 70), (5, u64::from(u32::MAX)), (2, u64::MAX)] {
            let mut counters = Counters::new(words, most);
            for _ in 0..3 {
                let mut plain: BTreeMap<u32, u32> = BTreeMap::new();
                let mut left = most.min(u64::from(u32::MAX));
                for _ in 0..100 {
                    let set: Vec<u64> =
                        (0..words).map(|_| random() << 33 ^ random() << 7 & random()).collect();
                    let weight = (random() % (left + 1)).min(1 << (random() % 20));
                    left -= weight;
                    counters.add(&set, weight as u32);
                    let bits =
                        (0..64 * words as u32).filter(|bit| set[*bit as usize / 64] >> (bit % 64) & 1 == 1);
                    bits.for_each(|bit| *plain.entry(bit).or_default() += weight as u32);
                }
                plain.retain(|_, number| *number > 0);
                let mut found = BTreeMap::new();
                counters.hand_out(|colour, number| assert!(found.insert(colour, number).is_none()));
                assert_eq!(found, plain, "{words} words, at most {most}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_lost_without_harm() {
        let mut counters = Counters::new(1, 3);
        (0..9).for_each(|_| counters.add(&[1], u32::MAX));
        counters.hand_out(|colour, number| assert!((colour, number) <= (0, 3)));
    }
}
