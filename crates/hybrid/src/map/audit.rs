//! Checks everything that a map relies on, after each phase of a test.

use super::config::{Config, Lengths};
use super::leaf::NO_LEAF;
use super::leaves::Leaves;
use super::map::HybridMap;
use super::node_ref::{NodeKind, NodeRef};
use super::slots::is_gap;
use crate::Key;

/// What a walk through a map has found.
struct Walk<K> {
    leaves: Vec<u32>,
    inner: [usize; 2],
    leaf_depth: Option<usize>,
    entries: usize,
    last_key: Option<K>,
}

impl<C: Config, S: Leaves<C>> HybridMap<C, S> {
    /// Panics if anything is not as it has to be.
    pub(super) fn audit(&self) {
        if self.len == 0 {
            assert_eq!((self.leaves.count(), self.first, self.last), (0, NO_LEAF, NO_LEAF));
            return;
        }
        let mut walk =
            Walk { leaves: Vec::new(), inner: [0; 2], leaf_depth: None, entries: 0, last_key: None };
        self.audit_node(self.root, 0, (None, None), &mut walk);
        assert_eq!(walk.entries, self.len);
        assert_eq!(walk.leaf_depth, Some(self.height() - 1));
        assert_eq!(walk.inner, [self.branches.live(), self.routes.live()], "inner nodes in use");
        assert_eq!((walk.leaves.len(), walk.leaves.len()), (self.leaves.count(), self.heads.live()));
        let mut chain = vec![self.first];
        while self.heads.get(chain[chain.len() - 1]).next != NO_LEAF {
            chain.push(self.heads.get(chain[chain.len() - 1]).next);
            assert!(chain.len() <= walk.leaves.len(), "the chain of leaves ends");
        }
        assert_eq!(chain, walk.leaves);
        assert_eq!(chain.last(), Some(&self.last));
        self.audit_bounds(walk.leaves.len());
    }

    /// The promises on fill, bytes and height.
    fn audit_bounds(&self, leaves: usize) {
        let (least_fill, slots) = (0.66, Lengths::<C>::LEAF as f64);
        let most = self.len as f64 / (least_fill * slots) + 3.0;
        assert!(leaves as f64 <= most, "{leaves} leaves for {} entries\n{}", self.len, self.explain());
        let height = 2.0 + (leaves as f64).log((Lengths::<C>::BRANCH_TARGET / 2) as f64);
        assert!(self.height() as f64 <= height, "{} levels over {leaves} leaves", self.height());
    }

    fn audit_node(
        &self,
        node: NodeRef,
        depth: usize,
        bounds: (Option<C::Key>, Option<C::Key>),
        walk: &mut Walk<C::Key>,
    ) {
        if node.kind().is_leaf() {
            assert_eq!(*walk.leaf_depth.get_or_insert(depth), depth, "leaves are equally deep");
            return self.audit_leaf(node, bounds, walk);
        }
        walk.inner[usize::from(node.kind() == NodeKind::Route)] += 1;
        let inner = self.inner(node);
        let children = inner.children();
        assert!(children.len() <= inner.capacity());
        assert!(
            depth == 0 || children.len() >= Lengths::<C>::BRANCH_TARGET / 2,
            "{} children",
            children.len()
        );
        assert!(children.is_sorted_by_key(|(pivot, _)| *pivot));
        assert!(children.iter().skip(1).is_sorted_by(|a, b| a.0 < b.0));
        for (at, (pivot, child)) in children.iter().enumerate() {
            let found = inner.find(*pivot);
            // The first two pivots may be equal.
            assert!(found == at || (at == 0 && children[found].0 == *pivot));
            let low = if at == 0 { bounds.0 } else { Some(*pivot) };
            let high = children.get(at + 1).map_or(bounds.1, |(pivot, _)| Some(*pivot));
            self.audit_node(*child, depth + 1, (low, high), walk);
        }
    }

    fn audit_leaf(
        &self,
        node: NodeRef,
        (low, high): (Option<C::Key>, Option<C::Key>),
        walk: &mut Walk<C::Key>,
    ) {
        let keys = self.leaves.slots(node.index()).0;
        let head = self.heads.get(node.index());
        assert!(keys.is_sorted(), "{keys:?}");
        let slots: Vec<usize> = (0..keys.len()).filter(|slot| !is_gap(keys, *slot)).collect();
        assert_eq!((slots.len(), slots[0]), (head.len(), 0));
        assert!(node.kind() == NodeKind::Gapped || slots.iter().copied().eq(0..slots.len()));
        assert!(low.is_none_or(|low| low <= keys[0]) && high.is_none_or(|high| keys[keys.len() - 1] < high));
        assert!(walk.last_key.is_none_or(|last| last < keys[0]));
        for slot in slots {
            assert_eq!(self.leaf_of(keys[slot]), node);
            assert_eq!(self.locate(keys[slot]), Some((node.index(), slot)));
            if let Some(above) = keys[slot].successor() {
                let expected = slot + keys[slot..].iter().filter(|key| **key < above).count();
                if high.is_none_or(|high| above < high) {
                    assert_eq!(self.seek(above), (node.index(), expected));
                }
            }
        }
        walk.last_key = Some(keys[keys.len() - 1]);
        walk.leaves.push(node.index());
        walk.entries += head.len();
    }
}
