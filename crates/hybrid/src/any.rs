//! A layer whose kind was chosen when the index was built.

use core::fmt;
use core::ops::Range;

use crate::growth::LevelBuilder;
use crate::{BTreeLayer, Error, Key, Layer, LinearLayer, Offer, RadixSplineLayer, SPlusLayer};

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
    /// A spline and a table by leading bits: see [`RadixSplineLayer`].
    RadixSpline,
}

impl LayerKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::BTree, Self::Linear, Self::SPlus, Self::RadixSpline];

    /// Whether a layer of this kind finds its way from one root, so that nothing need stand on it.
    pub fn is_whole(self) -> bool {
        match self {
            Self::BTree | Self::Linear => false,
            Self::SPlus | Self::RadixSpline => true,
        }
    }
}

impl fmt::Display for LayerKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BTree => "B-tree",
            Self::Linear => "linear",
            Self::SPlus => "S+-tree",
            Self::RadixSpline => "radix spline",
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
        /// Largest error, in positions, 1..=2^20.
        epsilon: usize,
    },
    /// An S+-tree, which needs no layer above it.
    SPlus {
        /// Keys of the array below per separator, 1..=2^20.
        fanout: usize,
    },
    /// A radix spline, which needs no layer above it.
    RadixSpline {
        /// Largest error, in positions, 1..=2^20.
        epsilon: usize,
    },
}

impl LayerPlan {
    /// The kind of layer planned.
    pub fn kind(self) -> LayerKind {
        match self {
            Self::BTree { .. } => LayerKind::BTree,
            Self::Linear { .. } => LayerKind::Linear,
            Self::SPlus { .. } => LayerKind::SPlus,
            Self::RadixSpline { .. } => LayerKind::RadixSpline,
        }
    }
}

/// Any kind of layer; a match at each query instead of a type.
#[derive(Debug, Clone)]
pub(crate) enum AnyLayer<K, B = Vec<u8>> {
    BTree(BTreeLayer<K, B>),
    Linear(LinearLayer<K, B>),
    SPlus(SPlusLayer<K, B>),
    RadixSpline(RadixSplineLayer<K, B>),
}

/// The same for a layer of each kind.
macro_rules! for_each_kind {
    ($any:expr, $layer:ident => $result:expr) => {
        match $any {
            AnyLayer::BTree($layer) => $result,
            AnyLayer::Linear($layer) => $result,
            AnyLayer::SPlus($layer) => $result,
            AnyLayer::RadixSpline($layer) => $result,
        }
    };
}

impl<K: Key, B: AsRef<[u8]>> AnyLayer<K, B> {
    pub(crate) fn kind(&self) -> LayerKind {
        match self {
            Self::BTree(_) => LayerKind::BTree,
            Self::Linear(_) => LayerKind::Linear,
            Self::SPlus(_) => LayerKind::SPlus,
            Self::RadixSpline(_) => LayerKind::RadixSpline,
        }
    }

    /// The fanout of a tree, the error of a model.
    pub(crate) fn parameter(&self) -> usize {
        match self {
            Self::BTree(layer) => layer.fanout(),
            Self::Linear(layer) => layer.error(),
            Self::SPlus(layer) => layer.fanout(),
            Self::RadixSpline(layer) => layer.error(),
        }
    }

    /// What a policy is told of the layer.
    pub(crate) fn offer(&self, plan: LayerPlan) -> Offer {
        let (entries, window) = match self {
            Self::BTree(layer) => (layer.entry_count(), layer.fanout() - 1),
            Self::Linear(layer) => (layer.entry_count(), 2 * layer.error() + 1),
            Self::SPlus(layer) => (layer.separator_count(), layer.fanout() - 1),
            Self::RadixSpline(layer) => (layer.average_search(), 2 * layer.error() + 1),
        };
        Offer { plan, entries, size_bytes: self.size_bytes(), window }
    }

    /// Builds the layer above on the entries; there are none of a layer that is whole.
    pub(crate) fn push_entries(&self, above: &mut LevelBuilder<K>) -> Result<(), Error> {
        match self {
            Self::BTree(layer) => above.push_all(&layer.entries()),
            Self::Linear(layer) => above.push_all(&layer.entries()),
            Self::SPlus(_) | Self::RadixSpline(_) => Ok(()),
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        for_each_kind!(self, layer => layer.payload())
    }

    pub(crate) fn to_owned_layer(&self) -> AnyLayer<K> {
        match self {
            Self::BTree(layer) => AnyLayer::BTree(layer.to_owned_layer()),
            Self::Linear(layer) => AnyLayer::Linear(layer.to_owned_layer()),
            Self::SPlus(layer) => AnyLayer::SPlus(layer.to_owned_layer()),
            Self::RadixSpline(layer) => AnyLayer::RadixSpline(layer.to_owned_layer()),
        }
    }
}

impl<K: Key, B: AsRef<[u8]>> Layer<K> for AnyLayer<K, B> {
    fn entry_count(&self) -> usize {
        for_each_kind!(self, layer => layer.entry_count())
    }

    fn below_len(&self) -> usize {
        for_each_kind!(self, layer => layer.below_len())
    }

    #[inline(always)]
    fn narrow(&self, key: K, candidates: Range<usize>) -> Range<usize> {
        for_each_kind!(self, layer => layer.narrow(key, candidates))
    }

    fn narrow_batch(&self, keys: &[K], candidates: &mut [Range<usize>]) {
        for_each_kind!(self, layer => layer.narrow_batch(keys, candidates));
    }

    fn size_bytes(&self) -> usize {
        self.payload().len()
    }
}
