//! A reference to a node in 32 bits: two for its kind, thirty for its place in the arena of that kind.

const INDEX_BITS: u32 = 30;

/// Most nodes of one kind that a map can hold.
pub(crate) const MOST_NODES: usize = 1 << INDEX_BITS;

/// What a node of a [`HybridMap`](super::HybridMap) is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// An inner B-tree node: a few sorted pivots, counted through.
    Branch,
    /// An inner node with many children, to which a line shows the way.
    Route,
    /// A leaf whose entries lie packed at its beginning.
    Packed,
    /// A leaf whose entries lie where a line predicts them, with gaps between.
    Gapped,
}

impl NodeKind {
    /// All kinds, inner ones first.
    pub const ALL: [Self; 4] = [Self::Branch, Self::Route, Self::Packed, Self::Gapped];

    /// Whether nodes of this kind hold entries.
    pub fn is_leaf(self) -> bool {
        matches!(self, Self::Packed | Self::Gapped)
    }

    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Route => "route",
            Self::Packed => "packed leaf",
            Self::Gapped => "gapped leaf",
        }
    }
}

/// A tagged reference: the kind in the upper two bits, the index in the lower thirty.
///
/// Both kinds of leaf live in one arena, since their blocks are equal: a leaf changes its kind in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRef(u32);

impl NodeRef {
    /// Refers to node `index` of a kind.
    ///
    /// # Panics
    /// If `index` needs more than thirty bits. An arena panics before it gets there.
    pub(crate) fn new(kind: NodeKind, index: u32) -> Self {
        assert!((index as usize) < MOST_NODES, "a map holds at most 2^30 nodes of a kind");
        Self((kind as u32) << INDEX_BITS | index)
    }

    /// The node's kind.
    #[inline(always)]
    pub fn kind(self) -> NodeKind {
        match self.0 >> INDEX_BITS {
            0 => NodeKind::Branch,
            1 => NodeKind::Route,
            2 => NodeKind::Packed,
            _ => NodeKind::Gapped,
        }
    }

    /// The node's place in the arena of its kind.
    #[inline(always)]
    pub fn index(self) -> u32 {
        self.0 & ((1 << INDEX_BITS) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_index_come_back() {
        assert_eq!(size_of::<NodeRef>(), 4);
        for kind in NodeKind::ALL {
            for index in [0, 1, (1 << 30) - 1] {
                let node = NodeRef::new(kind, index);
                assert_eq!((node.kind(), node.index()), (kind, index));
            }
        }
    }
}
