//! The inner node of a B-tree: few pivots, counted through.

use super::block::Block;
use super::config::Config;
use super::inner::Inner;
use super::node_ref::NodeRef;
use super::search::count_stepped;

/// Pivots and children. Pivots behind the last one are copies of it, so that all can be counted.
#[repr(C, align(64))]
pub(super) struct Branch<C: Config> {
    keys: C::BranchKeys,
    refs: C::BranchRefs,
    len: usize,
}

impl<C: Config> Branch<C> {
    /// A node over one child or more, by ascending pivots.
    pub(super) fn new(children: &[(C::Key, NodeRef)]) -> Self {
        let (last, child) = children[children.len() - 1];
        let mut node = Self {
            keys: C::BranchKeys::filled(last),
            refs: C::BranchRefs::filled(child),
            len: children.len(),
        };
        for (at, (pivot, child)) in children.iter().enumerate() {
            (node.keys.items_mut()[at], node.refs.items_mut()[at]) = (*pivot, *child);
        }
        node
    }
}

impl<C: Config> Inner<C::Key> for Branch<C> {
    #[inline(always)]
    fn pivots(&self) -> &[C::Key] {
        self.keys.items()
    }

    #[inline(always)]
    fn refs(&self) -> &[NodeRef] {
        self.refs.items()
    }

    fn refs_mut(&mut self) -> &mut [NodeRef] {
        self.refs.items_mut()
    }

    fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    fn find(&self, key: C::Key) -> usize {
        count_stepped(self.keys.items(), |pivot| *pivot <= key).min(self.len).saturating_sub(1)
    }

    fn move_pivot(&mut self, at: usize, pivot: C::Key) {
        let end = if at + 1 == self.len { C::BranchKeys::LEN } else { at + 1 };
        self.keys.items_mut()[at..end].fill(pivot);
    }

    fn insert(&mut self, at: usize, pivot: C::Key, child: NodeRef) {
        self.keys.items_mut().copy_within(at..self.len, at + 1);
        self.refs.items_mut().copy_within(at..self.len, at + 1);
        self.len += 1;
        self.refs.items_mut()[at] = child;
        self.move_pivot(at, pivot);
    }
}
