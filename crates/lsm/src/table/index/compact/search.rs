//! Finding the block of a position.

use std::cmp::Ordering;

use stroma_hybrid::{Head, KeySource};
use stroma_strata::storage::Blob;

use super::heads::Heads;
use super::stored::CompactIndex;
use crate::entry::Sequence;

impl CompactIndex {
    /// As [`BlockIndex::find`](super::super::BlockIndex::find).
    #[inline]
    pub(in super::super) fn find(&self, blob: &dyn Blob, key: &[u8], sequence: Sequence) -> usize {
        let Some(model) = &self.model else { return 0 };
        let head = match self.strip.head(key) {
            Head::Below => return 0,
            Head::Above => return self.block_count() - 1,
            Head::Within(head) => head,
        };
        let section = self.bytes.of(blob);
        let heads = Heads(self.heads.of(section));
        let sought = self.code.sought(head);
        let found = model.lower_bound(&heads, sought);
        if found == heads.len() || heads.get(found) != sought {
            return found;
        }
        let end = model.upper_bound(&heads, sought);
        self.find_among_exceptions(section, (found, end), (key, sequence)).unwrap_or(found)
    }

    /// The same when the separators from `first` up to, not including, `end` are exceptions with the head of the key.
    /// `None` if it is `first`, or what there is of exceptions is not what the heads say.
    #[cold]
    fn find_among_exceptions(
        &self,
        section: &[u8],
        (first, end): (usize, usize),
        (key, sequence): (&[u8], Sequence),
    ) -> Option<usize> {
        let exceptions = self.exceptions.after(section, first)?;
        // A key that ends within what is left out is the start of every one of them, and before them.
        let rest = key.get(self.strip.prefix().len() + self.left_out..)?;
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = low + (high - low) / 2;
            match exceptions.compare(middle - first, (rest, sequence))? {
                Ordering::Less | Ordering::Equal => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Some(low)
    }
}
