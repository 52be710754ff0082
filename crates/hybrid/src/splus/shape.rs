//! How many nodes each level of an S+-tree has, and where they stand.

use crate::Key;

/// Keys of a node: two cache lines of 8-byte keys, one of 4-byte keys.
pub(crate) const NODE_KEYS: usize = 16;
/// Children of an inner node, one more than keys.
pub(super) const CHILDREN: usize = NODE_KEYS + 1;

/// One level: a stretch of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    /// The number of its first node, counted through all levels from the top.
    pub(super) first_node: usize,
    pub(super) node_count: usize,
}

/// All levels over so many separators, from the top down; none for none.
pub(super) fn levels(separators: usize) -> Vec<Level> {
    let mut counts = Vec::new();
    let mut count = separators.div_ceil(NODE_KEYS);
    while count > 0 {
        counts.push(count);
        count = if count == 1 { 0 } else { count.div_ceil(CHILDREN) };
    }
    let levels = counts.into_iter().rev().scan(0, |first_node, node_count| {
        let level = Level { first_node: *first_node, node_count };
        *first_node += node_count;
        Some(level)
    });
    levels.collect()
}

/// Bytes of all nodes over so many separators.
pub(super) fn tree_bytes<K: Key>(levels: &[Level]) -> Option<usize> {
    let nodes = levels.last().map_or(0, |leaves| leaves.first_node + leaves.node_count);
    nodes.checked_mul(NODE_KEYS * K::WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_end_in_one_root() {
        assert_eq!(levels(0), []);
        assert_eq!(levels(16), [Level { first_node: 0, node_count: 1 }]);
        let counts: Vec<usize> = levels(16 * 17 * 17 + 1).iter().map(|level| level.node_count).collect();
        assert_eq!(counts, [1, 2, 18, 290]);
        assert_eq!(tree_bytes::<u32>(&levels(17)), Some(3 * 64));
    }
}
