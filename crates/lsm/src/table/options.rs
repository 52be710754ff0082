//! How new tables are written.

use stroma_hybrid::{Below, Choice, CostModelPolicy, ForcePolicy, LayerKind, LayerPlan, Offer, Policy};
use stroma_strata::encryption::Encryption;

use crate::block::Compression;
use crate::filter::FilterPolicy;
use crate::rules::KeyspaceStoring;

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
    /// Always a spline that is entered by a table over the leading bits.
    RadixSpline,
    /// Whole separators and binary search among them, as is usual: three times as large and more. Here to compare with.
    Plain,
}

impl IndexPolicy {
    /// The kind of layer that is forced, if any.
    fn forced(self) -> Option<ForcePolicy> {
        let kind = match self {
            // A plain index has no layers.
            Self::CostModel | Self::Plain => return None,
            Self::BTree => LayerKind::BTree,
            Self::Linear => LayerKind::Linear,
            Self::SPlus => LayerKind::SPlus,
            Self::RadixSpline => LayerKind::RadixSpline,
        };
        Some(ForcePolicy(kind))
    }
}

impl Policy for IndexPolicy {
    fn plans(&self, level: usize) -> Vec<LayerPlan> {
        match self.forced() {
            Some(forced) => forced.plans(level),
            None => CostModelPolicy::default().plans(level),
        }
    }

    fn choose(&self, below: Below, offers: &[Offer]) -> Choice {
        match self.forced() {
            Some(forced) => forced.choose(below, offers),
            None => CostModelPolicy::default().choose(below, offers),
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
    /// The keys it is encrypted with, if it is to be.
    pub(crate) encryption: Option<Encryption>,
    /// The keyspaces whose blocks are not as those of the others.
    pub(crate) keyspaces: KeyspaceStoring,
    /// As many bytes of memory may what is kept of its keys take while it is written: then it is full.
    pub(crate) key_memory: usize,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            block_bytes: 4096,
            compression: Compression::None,
            filter: FilterPolicy::default(),
            index: IndexPolicy::default(),
            encryption: None,
            keyspaces: KeyspaceStoring::default(),
            key_memory: usize::MAX,
        }
    }
}
