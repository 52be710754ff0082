//! What both kinds of inner nodes do: hold pivots and children, and find the child for a key.

use super::node_ref::NodeRef;

/// A node with children.
///
/// The pivot of a child is not above any key below that child, and above all keys of the children before it.
/// The first pivot is not used to decide: the first child takes everything below the second pivot.
pub(super) trait Inner<K: Copy + Ord> {
    /// The places for pivots; as many are in use as there are children.
    fn pivots(&self) -> &[K];

    /// The places for children.
    fn refs(&self) -> &[NodeRef];

    fn refs_mut(&mut self) -> &mut [NodeRef];

    /// How many children there are.
    fn len(&self) -> usize;

    /// The number of the child that a key belongs to.
    fn find(&self, key: K) -> usize;

    /// Changes a pivot without changing the order of pivots.
    fn move_pivot(&mut self, at: usize, pivot: K);

    /// Opens a place for a child; there must be room, and the pivots must stay in order.
    fn insert(&mut self, at: usize, pivot: K, child: NodeRef);

    /// How many children there can be.
    fn capacity(&self) -> usize {
        self.pivots().len()
    }

    fn pivot(&self, at: usize) -> K {
        self.pivots()[at]
    }

    #[inline(always)]
    fn child(&self, at: usize) -> NodeRef {
        self.refs()[at]
    }

    fn set_child(&mut self, at: usize, child: NodeRef) {
        self.refs_mut()[at] = child;
    }

    /// Changes a pivot but the first. The first is lowered if it would no longer be the smallest, which it may
    /// not have been since smaller keys came in.
    fn set_pivot(&mut self, at: usize, pivot: K) {
        self.lower_first(pivot);
        self.move_pivot(at, pivot);
    }

    /// Inserts a child and lowers the first pivot as [`set_pivot`](Inner::set_pivot) does.
    fn add(&mut self, at: usize, pivot: K, child: NodeRef) {
        if at > 0 {
            self.lower_first(pivot);
        }
        self.insert(at, pivot, child);
    }

    /// Lowers the first pivot to `pivot` if it is above it.
    fn lower_first(&mut self, pivot: K) {
        if pivot < self.pivot(0) {
            self.move_pivot(0, pivot);
        }
    }

    /// All children with their pivots.
    fn children(&self) -> Vec<(K, NodeRef)> {
        (0..self.len()).map(|at| (self.pivot(at), self.child(at))).collect()
    }
}
