//! Collects separators while a table is written, and writes the index section.

use stroma_hybrid::{Head, Index, LayerKind, PrefixedHead};

use super::super::options::IndexPolicy;
use crate::Error;
use crate::entry::{MAX_SEQUENCE, Sequence};

/// The numbers that the index keeps of one block, in their stored order.
#[derive(Clone, Copy, Debug, Default)]
struct BlockRecord {
    /// Where the separator after the block ends in the separators' bytes.
    separator_end: u64,
    /// The separator's sequence.
    sequence: Sequence,
    /// Where the block ends in the file.
    block_end: u64,
}

/// The blocks and separators so far.
#[derive(Debug, Default)]
pub(in crate::table) struct IndexBuilder {
    separators: Vec<u8>,
    records: Vec<BlockRecord>,
}

/// A finished index section.
#[derive(Debug)]
pub(in crate::table) struct FinishedIndex {
    /// The section's bytes.
    pub(in crate::table) bytes: Vec<u8>,
    /// The number of the kind of index for the footer.
    pub(in crate::table) kind: u32,
    /// What it is made of and why.
    pub(in crate::table) explanation: String,
}

/// The kinds of index in a footer.
pub(in crate::table) fn kind_code(kind: Option<LayerKind>) -> u32 {
    match kind {
        Some(LayerKind::BTree) => 1,
        Some(LayerKind::Linear) => 2,
        Some(LayerKind::SPlus) => 3,
        Some(LayerKind::RadixSpline) => 4,
        // No separators; or a kind that this build's library has and this crate does not know.
        None | Some(_) => 0,
    }
}

impl IndexBuilder {
    /// Notes that a block ends at `block_end` in the file.
    pub(in crate::table) fn end_block(&mut self, block_end: u64) {
        let separator_end = self.separators.len() as u64;
        self.records.push(BlockRecord { separator_end, sequence: 0, block_end });
    }

    /// Puts the separator between the block that ended last, with entry `last`, and the key of the entry that
    /// comes next.
    pub(in crate::table) fn separate(&mut self, last: (&[u8], Sequence), next_key: &[u8]) {
        let Some(record) = self.records.last_mut() else { return };
        if last.0 == next_key {
            self.separators.extend_from_slice(next_key);
            record.sequence = last.1.saturating_sub(1);
        } else {
            // The shortest start of the next key that is greater than the last.
            let shared = last.0.iter().zip(next_key).take_while(|(this, that)| this == that).count();
            self.separators.extend_from_slice(&next_key[..next_key.len().min(shared + 1)]);
            record.sequence = MAX_SEQUENCE;
        }
        record.separator_end = self.separators.len() as u64;
    }

    /// How many blocks there are.
    pub(in crate::table) fn block_count(&self) -> u64 {
        self.records.len() as u64
    }

    /// Where the separators between blocks start and end.
    fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let starts = std::iter::once(0).chain(self.records.iter().map(|record| record.separator_end));
        let separated = self.records.len().saturating_sub(1);
        starts
            .zip(self.records.iter().map(|record| record.separator_end))
            .take(separated)
            .map(|(start, end)| start as usize..end as usize)
    }

    /// Builds the index and lays the section out.
    pub(in crate::table) fn finish(self, policy: IndexPolicy) -> Result<FinishedIndex, Error> {
        let separators: Vec<&[u8]> = self.ranges().map(|range| &self.separators[range]).collect();
        let strip = match (separators.first(), separators.last()) {
            (Some(first), Some(last)) => PrefixedHead::new(first, last),
            _ => PrefixedHead::with_prefix(&[]),
        };
        let heads: Vec<u64> = separators.iter().map(|separator| head_of(&strip, separator)).collect();
        let (model, kind, explanation) = if heads.is_empty() {
            (Vec::new(), None, "one block at most: no index".to_owned())
        } else {
            let index = Index::build(&heads, &policy).map_err(|error| Error::Corrupt {
                file: "a table being written".to_owned(),
                offset: 0,
                what: format!("its keys came out of order: {error}"),
            })?;
            (index.to_bytes(), Some(index.kind()), index.explain())
        };
        let prefix = strip.prefix();
        let mut bytes = Vec::new();
        let stripped: u64 = separators.iter().map(|separator| (separator.len() - prefix.len()) as u64).sum();
        bytes.extend_from_slice(&(prefix.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&stripped.to_le_bytes());
        bytes.extend_from_slice(&(model.len() as u64).to_le_bytes());
        for head in &heads {
            bytes.extend_from_slice(&head.to_le_bytes());
        }
        for (number, record) in self.records.iter().enumerate() {
            let before = (prefix.len() * (number + 1).min(separators.len())) as u64;
            for number in [record.separator_end - before, record.sequence, record.block_end] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        bytes.extend_from_slice(prefix);
        for separator in &separators {
            bytes.extend_from_slice(&separator[prefix.len()..]);
        }
        bytes.extend_from_slice(&model);
        Ok(FinishedIndex { bytes, kind: kind_code(kind), explanation })
    }
}

fn head_of(strip: &PrefixedHead, separator: &[u8]) -> u64 {
    match strip.head(separator) {
        Head::Below => 0,
        Head::Within(head) => head,
        Head::Above => u64::MAX,
    }
}
