//! Ours: the index that chooses its layers itself, plain B-tree layers, and compositions that are types.

use stroma_hybrid::{ComposedIndex, Config, CostModelPolicy, ForcePolicy, Index, Layer, LayerKind};

use crate::Outcome;
use crate::index::subject::{BATCH, Subject, sum_at};

/// An index of ours over keys that stay outside. Its kind is a type, so that every call is direct.
pub(super) struct Ours<'k, L> {
    keys: &'k [u64],
    index: L,
    explain: fn(&L) -> Option<String>,
}

/// Layers that are chosen by the cost model.
pub(super) fn chosen(keys: &[u64]) -> Outcome<Ours<'_, Index<u64>>> {
    let index = Index::build(keys, &CostModelPolicy::default())?;
    Ok(Ours { keys, index, explain: |index| Some(index.explain()) })
}

/// Layers that are all those of a B-tree.
pub(super) fn btree(keys: &[u64]) -> Outcome<Ours<'_, Index<u64>>> {
    let index = Index::build(keys, &ForcePolicy(LayerKind::BTree))?;
    Ok(Ours { keys, index, explain: |index| Some(index.explain()) })
}

/// Layers that were chosen when the program was written.
pub(super) fn composed<C: Config>(keys: &[u64]) -> Outcome<Ours<'_, ComposedIndex<u64, C>>> {
    Ok(Ours { keys, index: ComposedIndex::build(keys)?, explain: |_| None })
}

impl<L: Layer<u64>> Subject for Ours<'_, L> {
    const HAS_BATCHES: bool = true;

    #[inline]
    fn lower_bound(&self, key: u64) -> u64 {
        self.index.lower_bound(self.keys, key) as u64
    }

    #[inline]
    fn lower_bounds(&self, keys: &[u64; BATCH], found: &mut [usize; BATCH]) {
        self.index.lower_bound_batch(self.keys, keys, found);
    }

    #[inline]
    fn sum_from(&self, key: u64, count: usize) -> Option<u64> {
        Some(sum_at(self.keys, self.index.lower_bound(self.keys, key), count))
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.index.size_bytes() as u64)
    }

    fn explanation(&self) -> Option<String> {
        (self.explain)(&self.index)
    }
}
