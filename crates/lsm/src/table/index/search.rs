//! Finding the block of a position.

use std::cmp::Ordering;

use stroma_hybrid::{Head, KeySource};
use stroma_strata::storage::Blob;

use super::stored::BlockIndex;
use crate::entry::{Sequence, compare};

impl BlockIndex {
    /// The block in which the first entry at or after `(key, sequence)` is, unless it is the first of the
    /// next one. Without blocks, 0.
    #[inline]
    pub(in crate::table) fn find(&self, blob: &dyn Blob, key: &[u8], sequence: Sequence) -> usize {
        let Some(model) = self.model() else { return 0 };
        let arrays = self.arrays(blob);
        let head = match self.strip().head(key) {
            Head::Below => return 0,
            Head::Above => return self.block_count() - 1,
            Head::Within(head) => head,
        };
        let heads = arrays.heads;
        let (mut low, mut high) = (model.lower_bound(&heads, head), self.block_count() - 1);
        if low == high || heads.get(low) != head {
            return low;
        }
        if low + 1 < high && heads.get(low + 1) != head {
            high = low + 1;
        } else {
            high = model.upper_bound(&heads, head);
        }
        let rest = &key[self.strip().prefix().len()..];
        while low < high {
            let middle = low + (high - low) / 2;
            match compare(arrays.separator(middle), (rest, sequence)) {
                Ordering::Less | Ordering::Equal => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        low
    }
}
