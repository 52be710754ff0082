//! A layer whose kind was chosen when the index was built.

use core::fmt;
use core::ops::Range;

use crate::{BTreeLayer, Key, Layer, LinearLayer, LittleEndianKeys, Offer, SPlusLayer};

/// The kinds of layer there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerKind {
    /// Every n-th key: see [`BTreeLayer`].
    BTree,
    /// A piecewise-linear model: see [`LinearLayer`].
    Linear,
    /// A whole static B+-tree for vector instructions: see [`SPlusLayer`].
    SPlus,
}

impl fmt::Display for LayerKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BTree => "B-tree",
            Self::Linear => "linear",
            Self::SPlus => "S+-tree",
        })
    }
}

/// A kind of layer and the parameter to build it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerPlan {
    /// A B-tree layer.
    BTree {
        /// Keys of the array below per entry, 2..=2^20.
        fanout: usize,
    },
    /// A linear layer.
    Linear {
        /// Largest error to aim for, in positions, 1..=2^20.
        epsilon: usize,
    },
    /// An S+-tree, which needs no layer above it.
    SPlus {
        /// Keys of the array below per separator, 2..=2^20.
        fanout: usize,
    },
}

impl LayerPlan {
    /// The kind of layer planned.
    pub fn kind(self) -> LayerKind {
        match self {
            Self::BTree { .. } => LayerKind::BTree,
            Self::Linear { .. } => LayerKind::Linear,
            Self::SPlus { .. } => LayerKind::SPlus,
        }
    }
}

/// Any kind of layer; a match at each query instead of a type.
#[derive(Debug, Clone)]
pub(crate) enum AnyLayer<K, B = Vec<u8>> {
    BTree(BTreeLayer<K, B>),
    Linear(LinearLayer<K, B>),
    SPlus(SPlusLayer<K, B>),
}

impl<K: Key, B: AsRef<[u8]>> AnyLayer<K, B> {
    pub(crate) fn kind(&self) -> LayerKind {
        match self {
            Self::BTree(_) => LayerKind::BTree,
            Self::Linear(_) => LayerKind::Linear,
            Self::SPlus(_) => LayerKind::SPlus,
        }
    }

    /// The fanout of a B-tree layer, the error of a linear one.
    pub(crate) fn parameter(&self) -> usize {
        match self {
            Self::BTree(layer) => layer.fanout(),
            Self::Linear(layer) => layer.error(),
            Self::SPlus(layer) => layer.fanout(),
        }
    }

    /// What a policy is told of the layer.
    pub(crate) fn offer(&self, plan: LayerPlan) -> Offer {
        let window = match self {
            Self::BTree(layer) => layer.fanout() - 1,
            Self::Linear(layer) => 2 * layer.error() + 1,
            Self::SPlus(layer) => layer.fanout() - 1,
        };
        Offer { plan, entries: self.entry_count(), size_bytes: self.size_bytes(), window }
    }

    /// The entries, to build the layer above on; none of a layer that is complete.
    pub(crate) fn entries(&self) -> LittleEndianKeys<'_, K> {
        match self {
            Self::BTree(layer) => layer.entries(),
            Self::Linear(layer) => layer.entries(),
            Self::SPlus(_) => LittleEndianKeys::whole(&[]),
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        match self {
            Self::BTree(layer) => layer.payload(),
            Self::Linear(layer) => layer.payload(),
            Self::SPlus(layer) => layer.payload(),
        }
    }
}

impl<K: Key, B: AsRef<[u8]>> Layer<K> for AnyLayer<K, B> {
    fn entry_count(&self) -> usize {
        match self {
            Self::BTree(layer) => layer.entry_count(),
            Self::Linear(layer) => layer.entry_count(),
            Self::SPlus(layer) => layer.entry_count(),
        }
    }

    fn below_len(&self) -> usize {
        match self {
            Self::BTree(layer) => layer.below_len(),
            Self::Linear(layer) => layer.below_len(),
            Self::SPlus(layer) => layer.below_len(),
        }
    }

    #[inline(always)]
    fn narrow(&self, key: K, candidates: Range<usize>) -> Range<usize> {
        match self {
            Self::BTree(layer) => layer.narrow(key, candidates),
            Self::Linear(layer) => layer.narrow(key, candidates),
            Self::SPlus(layer) => layer.narrow(key, candidates),
        }
    }

    fn narrow_batch(&self, keys: &[K], candidates: &mut [Range<usize>]) {
        match self {
            Self::BTree(layer) => layer.narrow_batch(keys, candidates),
            Self::Linear(layer) => layer.narrow_batch(keys, candidates),
            Self::SPlus(layer) => layer.narrow_batch(keys, candidates),
        }
    }

    fn size_bytes(&self) -> usize {
        self.payload().len()
    }
}
