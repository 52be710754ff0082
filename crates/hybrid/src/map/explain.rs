//! Says in words what a map is made of, why, and what it did.

use core::fmt::Write;

use super::config::{Config, Lengths};
use super::leaves::Leaves;
use super::map::HybridMap;
use super::node_ref::{NodeKind, NodeRef};
use super::tally::Chosen;

impl<C: Config, S: Leaves<C>> HybridMap<C, S> {
    /// How many inner nodes lie between the root and an entry, and the leaf.
    pub fn height(&self) -> usize {
        let (mut node, mut height) = (self.root, usize::from(self.len > 0));
        while !node.kind().is_leaf() {
            node = self.inner(node).child(0);
            height += 1;
        }
        height
    }

    /// Describes the levels from the top down, how the kinds of nodes were chosen, and what inserts led to, in
    /// O(nodes).
    pub fn explain(&self) -> String {
        let bytes = self.memory_bytes();
        let mut text = format!(
            "{} keys of {} bytes with values of {} bytes in {bytes} bytes",
            self.len,
            size_of::<C::Key>(),
            size_of::<C::Value>(),
        );
        // Writing into a string cannot fail.
        if self.len > 0 {
            let _ = write!(text, " ({:.2} each)", bytes as f64 / self.len as f64);
            self.explain_levels(&mut text);
        }
        let tally = &self.tally;
        explain_choice(&mut text, "gapped leaf", tally.gapped, "packed");
        explain_choice(&mut text, "packed leaf", tally.packed, "gapped");
        explain_choice(&mut text, "route", tally.route, "branches");
        explain_choice(&mut text, "branches", tally.branch, "a route");
        let _ = write!(
            text,
            "\nleaves: {} splits, {} begun at an end, {} shared with neighbours, {} retrained, {} changed \
             kind\ninner nodes: {} splits, {} of them changed kind",
            tally.leaf_splits,
            tally.end_leaves,
            tally.spreads,
            tally.retrained,
            tally.changed_leaves,
            tally.inner_splits,
            tally.changed_inner,
        );
        text
    }

    /// The children of some inner nodes.
    pub(super) fn below(&self, level: &[NodeRef]) -> Vec<NodeRef> {
        let children = |node| {
            let inner = self.inner(node);
            (0..inner.len()).map(move |at| inner.child(at))
        };
        level.iter().flat_map(|node| children(*node)).collect()
    }

    fn explain_levels(&self, text: &mut String) {
        let mut level = vec![self.root];
        for depth in 0.. {
            let counts = NodeKind::ALL.map(|kind| (kind, level.iter().filter(|n| n.kind() == kind).count()));
            let _ = write!(text, "\nlevel {depth}:");
            for (kind, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
                let _ = write!(text, " {count} {},", kind.name());
            }
            if level[0].kind().is_leaf() {
                let fill = 100.0 * self.len as f64 / (level.len() * Lengths::<C>::LEAF) as f64;
                let _ = write!(text, " {fill:.0} % full");
                return;
            }
            let next = self.below(&level);
            let _ = write!(text, " {} children", next.len());
            level = next;
        }
    }
}

fn explain_choice(text: &mut String, name: &str, chosen: Chosen, rival: &str) {
    if chosen.times == 0 {
        return;
    }
    let mean = |sum: u64| sum as f64 / chosen.times as f64 / 1000.0;
    let _ = write!(text, "\n{name}: written {} times", chosen.times);
    if chosen.cost + chosen.rival == 0 {
        let _ = write!(text, ", as the policy always does");
    } else {
        let (cost, rival_cost) = (mean(chosen.cost), mean(chosen.rival));
        let _ = write!(text, ", estimated {cost:.1} ns, {rival} {rival_cost:.1} ns");
    }
}
