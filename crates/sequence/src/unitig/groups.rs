//! How many entries each of many groups has, at one bit an entry and one a group, with constant-time access.
//!
//! For each group as many ones as it has entries, then a zero: entry i of group g is bit i + g. The bit at which every
//! 32nd group begins is kept in a packed array beside it; from there zeros are counted word by word. Elias, "Efficient
//! storage and retrieval by content and address of static files", J. ACM 21 (1974), counts the upper bits of
//! ascending numbers in this way.

use std::ops::Range;

use crate::layer::packed::{Packed, PackedBuffer, packed_bytes, width_for};
use crate::layer::paged::Paged;

/// Groups from one kept beginning to the next.
const SAMPLED: u64 = 32;

/// The stored form of some groups.
#[derive(Clone, Debug)]
pub(super) struct StoredGroups {
    pub(super) bits: Vec<u8>,
    pub(super) samples: PackedBuffer,
}

impl StoredGroups {
    /// From the group of each entry, ascending, all below `groups`.
    pub(super) fn from_sorted(entry_groups: impl ExactSizeIterator<Item = u64>, groups: u64) -> Self {
        let entries = entry_groups.len() as u64;
        let mut words = vec![0_u64; (groups + entries).div_ceil(64) as usize];
        let mut samples = Vec::with_capacity(groups.div_ceil(SAMPLED) as usize);
        let mut sampled = 0;
        for (rank, group) in (0_u64..).zip(entry_groups) {
            while sampled <= group {
                samples.push(sampled + rank);
                sampled += SAMPLED;
            }
            let bit = group + rank;
            words[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        while sampled < groups {
            samples.push(sampled + entries);
            sampled += SAMPLED;
        }
        let bits = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        StoredGroups {
            bits,
            samples: PackedBuffer::from_values(samples.into_iter(), sample_width(groups, entries)),
        }
    }
}

fn sample_width(groups: u64, entries: u64) -> u32 {
    width_for(groups + entries)
}

/// Bytes of the bits and of the samples; `None` where they overflow.
pub(super) fn stored_bytes(groups: u64, entries: u64) -> Option<[u64; 2]> {
    let bits = groups.checked_add(entries)?;
    let samples = packed_bytes(groups.div_ceil(SAMPLED), sample_width(groups, entries))?;
    Some([bits.div_ceil(64).checked_mul(8)?, samples])
}

/// Groups in borrowed bytes. Whatever the bytes say, entries are below [`entries`](Self::entries).
#[derive(Clone, Copy, Debug)]
pub(super) struct Groups<'a> {
    bits: Paged<'a>,
    samples: Packed<Paged<'a>>,
    groups: u64,
    entries: u64,
}

impl<'a> Groups<'a> {
    /// `None` where lengths and numbers do not fit each other.
    pub(super) fn new([bits, samples]: [Paged<'a>; 2], groups: u64, entries: u64) -> Option<Self> {
        if bits.len() as u64 != stored_bytes(groups, entries)?[0] {
            return None;
        }
        let samples = Packed::new(samples, sample_width(groups, entries), groups.div_ceil(SAMPLED))?;
        Some(Groups { bits, samples, groups, entries })
    }

    pub(super) fn groups(&self) -> u64 {
        self.groups
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// The 64 bits of a word; beyond the end none is set.
    #[inline]
    fn word(&self, word: u64) -> Option<u64> {
        self.bits.chunk(word as usize * 8).map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// The entries of a group; none of a group that is not there.
    #[inline]
    pub(super) fn range(&self, group: u64) -> Range<u64> {
        if group >= self.groups {
            return self.entries..self.entries;
        }
        let begin = self.begin(group);
        let start = begin.saturating_sub(group).min(self.entries);
        let end = self.first_zero(begin).saturating_sub(group);
        start..end.clamp(start, self.entries)
    }

    /// The bit at which a group begins.
    #[inline]
    fn begin(&self, group: u64) -> u64 {
        let sampled = self.samples.get((group / SAMPLED) as usize);
        let mut zeros = (group % SAMPLED) as u32;
        if zeros == 0 {
            return sampled;
        }
        let mut at = sampled / 64;
        let Some(first) = self.word(at) else { return self.entries + group };
        // Bits before the sampled group count as ones.
        let mut word = first | ((1 << (sampled % 64)) - 1);
        while word.count_zeros() < zeros {
            zeros -= word.count_zeros();
            at += 1;
            let Some(next) = self.word(at) else { return self.entries + group };
            word = next;
        }
        64 * at + u64::from(select(!word, zeros - 1)) + 1
    }

    /// The first bit from `bit` on that is zero.
    #[inline]
    fn first_zero(&self, bit: u64) -> u64 {
        let mut at = bit / 64;
        let Some(first) = self.word(at) else { return bit };
        let mut zeros = !first & (u64::MAX << (bit % 64));
        while zeros == 0 {
            at += 1;
            zeros = self.word(at).map_or(1, |word| !word);
        }
        64 * at + u64::from(zeros.trailing_zeros())
    }

    /// The group of the first entry at or behind `entry`, which is known to be in `group` or behind it; none after the
    /// last entry.
    #[inline]
    pub(super) fn group_from(&self, entry: u64, group: u64) -> Option<u64> {
        let bit = entry + group;
        let mut at = bit / 64;
        let mut ones = self.word(at)? & (u64::MAX << (bit % 64));
        while ones == 0 {
            at += 1;
            ones = self.word(at)?;
        }
        (64 * at + u64::from(ones.trailing_zeros())).checked_sub(entry)
    }

    /// The group of an entry that is known to be in front of `group`.
    #[inline]
    pub(super) fn group_before(&self, entry: u64, group: u64) -> Option<u64> {
        let bit = (entry + group).checked_sub(1)?;
        let mut at = bit / 64;
        let mut ones = self.word(at)? & (u64::MAX >> (63 - bit % 64));
        while ones == 0 {
            at = at.checked_sub(1)?;
            ones = self.word(at)?;
        }
        (64 * at + 63 - u64::from(ones.leading_zeros())).checked_sub(entry)
    }

    /// The group of each entry in order. Ends early where the bits do not hold as many ones as there are entries.
    pub(super) fn entry_groups(&self) -> impl Iterator<Item = u64> {
        let bits = (0..self.bits.len() as u64 / 8).flat_map(|at| {
            let mut rest = self.word(at).unwrap_or(0);
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| 64 * at + u64::from(rest.trailing_zeros()))?;
                rest &= rest - 1;
                Some(bit)
            })
        });
        bits.zip(0..self.entries).map(|(bit, entry)| bit.saturating_sub(entry))
    }

    /// Whether the bits hold just as many ones as there are entries and each sample is right.
    pub(super) fn is_sound(&self) -> bool {
        let words = 0..self.bits.len() as u64 / 8;
        let ones: u64 = words.map(|at| u64::from(self.word(at).unwrap_or(0).count_ones())).sum();
        let last = self.entry_groups().last();
        if ones != self.entries || last.is_some_and(|group| group >= self.groups) {
            return false;
        }
        let (mut rank, mut rest) = (0, self.entry_groups().peekable());
        (0..self.groups).step_by(SAMPLED as usize).all(|group| {
            while rest.next_if(|&of| of < group).is_some() {
                rank += 1;
            }
            self.samples.get((group / SAMPLED) as usize) == group + rank
        })
    }
}

/// The position of the set bit that has `rank` set ones below it; there must be one.
#[inline]
fn select(word: u64, rank: u32) -> u32 {
    let (mut rest, mut rank, mut place) = (word, rank, 0);
    for width in [32, 16, 8] {
        let below = (rest & ((1 << width) - 1)).count_ones();
        if rank >= below {
            rank -= below;
            rest >>= width;
            place += width;
        }
    }
    for _ in 0..rank {
        rest &= rest.wrapping_sub(1);
    }
    place + rest.trailing_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::noise;

    #[test]
    fn ranges_are_those_of_the_entries() {
        let mut state = 9_u64;
        for (groups, entries) in [(1, 0), (1, 5), (33, 0), (64, 64), (1000, 300), (300, 5000), (97, 97)] {
            let mut of: Vec<u64> = (0..entries).map(|_| noise(&mut state) % groups).collect();
            of.sort_unstable();
            let stored = StoredGroups::from_sorted(of.iter().copied(), groups);
            let parts = [&stored.bits, &stored.samples.bytes].map(|bytes| Paged::verified(bytes));
            let view = Groups::new(parts, groups, of.len() as u64).expect("fits");
            assert!(view.is_sound());
            assert!(view.entry_groups().eq(of.iter().copied()));
            for group in 0..groups {
                let start = of.partition_point(|&other| other < group) as u64;
                let end = of.partition_point(|&other| other <= group) as u64;
                assert_eq!(view.range(group), start..end, "{groups} {entries}");
                assert_eq!(view.group_from(start, group), of.get(start as usize).copied());
                if start > 0 {
                    assert_eq!(view.group_before(start - 1, group), Some(of[start as usize - 1]));
                }
            }
            assert_eq!(view.range(groups), entries..entries);
        }
    }

    #[test]
    fn hostile_bits_stay_in_range() {
        let stored = StoredGroups::from_sorted([3_u64, 3, 9, 40, 90].into_iter(), 100);
        for fill in [0, 0xff, 0x55] {
            let bits = vec![fill; stored.bits.len()];
            for samples in [stored.samples.bytes.clone(), vec![0xff; stored.samples.bytes.len()]] {
                let parts = [&bits, &samples].map(|bytes| Paged::verified(bytes));
                let view = Groups::new(parts, 100, 5).expect("fits");
                assert!(!view.is_sound());
                assert!((0..120).all(|group| view.range(group).end <= 5));
                let _ = (view.group_from(4, 99), view.group_before(4, 1), view.entry_groups().count());
            }
        }
        assert!(Groups::new([Paged::verified(&[]); 2], u64::MAX, 5).is_none());
    }

    #[test]
    fn select_finds_each_bit() {
        for word in [1, u64::MAX, 0x8000_0000_0000_0001, 0x0f0f_1234_0000_f00f] {
            let set = (0..64).filter(|bit| word >> bit & 1 == 1);
            assert!((0..).zip(set).all(|(rank, bit)| select(word, rank) == bit));
        }
    }
}
