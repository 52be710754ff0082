//! Separators that a head does not tell whole.

use std::ops::Range;

use super::super::packed::{Packed, PackedPlace, pack};
use super::super::separators::Separator;
use crate::entry::{MAX_SEQUENCE, Sequence};

/// Bytes of a sequence behind an exception.
const SEQUENCE_BYTES: usize = size_of::<u64>();

/// The exceptions of a table being written.
#[derive(Debug, Default)]
pub(super) struct ExceptionsWriter {
    blocks: Vec<u64>,
    ends: Vec<u64>,
    bytes: Vec<u8>,
}

impl ExceptionsWriter {
    /// Adds the separator behind `block`, what need not be kept at its start left out.
    pub(super) fn add(&mut self, block: usize, rest: Separator<'_>) {
        let has_sequence = rest.sequence != MAX_SEQUENCE;
        self.bytes.extend_from_slice(rest.key);
        if has_sequence {
            self.bytes.extend_from_slice(&rest.sequence.to_le_bytes());
        }
        self.blocks.push(block as u64);
        self.ends.push((self.bytes.len() as u64) << 1 | u64::from(has_sequence));
    }

    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The three parts in their stored form.
    pub(super) fn finish(self) -> [Vec<u8>; 3] {
        let packed = |numbers: &[u64]| {
            let mut bytes = Vec::new();
            if !numbers.is_empty() {
                pack(numbers, &mut bytes);
            }
            bytes
        };
        [packed(&self.blocks), packed(&self.ends), self.bytes]
    }
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
            let (blocks, ends) =
                (PackedPlace::open(section, blocks, count)?, PackedPlace::open(section, ends, count)?);
            let all = ends.of(section);
            let ascend = (1..count).all(|index| all.get(index - 1) >> 1 <= all.get(index) >> 1);
            (ascend && all.get(count - 1) >> 1 == bytes.len() as u64).then_some(Some([blocks, ends]))?
        };
        Some(ExceptionsPlace { packed, bytes })
    }

    /// The exceptions from that of block `first_block` on.
    pub(super) fn after<'a>(&self, section: &'a [u8], first_block: usize) -> Option<Exceptions<'a>> {
        let [blocks, ends] = self.packed.as_ref()?;
        let first = blocks.of(section).count_below(first_block as u64);
        Some(Exceptions { ends: ends.of(section), bytes: section.get(self.bytes.clone())?, first })
    }
}

/// The exceptions of an open table.
#[derive(Clone, Copy)]
pub(super) struct Exceptions<'a> {
    ends: Packed<'a>,
    bytes: &'a [u8],
    first: usize,
}

impl<'a> Exceptions<'a> {
    /// Exception `index` from the first on: the rest of the separator's key, and its sequence.
    pub(super) fn get(self, index: usize) -> Option<(&'a [u8], Sequence)> {
        let index = self.first.checked_add(index).filter(|index| *index < self.ends.len())?;
        let start = if index == 0 { 0 } else { self.ends.get(index - 1) >> 1 };
        let end = self.ends.get(index);
        let bytes = self.bytes.get(start as usize..(end >> 1) as usize)?;
        if end & 1 == 0 {
            return Some((bytes, MAX_SEQUENCE));
        }
        let (key, sequence) = bytes.split_last_chunk::<SEQUENCE_BYTES>()?;
        Some((key, u64::from_le_bytes(*sequence)))
    }
}
