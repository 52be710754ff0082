//! Counts, for many sets at once, how often each colour occurs in them, query by query.
//!
//! What a set weighs is handed down from pairs to their nodes, and added up where nodes meet again:
//! neighbouring k-mers' sets differ in a few chunks and share the nodes of all others. So a query comes to the
//! leaves of each chunk that it met, each with a weight. They are decoded chunk by chunk, each once for all queries,
//! and added to [upright counters](super::counters).

use super::counters::Counters;
use super::table::{Chunk, ColourTable, MOST_DEEP};

/// How often a query met a set: the set in the upper half of a word, the query in the lower; and the number.
pub(crate) type Met = (u64, u32);

/// A leaf that a query met.
#[derive(Clone, Copy)]
struct MetLeaf {
    leaf: u32,
    query: u32,
    times: u32,
}

/// Sets times chunks that are handed down at once: it bounds the memory.
const NODES_AT_ONCE: usize = 1 << 20;

fn query_of(met: &Met) -> u32 {
    met.0 as u32
}

impl ColourTable<'_> {
    /// Hands out how often queries met colours: the colour, the query and the number. The same colour and query may
    /// be handed out several times. `None` if sets or bytes make no sense.
    pub(in crate::layer) fn weigh(
        &self,
        mut met: Vec<Met>,
        mut take: impl FnMut(u32, u32, u32),
    ) -> Option<()> {
        // Those of a query together: they share nodes.
        met.sort_unstable_by_key(|(key, _)| key.rotate_left(32));
        let at_once = (NODES_AT_ONCE / self.chunks().len()).max(1);
        let mut leaves: Vec<Vec<MetLeaf>> = vec![Vec::new(); self.chunks().len()];
        for met in met.chunks(at_once) {
            let mut most = 0;
            for of_query in met.chunk_by(|one, other| query_of(one) == query_of(other)) {
                most = most.max(of_query.iter().map(|&(_, times)| u64::from(times)).sum());
                self.hand_down(of_query, &mut leaves)?;
            }
            for (number, (chunk, leaves)) in self.chunks().iter().zip(&mut leaves).enumerate() {
                if !leaves.is_empty() {
                    self.weigh_leaves(number, chunk, leaves, most, &mut take)?;
                    leaves.clear();
                }
            }
        }
        Some(())
    }

    /// Adds the leaves of what one query met to those of each chunk.
    fn hand_down(&self, met: &[Met], leaves: &mut [Vec<MetLeaf>]) -> Option<()> {
        let query = met.first().map_or(0, query_of);
        // Nodes in the upper halves, how often they were met in the lower.
        let mut nodes = Vec::with_capacity(met.len());
        for &(key, times) in met {
            nodes.push(u64::from(self.root((key >> 32) as u32)?) << 32 | u64::from(times));
        }
        // One more, in which the leaves of the deepest are found to have nothing below.
        for _ in 0..=MOST_DEEP + 1 {
            if nodes.is_empty() {
                return Some(());
            }
            add_up(&mut nodes);
            let (mut below, mut chunk, chunks) = (Vec::with_capacity(2 * nodes.len()), 0, self.chunks());
            for &met in &nodes {
                let (node, times) = ((met >> 32) as u32, met as u32);
                if let Some(pair) = node.checked_sub(self.leaves()) {
                    let (left, right) = self.pair(pair)?;
                    below.extend([left, right].map(|node| u64::from(node) << 32 | u64::from(times)));
                    continue;
                }
                // Leaves ascend, and with them their chunks.
                while node - chunks[chunk].first_leaf >= chunks[chunk].leaves {
                    chunk += 1;
                }
                leaves[chunk].push(MetLeaf { leaf: node - chunks[chunk].first_leaf, query, times });
            }
            nodes = below;
        }
        None
    }

    /// Counts what queries met of a chunk, none of them more than `most` sets.
    fn weigh_leaves(
        &self,
        number: usize,
        chunk: &Chunk,
        leaves: &[MetLeaf],
        most: u64,
        take: &mut impl FnMut(u32, u32, u32),
    ) -> Option<()> {
        let mut decoder = self.decoder(number)?;
        let mut counters = Counters::new(chunk.set_words(), most);
        for of_query in leaves.chunk_by(|one, other| one.query == other.query) {
            for met in of_query {
                counters.add(decoder.set(met.leaf)?, met.times);
            }
            let query = of_query[0].query;
            counters.hand_out(|colour, times| take(chunk.first_colour + colour, query, times));
        }
        Some(())
    }
}

/// Sorts nodes, and adds up how often they were met where they are there several times.
fn add_up(nodes: &mut Vec<u64>) {
    nodes.sort_unstable();
    nodes.dedup_by(|next, kept| {
        let is_same = *next >> 32 == *kept >> 32;
        if is_same {
            *kept = *kept & !u64::from(u32::MAX) | u64::from((*kept as u32).wrapping_add(*next as u32));
        }
        is_same
    });
}
