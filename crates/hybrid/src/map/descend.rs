//! The way from the root to a leaf.

use super::config::{Config, Lengths};
use super::inner::Inner;
use super::leaf::{lower_bound, window_around};
use super::leaves::Leaves;
use super::map::HybridMap;
use super::node_ref::{NodeKind, NodeRef};
use crate::processor::prefetch;

/// The inner nodes above a leaf, from the root down, each with the number of the child that was taken.
pub(super) type Path = Vec<(NodeRef, usize)>;

impl<C: Config, S: Leaves<C>> HybridMap<C, S> {
    /// The leaf a key belongs to. The map must not be empty.
    #[inline(always)]
    pub(super) fn leaf_of(&self, key: C::Key) -> NodeRef {
        let mut node = self.root;
        loop {
            node = match node.kind() {
                NodeKind::Branch => {
                    let branch = self.branches.get(node.index());
                    branch.child(branch.find(key))
                }
                NodeKind::Route => {
                    let route = self.routes.get(node.index());
                    let at = route.find(key);
                    let child = route.child(at);
                    if child.kind() == NodeKind::Gapped {
                        self.ask_for(child.index(), route.share_of(at, key));
                    }
                    child
                }
                NodeKind::Packed | NodeKind::Gapped => return node,
            }
        }
    }

    /// Asks for the slots of a leaf around this share of it, while its head, which knows better, is under way.
    #[inline(always)]
    fn ask_for(&self, leaf: u32, share: f64) {
        let slot = (share * Lengths::<C>::LEAF as f64) as usize;
        let (keys, values) = self.leaves.slots(leaf);
        prefetch(&keys[window_around::<C>(slot)]);
        prefetch(&values[slot.min(Lengths::<C>::LEAF - 1)..][..1]);
    }

    /// Leaf and slot of the first entry whose key is not below `key`; the slot may be one beyond the leaf's
    /// last. The map must not be empty.
    #[inline(always)]
    pub(super) fn seek(&self, key: C::Key) -> (u32, usize) {
        let node = self.leaf_of(key);
        let leaf = node.index();
        (leaf, lower_bound::<C>(self.leaves.slots(leaf), node.kind(), self.heads.get(leaf), key))
    }

    /// Leaf and slot of a key's entry.
    #[inline(always)]
    pub(super) fn locate(&self, key: C::Key) -> Option<(u32, usize)> {
        if self.len == 0 {
            return None;
        }
        let (leaf, slot) = self.seek(key);
        (self.leaves.slots(leaf).0.get(slot) == Some(&key)).then_some((leaf, slot))
    }

    /// The leaf a key belongs to, and the way to it. The map must not be empty.
    pub(super) fn path_to(&self, key: C::Key) -> (Path, NodeRef) {
        let mut path = Path::new();
        let mut node = self.root;
        while !node.kind().is_leaf() {
            let inner = self.inner(node);
            let at = inner.find(key);
            path.push((node, at));
            node = inner.child(at);
        }
        (path, node)
    }

    /// An inner node of either kind.
    pub(super) fn inner(&self, node: NodeRef) -> &dyn Inner<C::Key> {
        if node.kind() == NodeKind::Route {
            self.routes.get(node.index())
        } else {
            self.branches.get(node.index())
        }
    }

    /// An inner node of either kind, to be changed.
    pub(super) fn inner_mut(&mut self, node: NodeRef) -> &mut dyn Inner<C::Key> {
        if node.kind() == NodeKind::Route {
            self.routes.get_mut(node.index())
        } else {
            self.branches.get_mut(node.index())
        }
    }

    /// Puts a node where the way ends that has taken the last step of `path`: under the parent, or as root.
    pub(super) fn replace(&mut self, path: &[(NodeRef, usize)], node: NodeRef) {
        match path.last() {
            Some(&(parent, at)) => self.inner_mut(parent).set_child(at, node),
            None => self.root = node,
        }
    }
}
