//! Separators that a head does not tell whole.
//!
//! Neighbours among them are alike, so they lie in groups of eight: what the keys of a group begin with, then the rest
//! of each. Where all these end is one packed sequence of places, so that an exception is compared without decoding
//! others.

use std::cmp::Ordering;
use std::ops::Range;

use super::super::packed::{Packed, PackedPlace, pack};
use super::super::separators::Separator;
use crate::block::common_prefix;
use crate::entry::{MAX_SEQUENCE, Sequence, compare};

/// Exceptions of a group.
const GROUP: usize = 8;
/// Bytes of a sequence behind an exception.
const SEQUENCE_BYTES: usize = size_of::<u64>();

/// Puts the exceptions of a table being written, by ascending number of the block before each, into their three parts.
pub(super) fn lay_out(exceptions: &[(usize, Separator<'_>)]) -> [Vec<u8>; 3] {
    let (mut ends, mut bytes) = (Vec::new(), Vec::new());
    for group in exceptions.chunks(GROUP) {
        // Without what is left out they need not ascend, so the first and the last do not tell for those between.
        let first = group[0].1.key;
        let shared =
            group.iter().map(|(_, separator)| common_prefix(first, separator.key)).min().unwrap_or(0);
        bytes.extend_from_slice(&first[..shared]);
        ends.push((bytes.len() as u64) << 1);
        for (_, Separator { key, sequence }) in group {
            let has_sequence = *sequence != MAX_SEQUENCE;
            bytes.extend_from_slice(&key[shared..]);
            if has_sequence {
                bytes.extend_from_slice(&sequence.to_le_bytes());
            }
            ends.push((bytes.len() as u64) << 1 | u64::from(has_sequence));
        }
    }
    let blocks: Vec<u64> = exceptions.iter().map(|(block, _)| *block as u64).collect();
    let packed = |numbers: &[u64]| {
        let mut bytes = Vec::new();
        if !numbers.is_empty() {
            pack(numbers, &mut bytes);
        }
        bytes
    };
    [packed(&blocks), packed(&ends), bytes]
}

/// Where the exceptions lie in a section.
#[derive(Debug)]
pub(super) struct ExceptionsPlace {
    /// None without exceptions.
    packed: Option<[PackedPlace; 2]>,
    bytes: Range<usize>,
}

impl ExceptionsPlace {
    /// Checks the three parts.
    pub(super) fn open(section: &[u8], count: usize, parts: [Range<usize>; 3]) -> Option<ExceptionsPlace> {
        let [blocks, ends, bytes] = parts;
        let packed = if count == 0 {
            (blocks.is_empty() && ends.is_empty() && bytes.is_empty()).then_some(None)?
        } else {
            let places = count.checked_add(count.div_ceil(GROUP))?;
            let blocks = PackedPlace::open(section, blocks, count)?;
            let ends = PackedPlace::open(section, ends, places)?;
            let all = ends.of(section);
            let ascend = (1..places).all(|index| all.get(index - 1) >> 1 <= all.get(index) >> 1);
            (ascend && all.get(places - 1) >> 1 == bytes.len() as u64).then_some(Some([blocks, ends]))?
        };
        Some(ExceptionsPlace { packed, bytes })
    }

    /// The exceptions from that of block `first_block` on.
    pub(super) fn after<'a>(&self, section: &'a [u8], first_block: usize) -> Option<Exceptions<'a>> {
        let [blocks, ends] = self.packed.as_ref()?;
        let blocks = blocks.of(section);
        let first = blocks.count_below(first_block as u64);
        let bytes = section.get(self.bytes.clone())?;
        Some(Exceptions { ends: ends.of(section), bytes, first, count: blocks.len() })
    }
}

/// The exceptions of an open table.
#[derive(Clone, Copy)]
pub(super) struct Exceptions<'a> {
    ends: Packed<'a>,
    bytes: &'a [u8],
    first: usize,
    count: usize,
}

impl Exceptions<'_> {
    /// How exception `index` from the first on stands to a position; `None` if there is none.
    pub(super) fn compare(self, index: usize, (key, sequence): (&[u8], Sequence)) -> Option<Ordering> {
        let index = self.first.checked_add(index).filter(|index| *index < self.count)?;
        let group = index / GROUP * (GROUP + 1);
        let group_start = if group == 0 { 0 } else { self.ends.get(group - 1) >> 1 };
        let shared = self.bytes.get(group_start as usize..(self.ends.get(group) >> 1) as usize)?;
        let Some(rest) = key.strip_prefix(shared) else { return Some(shared.cmp(key)) };
        let place = group + 1 + index % GROUP;
        let (start, end) = (self.ends.get(place - 1) >> 1, self.ends.get(place));
        let bytes = self.bytes.get(start as usize..(end >> 1) as usize)?;
        let separator = if end & 1 == 0 {
            (bytes, MAX_SEQUENCE)
        } else {
            let (key, sequence) = bytes.split_last_chunk::<SEQUENCE_BYTES>()?;
            (key, u64::from_le_bytes(*sequence))
        };
        Some(compare(separator, (rest, sequence)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_come_back_and_compare_whether_they_ascend_or_not() {
        let key = |number: usize| vec![[9, 9, 1, 9, 9, 9, 9, 9, 4, 4][number % 10]; 1 + number % 3];
        let keys: Vec<Vec<u8>> = (0..60).map(key).collect();
        let sequence = |number: usize| if number.is_multiple_of(7) { number as u64 } else { MAX_SEQUENCE };
        for count in [0, 1, 7, 8, 9, 60] {
            let exceptions: Vec<(usize, Separator<'_>)> = (0..count)
                .map(|number| (3 * number, Separator { key: &keys[number], sequence: sequence(number) }))
                .collect();
            let (mut section, mut start) = (Vec::new(), 0);
            let parts = lay_out(&exceptions).map(|part| {
                section.extend_from_slice(&part);
                start += part.len();
                start - part.len()..start
            });
            let place = ExceptionsPlace::open(&section, count, parts.clone()).unwrap();
            assert!(ExceptionsPlace::open(&section, count + 1, parts).is_none());
            for number in 0..count {
                let found = place.after(&section, 3 * number).unwrap();
                for other in &keys {
                    for sought in [0, sequence(number), MAX_SEQUENCE] {
                        let expected = compare((&keys[number], sequence(number)), (other, sought));
                        assert_eq!(found.compare(0, (other, sought)), Some(expected), "{number} {other:?}");
                    }
                }
                assert_eq!(found.compare(count - number, (&[], 0)), None);
            }
        }
    }
}
