//! Splitting inner nodes, and choosing what kind the pieces become.

use core::ops::Range;

use super::config::{Config, Lengths};
use super::inner::Inner;
use super::leaves::Leaves;
use super::map::HybridMap;
use super::node_ref::{NodeKind, NodeRef};
use super::policy::{InnerFacts, MapPolicy, Verdict};
use super::route::Route;

/// A piece that children will be put into.
pub(super) enum Piece<C: Config> {
    /// A branch over some of them.
    Branch(Range<usize>),
    /// A route over some of them; it is ready.
    Route(Range<usize>, Box<Route<C>>),
}

impl<C: Config, S: Leaves<C>> HybridMap<C, S> {
    /// Replaces the last node of a path, which is full, by others that have room, or, if its parent has no
    /// room for them, makes room there. At most a block's work.
    pub(super) fn split_inner(&mut self, path: &[(NodeRef, usize)]) {
        let Some((&(node, _), above)) = path.split_last() else { return };
        let children = self.inner(node).children();
        let pieces = self.plan(&children);
        if let Some(&(parent, _)) = above.last() {
            let inner = self.inner(parent);
            if inner.len() + pieces.len() - 1 > inner.capacity() {
                return self.split_inner(above);
            }
        }
        self.tally.inner_splits += 1;
        self.free_inner(node);
        let nodes = self.build(&children, pieces);
        self.tally.changed_inner += u64::from(nodes.iter().any(|(_, new)| new.kind() != node.kind()));
        match above.last() {
            Some(&(parent, at)) => {
                let inner = self.inner_mut(parent);
                inner.set_child(at, nodes[0].1);
                for (offset, (pivot, new)) in nodes.iter().enumerate().skip(1) {
                    inner.add(at + offset, *pivot, *new);
                }
            }
            None if nodes.len() == 1 => self.root = nodes[0].1,
            None => self.root = self.add_branch(&nodes),
        }
    }

    /// Puts nodes of one level under inner nodes, level by level, until there is one root.
    pub(super) fn build_up(&mut self, mut level: Vec<(C::Key, NodeRef)>) -> Option<NodeRef> {
        while level.len() > 1 {
            let pieces = self.plan(&level);
            level = self.build(&level, pieces);
        }
        level.first().map(|(_, root)| *root)
    }

    /// Cuts children into pieces that leave a quarter of a node free, in O(children).
    fn plan(&mut self, children: &[(C::Key, NodeRef)]) -> Vec<Piece<C>> {
        let mut pieces = Vec::new();
        for group in evenly(0..children.len(), Lengths::<C>::ROUTE_TARGET) {
            if group.len() <= Lengths::<C>::BRANCH_TARGET {
                pieces.push(Piece::Branch(group));
                continue;
            }
            let route = Box::new(Route::new(&children[group.clone()]));
            let verdict = self.judge(&route);
            self.tally.inner(verdict);
            if verdict.learned {
                pieces.push(Piece::Route(group, route));
            } else {
                pieces.extend(evenly(group, Lengths::<C>::BRANCH_TARGET).map(Piece::Branch));
            }
        }
        pieces
    }

    fn judge(&self, route: &Route<C>) -> Verdict {
        self.policy.inner(&InnerFacts {
            children: route.len(),
            route_fanout: Lengths::<C>::ROUTE,
            branch_fanout: Lengths::<C>::BRANCH_TARGET,
            crowd: route.crowd(),
            key_bytes: size_of::<C::Key>(),
            leaves: self.leaves.count(),
        })
    }

    fn build(&mut self, children: &[(C::Key, NodeRef)], pieces: Vec<Piece<C>>) -> Vec<(C::Key, NodeRef)> {
        let place = |piece| match piece {
            Piece::Branch(range) => {
                let children = &children[range];
                (children[0].0, self.add_branch(children))
            }
            Piece::Route(range, route) => {
                (children[range.start].0, NodeRef::new(NodeKind::Route, self.routes.add(*route)))
            }
        };
        pieces.into_iter().map(place).collect()
    }

    fn free_inner(&mut self, node: NodeRef) {
        if node.kind() == NodeKind::Route {
            self.routes.free(node.index());
        } else {
            self.branches.free(node.index());
        }
    }
}

/// Cuts a range into as few equal parts as possible of at most `most`.
fn evenly(range: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
    let (start, len) = (range.start, range.len());
    let parts = len.div_ceil(most);
    (0..parts).map(move |part| start + len * part / parts..start + len * (part + 1) / parts)
}
