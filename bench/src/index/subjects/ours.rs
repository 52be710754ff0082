//! Ours: the index that chooses its layers itself, plain B-tree layers, and compositions that are types.

use stroma_hybrid::{ComposedIndex, Config, CostModelPolicy, ForcePolicy, Index, Layer as _, LayerKind};

use crate::Outcome;
use crate::index::subject::{BATCH, Subject, sum_at};

pub(super) struct Ours<'k> {
    keys: &'k [u64],
    index: Index<u64>,
}

impl<'k> Ours<'k> {
    /// The layers are chosen by the cost model.
    pub(super) fn chosen(keys: &'k [u64]) -> Outcome<Ours<'k>> {
        Ok(Ours { keys, index: Index::build(keys, &CostModelPolicy::default())? })
    }

    /// All layers are those of a B-tree.
    pub(super) fn btree(keys: &'k [u64]) -> Outcome<Ours<'k>> {
        Ok(Ours { keys, index: Index::build(keys, &ForcePolicy(LayerKind::BTree))? })
    }
}

impl Subject for Ours<'_> {
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
        Some(self.index.explain().to_string())
    }
}

/// Layers that were chosen when the program was written.
pub(super) struct Composed<'k, C: Config> {
    keys: &'k [u64],
    index: ComposedIndex<u64, C>,
}

impl<'k, C: Config> Composed<'k, C> {
    pub(super) fn new(keys: &'k [u64]) -> Outcome<Composed<'k, C>> {
        Ok(Composed { keys, index: ComposedIndex::build(keys)? })
    }
}

impl<C: Config> Subject for Composed<'_, C> {
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
}
