//! Building a tree at once from entries that are sorted already: all nodes but the last of each level are full.

use super::super::head::Head;
use super::insert::{INNER_BYTES, Inserter, LEAF_BYTES, LEAST_CHUNK_BYTES};
use super::lines::{Full, LINE_BYTES};
use super::node::INNER_LINES;
use super::order::SLOTS;
use super::read::{LEFTMOST, Tree};
use super::search::{Entry, Record};
use super::sync::Ordering::Release;

/// A node, and the record it begins with.
struct Child {
    first: Record,
    node: u32,
}

impl Tree {
    /// The most bytes that a tree of so many entries takes that is built at once, in chunks of `chunk_bytes`.
    pub(crate) fn built_bytes(entries: usize, chunk_bytes: usize) -> usize {
        let mut nodes = entries.div_ceil(SLOTS).max(1);
        let mut bytes = nodes * LEAF_BYTES;
        while nodes > 1 {
            nodes = nodes.div_ceil(SLOTS + 1);
            bytes += nodes * INNER_BYTES;
        }
        // At the end of each chunk there may be too few lines for the next node.
        let wasted = (INNER_LINES - 1) * LINE_BYTES;
        bytes + (bytes / (chunk_bytes.max(LEAST_CHUNK_BYTES) - wasted) + 1) * wasted
    }

    /// A tree of `entries`, which are in order, each with the head of its key, and an inserter that goes on with it.
    /// The limits are those of [`Tree::new`]. Time linear in the number of entries.
    ///
    /// # Errors
    /// [`Full`] if there is no room, or a sequence is out of range.
    pub(crate) fn build(
        (max_bytes, chunk_bytes): (usize, usize),
        base: u64,
        entries: impl ExactSizeIterator<Item = (Head, Entry)>,
    ) -> Result<(Tree, Inserter), Full> {
        let (tree, mut inserter) = Tree::new(max_bytes, chunk_bytes, base)?;
        let mut level = tree.build_leaves(&mut inserter, entries)?;
        let mut levels = 0_u32;
        while level.len() > 1 {
            level = tree.build_inner(&mut inserter, &level)?;
            levels += 1;
        }
        if let [Child { node, .. }] = level[..] {
            tree.root.store(u64::from(node) << 32 | u64::from(levels), Release);
        }
        Ok((tree, inserter))
    }

    fn build_leaves(
        &self,
        inserter: &mut Inserter,
        mut entries: impl ExactSizeIterator<Item = (Head, Entry)>,
    ) -> Result<Vec<Child>, Full> {
        let mut leaves: Vec<Child> = Vec::with_capacity(entries.len().div_ceil(SLOTS));
        let mut records = Vec::with_capacity(SLOTS);
        inserter.entries = entries.len();
        loop {
            records.clear();
            for (head, entry) in entries.by_ref().take(SLOTS) {
                records.push(Record { head, stamp: self.base.stamp(&entry)?, location: entry.location });
            }
            let Some(first) = records.first().copied() else {
                return Ok(leaves);
            };
            let node = match leaves.last() {
                None => LEFTMOST,
                Some(before) => {
                    let (at, _) = self.new_leaf(inserter)?;
                    self.leaf(before.node).set_link(at);
                    at
                }
            };
            self.leaf(node).put_all(&records);
            inserter.leaf = node;
            leaves.push(Child { first, node });
        }
    }

    /// Puts nodes over those of one level, of which there are at least two.
    fn build_inner(&self, inserter: &mut Inserter, mut below: &[Child]) -> Result<Vec<Child>, Full> {
        let mut level = Vec::with_capacity(below.len().div_ceil(SLOTS + 1));
        while let [first, ..] = below {
            // No node gets a single child.
            let most = if below.len() == SLOTS + 2 { SLOTS } else { SLOTS + 1 };
            let (children, rest) = below.split_at(most.min(below.len()));
            let (at, node) = self.new_inner(inserter)?;
            node.set_link(first.node);
            for (rank, child) in children[1..].iter().enumerate() {
                node.put(rank, &child.first, child.node);
            }
            level.push(Child { first: first.first, node: at });
            below = rest;
        }
        Ok(level)
    }
}
