//! How a head is stored: some of its highest bits, and one that marks exceptions.

use std::ops::Range;

use stroma_hybrid::{Head, KeySource, PrefixedHead};

use super::super::packed::Packed;
use super::super::separators::Separator;
use crate::entry::MAX_SEQUENCE;

/// What an exception is reckoned to take, in bits, besides the bits cut off its head: its bytes, where they end, and
/// the time to compare them.
const EXCEPTION_BITS: f64 = 64.0;
/// Exceptions that share the bits cut off, where they are exceptions however few are.
const SHARING: f64 = 8.0;
/// What one more halving among separators of equal heads is worth, in bits of every head.
const HALVING_BITS: f64 = 16.0;

/// Which bits of a head are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeadCode {
    /// Bits cut off at the low end, 1 to 63.
    pub(super) cut: u32,
}

/// Of a separator whose prefix was stripped: the head, and the most bits that may be cut off if it is to be told
/// whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) head: u64,
    /// 0 if the head does not tell the separator however many bits are kept.
    pub(super) spare_bits: u32,
}

impl Told {
    pub(super) fn of(strip: &PrefixedHead, separator: Separator<'_>) -> Told {
        // All separators have the prefix.
        let Head::Within(head) = strip.head(separator.key) else { return Told { head: 0, spare_bits: 0 } };
        let rest = &separator.key[strip.prefix().len()..];
        // A zero at the end is not told from no byte there.
        let is_whole = separator.sequence == MAX_SEQUENCE && rest.len() <= 8 && rest.last() != Some(&0);
        Told { head, spare_bits: if is_whole { head.trailing_zeros().min(63) } else { 0 } }
    }
}

impl HeadCode {
    /// The code that takes the fewest bits in all, time weighed in. The separators ascend.
    pub(super) fn choose(separators: &[Told]) -> HeadCode {
        let count = separators.len() as f64;
        // How many have so many bits to spare, and how many neighbours differ first at so high a bit.
        let (mut with_spare, mut differing) = ([0_u32; 64], [0_u32; 65]);
        separators.iter().for_each(|told| with_spare[told.spare_bits as usize] += 1);
        for pair in separators.windows(2) {
            differing[(pair[0].head ^ pair[1].head).checked_ilog2().map_or(0, |bit| bit as usize + 1)] += 1;
        }
        let never_told = f64::from(with_spare[0]);
        let mut distinct = 1.0 + f64::from(differing[1..].iter().sum::<u32>());
        let (mut best, mut best_cost, mut exceptions) = (1, f64::INFINITY, 0.0);
        for cut in 1..64 {
            if cut > 1 {
                exceptions += f64::from(with_spare[cut - 1]);
            }
            distinct -= f64::from(differing[cut]);
            let bits = cut as f64;
            let halvings = (count / distinct).max(1.0).log2();
            let cost = exceptions * (EXCEPTION_BITS + bits)
                + never_told * bits / SHARING
                + count * (HALVING_BITS * halvings - bits);
            if cost < best_cost {
                (best, best_cost) = (cut as u32, cost);
            }
        }
        HeadCode { cut: best }
    }

    /// Whether a separator is told by what is stored of its head.
    pub(super) fn tells(self, told: Told) -> bool {
        told.spare_bits >= self.cut
    }

    /// The stored form of a separator's head.
    pub(super) fn stored(self, told: Told) -> u64 {
        told.head >> self.cut << 1 | u64::from(!self.tells(told))
    }

    /// Separators with a smaller stored head are not after a key with this head, those with a larger one are; those
    /// with an equal one are exceptions.
    #[inline]
    pub(super) fn sought(self, head: u64) -> u64 {
        head >> self.cut << 1 | 1
    }

    /// Whole bytes of the head that are stored.
    pub(super) fn stored_bytes(self) -> usize {
        (64 - self.cut as usize) / 8
    }
}

/// The stored heads, in place.
#[derive(Clone, Copy)]
pub(super) struct Heads<'a>(pub(super) Packed<'a>);

impl KeySource<u64> for Heads<'_> {
    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn get(&self, position: usize) -> u64 {
        self.0.get(position)
    }

    #[inline(always)]
    fn lower_bound_within(&self, window: Range<usize>, key: u64) -> usize {
        self.0.lower_bound_within(window, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_that_few_separators_need_are_cut_off_and_bits_that_all_need_are_not() {
        let told = |head: u64| Told { head, spare_bits: head.trailing_zeros().min(63) };
        let mut separators: Vec<Told> = (1..1000_u64).map(|number| told(number << 40 | 1 << 39)).collect();
        assert_eq!(HeadCode::choose(&separators), HeadCode { cut: 39 });
        separators.push(told(1001 << 40 | 1));
        assert_eq!(HeadCode::choose(&separators), HeadCode { cut: 39 });
        separators.iter_mut().for_each(|told| told.spare_bits = 0);
        assert_eq!(HeadCode::choose(&separators), HeadCode { cut: 40 }, "they are as different without");
        assert_eq!(HeadCode::choose(&[]), HeadCode { cut: 1 });
    }
}
