//! Separators and block ends, collected while a table is written.

use super::super::options::IndexPolicy;
use super::kind::FinishedIndex;
use super::{compact, plain};
use crate::Error;
use crate::block::common_prefix;
use crate::entry::{MAX_SEQUENCE, Sequence};

/// One block and the separator behind it.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// Where the separator ends in the separators' bytes.
    separator_end: usize,
    /// The separator's sequence.
    sequence: Sequence,
    /// Where the block ends in the file.
    end: u64,
}

/// What stands between a block and the next: a position after every entry of the one and not after any of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Separator<'a> {
    pub(super) key: &'a [u8],
    pub(super) sequence: Sequence,
}

/// The blocks of a table and what separates them, in order.
#[derive(Debug, Default)]
pub(in crate::table) struct IndexBuilder {
    bytes: Vec<u8>,
    blocks: Vec<Block>,
}

impl IndexBuilder {
    /// Notes that a block ends at `block_end` in the file.
    pub(in crate::table) fn end_block(&mut self, block_end: u64) {
        self.blocks.push(Block { separator_end: self.bytes.len(), sequence: 0, end: block_end });
    }

    /// Tells where block `block`, which ended before, came to end in the file.
    pub(in crate::table) fn place_block(&mut self, block: usize, block_end: u64) {
        if let Some(block) = self.blocks.get_mut(block) {
            block.end = block_end;
        }
    }

    /// Puts the separator between the block that ended last, with entry `last`, and the key of the entry that
    /// comes next.
    pub(in crate::table) fn separate(&mut self, last: (&[u8], Sequence), next_key: &[u8]) {
        let Some(block) = self.blocks.last_mut() else { return };
        if last.0 == next_key {
            self.bytes.extend_from_slice(next_key);
            block.sequence = last.1.saturating_sub(1);
        } else {
            extend_with_separator(&mut self.bytes, last.0, next_key);
            block.sequence = MAX_SEQUENCE;
        }
        block.separator_end = self.bytes.len();
    }

    /// How many blocks there are.
    pub(in crate::table) fn block_count(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// Where each block ends in the file.
    pub(super) fn block_ends(&self) -> impl Iterator<Item = u64> {
        self.blocks.iter().map(|block| block.end)
    }

    /// The separators, one less than blocks.
    pub(super) fn separators(&self) -> impl Iterator<Item = Separator<'_>> {
        let starts = std::iter::once(0).chain(self.blocks.iter().map(|block| block.separator_end));
        let separated = self.blocks.len().saturating_sub(1);
        starts.zip(&self.blocks).take(separated).map(|(start, block)| Separator {
            key: &self.bytes[start..block.separator_end],
            sequence: block.sequence,
        })
    }

    /// Builds the index and lays the section out.
    pub(in crate::table) fn finish(self, policy: IndexPolicy) -> Result<FinishedIndex, Error> {
        match policy {
            IndexPolicy::Plain => Ok(plain::lay_out(&self)),
            _ => compact::lay_out(&self, policy),
        }
    }
}

/// Appends the start of `next` that is the shortest in bits to be greater than `last`: up to the first byte that
/// differs, and of that the bits up to the first that does. Zeros at its end need not be kept by an index.
fn extend_with_separator(into: &mut Vec<u8>, last: &[u8], next: &[u8]) {
    let shared = common_prefix(last, next);
    into.extend_from_slice(&next[..next.len().min(shared + 1)]);
    if let (Some(byte), Some(&from)) = (into.last_mut(), next.get(shared)) {
        let differing = from ^ last.get(shared).copied().unwrap_or(0);
        *byte = from & !(differing.checked_ilog2().map_or(0, |bit| (1_u16 << bit) - 1) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_is_after_the_last_key_and_not_after_the_next() {
        let keys: Vec<Vec<u8>> = (0..=3_u32)
            .flat_map(|length| (0..6_u32.pow(length)).map(move |number| (length, number)))
            .map(|(length, number)| {
                (0..length).map(move |at| [0, 1, 2, 7, 128, 255][(number / 6_u32.pow(at) % 6) as usize])
            })
            .map(Iterator::collect)
            .collect();
        for last in &keys {
            for next in keys.iter().filter(|next| last < next) {
                let mut separator = vec![9];
                extend_with_separator(&mut separator, last, next);
                assert!(last[..] < separator[1..] && separator[1..] <= next[..], "{last:?} {next:?}");
            }
        }
        let mut separator = Vec::new();
        extend_with_separator(&mut separator, &[1, 0b0010_0110, 9], &[1, 0b0010_1111, 3]);
        assert_eq!(separator, [1, 0b0010_1000]);
    }
}
