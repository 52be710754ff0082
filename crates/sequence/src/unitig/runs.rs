//! Where the colour changes along the strings, and where strings end: stretches of k-mers of one colour.
//!
//! A run begins where the first k-mer of its colour begins in the strings. The beginnings ascend, and are stored as
//! Elias and Fano did: the lower bits of each, packed, and the upper bits as [groups](super::groups).

use super::groups::{self, Groups, StoredGroups};
use crate::layer::packed::{Packed, PackedBuffer, packed_bytes, width_for};
use crate::layer::paged::Paged;

/// A run found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Its number.
    pub(super) number: u64,
    /// Where its first k-mer begins.
    pub(super) start: u64,
    /// Where the first one of the next run begins, or where the strings end.
    pub(super) end: u64,
}

/// Collects runs in order.
#[derive(Clone, Debug, Default)]
pub(super) struct RunList {
    pub(super) starts: Vec<u64>,
    pub(super) colours: Vec<u32>,
    /// Whether the next run belongs to another string.
    pub(super) last_of_string: Vec<bool>,
}

/// The stored form.
pub(super) struct StoredRuns {
    pub(super) groups: StoredGroups,
    pub(super) lows: PackedBuffer,
    pub(super) lasts: PackedBuffer,
    pub(super) colours: PackedBuffer,
}

/// Lower bits of a beginning that are stored as they are: the mean distance of runs, rounded down to a power of two.
pub(super) fn low_bits(bases: u64, runs: u64) -> u32 {
    bases.checked_div(runs).and_then(u64::checked_ilog2).unwrap_or(0)
}

fn upper_groups(bases: u64, low_bits: u32) -> u64 {
    (bases >> low_bits) + 1
}

impl RunList {
    pub(super) fn store(&self, bases: u64) -> StoredRuns {
        let low_bits = low_bits(bases, self.starts.len() as u64);
        let uppers = self.starts.iter().map(|start| start >> low_bits);
        let largest = self.colours.iter().copied().max().unwrap_or(0);
        let mask = (1 << low_bits) - 1;
        StoredRuns {
            groups: StoredGroups::from_sorted(uppers, upper_groups(bases, low_bits)),
            lows: PackedBuffer::from_values(self.starts.iter().map(|start| start & mask), low_bits),
            lasts: PackedBuffer::from_values(self.last_of_string.iter().map(|&last| u64::from(last)), 1),
            colours: PackedBuffer::from_values(
                self.colours.iter().map(|&colour| u64::from(colour)),
                width_for(largest.into()),
            ),
        }
    }
}

/// Lengths of the five sections: bits and samples of the groups, lower bits, ends of strings, colours.
pub(super) fn stored_bytes(bases: u64, runs: u64, colour_width: u32) -> Option<[u64; 5]> {
    let low_bits = low_bits(bases, runs);
    let [bits, samples] = groups::stored_bytes(upper_groups(bases, low_bits), runs)?;
    let packed = |width| packed_bytes(runs, width);
    Some([bits, samples, packed(low_bits)?, packed(1)?, packed(colour_width)?])
}

/// Runs in borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs<'a> {
    groups: Groups<'a>,
    lows: Packed<Paged<'a>>,
    lasts: Packed<Paged<'a>>,
    colours: Packed<Paged<'a>>,
    low_bits: u32,
    bases: u64,
}

impl<'a> Runs<'a> {
    /// `None` where lengths and numbers do not fit each other.
    pub(super) fn new(parts: [Paged<'a>; 5], bases: u64, runs: u64, colour_width: u32) -> Option<Self> {
        let [bits, samples, lows, lasts, colours] = parts;
        let low_bits = low_bits(bases, runs);
        Some(Runs {
            groups: Groups::new([bits, samples], upper_groups(bases, low_bits), runs)?,
            lows: Packed::new(lows, low_bits, runs)?,
            lasts: Packed::new(lasts, 1, runs)?,
            colours: Packed::new(colours, colour_width, runs)?,
            low_bits,
            bases,
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.groups.entries()
    }

    /// The colour of a run, which must be there.
    #[inline]
    pub(super) fn colour(&self, run: u64) -> u32 {
        self.colours.get(run as usize) as u32
    }

    /// Whether a run, which must be there, is the last one of its string.
    #[inline]
    pub(super) fn is_last_of_string(&self, run: u64) -> bool {
        self.lasts.get(run as usize) != 0
    }

    #[inline]
    fn start(&self, run: u64, group: u64) -> u64 {
        (group << self.low_bits) | self.lows.get(run as usize)
    }

    /// The run that a position of the strings lies in.
    #[inline]
    pub(super) fn locate(&self, position: u64) -> Option<Run> {
        let group = position >> self.low_bits;
        let range = self.groups.range(group);
        let low = position & ((1 << self.low_bits) - 1);
        let after = range.clone().find(|&run| self.lows.get(run as usize) > low).unwrap_or(range.end);
        let number = after.checked_sub(1)?;
        let own = if after > range.start { group } else { self.groups.group_before(number, group)? };
        let end = if after < range.end {
            self.start(after, group)
        } else if after < self.len() {
            self.start(after, self.groups.group_from(after, group)?)
        } else {
            self.bases
        };
        Some(Run { number, start: self.start(number, own), end: end.min(self.bases) })
    }

    /// All runs in order. Their beginnings do not ascend where the bytes are forged.
    pub(super) fn iter(&self) -> impl Iterator<Item = Run> {
        let starts = || (0_u64..).zip(self.groups.entry_groups()).map(|(run, group)| self.start(run, group));
        let ends = starts().skip(1).chain([self.bases]);
        (0_u64..).zip(starts().zip(ends)).map(|(number, (start, end))| Run { number, start, end })
    }

    /// Whether the runs begin at the first base, ascend, and end with the strings.
    pub(super) fn is_sound(&self) -> bool {
        let ascend = self.iter().all(|run| run.start < run.end);
        let first = self.iter().next().map_or(self.bases == 0, |run| run.start == 0);
        let last = self.len().checked_sub(1).is_none_or(|last| self.is_last_of_string(last));
        self.groups.is_sound() && ascend && first && last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::noise;

    #[test]
    fn every_position_is_in_the_run_before_it() {
        let mut state = 17_u64;
        for (runs, longest) in [(1, 40), (40, 1), (200, 3), (100, 900), (64, 64)] {
            let (mut list, mut bases) = (RunList::default(), 0);
            for number in 0..runs {
                list.starts.push(bases);
                list.colours.push(number * 7);
                list.last_of_string.push(number % 3 == 0 || number + 1 == runs);
                bases += 1 + noise(&mut state) % longest;
            }
            let stored = list.store(bases);
            let (groups, width) = (&stored.groups, stored.colours.width);
            let parts: [&[u8]; 5] = [
                &groups.bits,
                &groups.samples.bytes,
                &stored.lows.bytes,
                &stored.lasts.bytes,
                &stored.colours.bytes,
            ];
            assert_eq!(stored_bytes(bases, runs.into(), width), Some(parts.map(|part| part.len() as u64)));
            let view = Runs::new(parts.map(Paged::verified), bases, runs.into(), width).expect("fits");
            assert!(view.is_sound());
            for position in 0..bases {
                let number = list.starts.partition_point(|&start| start <= position) - 1;
                let end = list.starts.get(number + 1).copied().unwrap_or(bases);
                let run = Run { number: number as u64, start: list.starts[number], end };
                assert_eq!(view.locate(position), Some(run));
                assert_eq!(view.colour(run.number), list.colours[number]);
                assert_eq!(view.is_last_of_string(run.number), list.last_of_string[number]);
            }
            assert_eq!(view.iter().count(), runs as usize);
        }
    }
}
