//! Counts, for many sets at once, how often each colour occurs in them: each leaf is decoded once, whatever
//! the number of sets that it is part of.
//!
//! What a set weighs is handed down from pairs to their nodes, and added up where nodes meet again:
//! neighbouring k-mers' sets differ in a few chunks and share the nodes of all others.

use super::set::ColourSet;
use super::table::{ColourTable, MOST_DEEP, Node};

/// How often a node was met by a query: the node in the upper half of a word, the query in the lower; and the
/// number.
type Weighed = (u64, u32);

/// Sets times chunks that are handed down at once: it bounds the memory.
const NODES_AT_ONCE: usize = 1 << 20;

impl ColourTable<'_> {
    /// Hands out what queries met: different sets of some colours, each with the first colour's number, and
    /// how often each query met it. `found` has sets in the upper halves and queries in the lower. `None` if
    /// sets or bytes make no sense.
    pub(in crate::layer) fn weigh(
        &self,
        found: &mut [u64],
        mut take: impl FnMut(u32, &ColourSet, &mut dyn Iterator<Item = (u32, u32)>),
    ) -> Option<()> {
        let mut at_once = found.len();
        if !self.is_flat() {
            // Those of a query together: they share nodes.
            found.sort_unstable_by_key(|met| met.rotate_left(32));
            at_once = (NODES_AT_ONCE / self.chunks().len()).max(1);
        }
        found.chunks_mut(at_once.max(1)).try_for_each(|found| {
            found.sort_unstable();
            self.weigh_leaves(&self.leaves_of(found)?, &mut take)
        })
    }

    /// How often each leaf of the sets was met, ascending.
    fn leaves_of(&self, found: &[u64]) -> Option<Vec<Weighed>> {
        let mut met = Vec::new();
        for same in found.chunk_by(|a, b| a == b) {
            let node = self.root((same[0] >> 32) as u32)?;
            met.push((u64::from(node) << 32 | same[0] & u64::from(u32::MAX), same.len() as u32));
        }
        if self.is_flat() {
            return Some(met);
        }
        let mut leaves = Vec::new();
        for _ in 0..=MOST_DEEP {
            if met.is_empty() {
                add_up(&mut leaves);
                return Some(leaves);
            }
            let mut below = Vec::with_capacity(2 * met.len());
            for (key, weight) in met {
                let query = key & u64::from(u32::MAX);
                match self.node((key >> 32) as u32)? {
                    Node::Leaf { .. } => leaves.push((key, weight)),
                    Node::Pair(left, right) => {
                        below.extend([left, right].map(|node| (u64::from(node) << 32 | query, weight)));
                    }
                }
            }
            add_up(&mut below);
            met = below;
        }
        None
    }

    fn weigh_leaves(
        &self,
        leaves: &[Weighed],
        take: &mut impl FnMut(u32, &ColourSet, &mut dyn Iterator<Item = (u32, u32)>),
    ) -> Option<()> {
        let mut rest = leaves;
        for (number, chunk) in self.chunks().iter().enumerate() {
            let end = u64::from(chunk.first_leaf) + u64::from(chunk.leaves);
            let own;
            (own, rest) = rest.split_at(rest.partition_point(|&(key, _)| key >> 32 < end));
            if own.is_empty() {
                continue;
            }
            let mut decoder = self.decoder(number)?;
            for same in own.chunk_by(|a, b| a.0 >> 32 == b.0 >> 32) {
                let leaf = (same[0].0 >> 32) as u32 - chunk.first_leaf;
                let mut queries = same.iter().map(|&(key, weight)| (key as u32, weight));
                take(chunk.first_colour, decoder.set(leaf)?, &mut queries);
            }
        }
        Some(())
    }
}

/// Sorts what was met, and adds up what was met several times.
fn add_up(met: &mut Vec<Weighed>) {
    met.sort_unstable_by_key(|&(key, _)| key);
    met.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            kept.1 = kept.1.wrapping_add(next.1);
        }
        is_same
    });
}
