//! Ours: the index that chooses its layers itself, and each kind of layer when it is forced.

use stroma_hybrid::{CostModelPolicy, ForcePolicy, Index, LayerKind};

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

    /// All layers are of one kind.
    pub(super) fn forced(keys: &'k [u64], kind: LayerKind) -> Outcome<Ours<'k>> {
        Ok(Ours { keys, index: Index::build(keys, &ForcePolicy(kind))? })
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
