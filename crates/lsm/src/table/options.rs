//! How new tables are written.

use stroma_hybrid::{Below, Choice, CostModelPolicy, ForcePolicy, LayerKind, LayerPlan, Offer, Policy};

use crate::block::Compression;
use crate::filter::FilterPolicy;

/// Which index new tables get over the keys that separate their blocks. Any kind can be read; a table records
/// the kind and why it was chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexPolicy {
    /// Whatever is estimated to look a key up soonest, memory weighed in; for each table anew.
    #[default]
    CostModel,
    /// Always a B-tree.
    BTree,
    /// Always a learned, piecewise-linear index.
    Linear,
    /// Always a static B+-tree whose nodes are searched by vector instructions.
    SPlus,
    /// Whole separators and binary search among them, as is usual: three times as large and more. Here to compare with.
    Plain,
}

impl Policy for IndexPolicy {
    fn plans(&self, level: usize) -> Vec<LayerPlan> {
        match self {
            // A plain index has no layers.
            Self::CostModel | Self::Plain => CostModelPolicy::default().plans(level),
            Self::BTree => ForcePolicy(LayerKind::BTree).plans(level),
            Self::Linear => ForcePolicy(LayerKind::Linear).plans(level),
            Self::SPlus => ForcePolicy(LayerKind::SPlus).plans(level),
        }
    }

    fn choose(&self, below: Below, offers: &[Offer]) -> Choice {
        match self {
            Self::CostModel | Self::Plain => CostModelPolicy::default().choose(below, offers),
            Self::BTree => ForcePolicy(LayerKind::BTree).choose(below, offers),
            Self::Linear => ForcePolicy(LayerKind::Linear).choose(below, offers),
            Self::SPlus => ForcePolicy(LayerKind::SPlus).choose(below, offers),
        }
    }
}

/// How a table is written.
#[derive(Clone, Debug)]
pub(crate) struct TableOptions {
    /// A block ends with the entry that makes it at least this long, in bytes.
    pub(crate) block_bytes: usize,
    /// How blocks are compressed.
    pub(crate) compression: Compression,
    /// Which filter it gets.
    pub(crate) filter: FilterPolicy,
    /// Which index it gets.
    pub(crate) index: IndexPolicy,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            block_bytes: 4096,
            compression: Compression::None,
            filter: FilterPolicy::default(),
            index: IndexPolicy::default(),
        }
    }
}
