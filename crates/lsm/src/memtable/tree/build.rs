//! Building a tree at once from entries that are sorted already.
//!
//! They come in groups, one behind the other, whose sizes are known. So the place of each leaf is known before it is
//! filled, and threads may fill the leaves of groups beside each other. All nodes but the last of each group, or level,
//! are full.

use super::super::head::Head;
use super::insert::{INNER_BYTES, Inserter, LEAF_BYTES, LEAST_CHUNK_BYTES};
use super::lines::{Full, LINE_BYTES};
use super::node::INNER_LINES;
use super::order::SLOTS;
use super::read::{LEFTMOST, Tree};
use super::search::{Entry, Record};
use super::sync::Ordering::Release;

/// A node, and the record it begins with.
pub(crate) struct Child {
    first: Record,
    node: u32,
}

/// Room for the leaves of a group of entries.
pub(crate) struct LeafRoom {
    leaves: Vec<u32>,
    /// The leaf behind them, if there is one.
    behind: Option<u32>,
}

impl Tree {
    /// The most bytes that a tree takes of so many entries in so many groups, in chunks of `chunk_bytes`.
    pub(crate) fn built_bytes(entries: usize, groups: usize, chunk_bytes: usize) -> usize {
        let mut nodes = (entries.div_ceil(SLOTS) + groups.saturating_sub(1)).max(1);
        let mut bytes = nodes * LEAF_BYTES;
        while nodes > 1 {
            nodes = nodes.div_ceil(SLOTS + 1);
            bytes += nodes * INNER_BYTES;
        }
        // At the end of each chunk there may be too few lines for the next node.
        let wasted = (INNER_LINES - 1) * LINE_BYTES;
        bytes + (bytes / (chunk_bytes.max(LEAST_CHUNK_BYTES) - wasted) + 1) * wasted
    }

    /// Takes room for the leaves of groups of so many entries each, in a tree that is empty. None of them is empty.
    ///
    /// # Errors
    /// [`Full`] if there is not so much.
    pub(crate) fn reserve_leaves(
        &self,
        inserter: &mut Inserter,
        groups: &[usize],
    ) -> Result<Vec<LeafRoom>, Full> {
        let mut rooms: Vec<LeafRoom> = Vec::with_capacity(groups.len());
        let mut next = Some(LEFTMOST);
        for entries in groups {
            let mut leaves = Vec::with_capacity(entries.div_ceil(SLOTS));
            while leaves.len() < entries.div_ceil(SLOTS) {
                leaves.push(match next.take() {
                    Some(leftmost) => leftmost,
                    None => self.reserve_leaf(inserter)?,
                });
            }
            if let Some(before) = rooms.last_mut() {
                before.behind = leaves.first().copied();
            }
            inserter.entries += entries;
            inserter.leaf = leaves.last().copied().unwrap_or(inserter.leaf);
            rooms.push(LeafRoom { leaves, behind: None });
        }
        Ok(rooms)
    }

    /// Fills leaves with the entries of their group, which are in order, each with the head of its key. Groups may be
    /// filled at the same time; nobody reads before [`Tree::build_over`].
    ///
    /// # Errors
    /// [`Full`] if a sequence is out of range.
    pub(crate) fn fill_leaves(
        &self,
        room: LeafRoom,
        mut entries: impl Iterator<Item = (Head, Entry)>,
    ) -> Result<Vec<Child>, Full> {
        let mut filled = Vec::with_capacity(room.leaves.len());
        let mut records = Vec::with_capacity(SLOTS);
        for (rank, &node) in room.leaves.iter().enumerate() {
            records.clear();
            for (head, entry) in entries.by_ref().take(SLOTS) {
                records.push(Record { head, stamp: self.base.stamp(&entry)?, location: entry.location });
            }
            let leaf = self.make_leaf(node);
            leaf.put_all(&records);
            if let Some(next) = room.leaves.get(rank + 1).copied().or(room.behind) {
                leaf.set_link(next);
            }
            filled.extend(records.first().map(|first| Child { first: *first, node }));
        }
        Ok(filled)
    }

    /// Puts the nodes over the leaves of all groups.
    ///
    /// # Errors
    /// [`Full`] if there is no room.
    pub(crate) fn build_over(&self, inserter: &mut Inserter, mut level: Vec<Child>) -> Result<(), Full> {
        let mut levels = 0_u32;
        while level.len() > 1 {
            level = self.build_inner(inserter, &level)?;
            levels += 1;
        }
        if let [Child { node, .. }] = level[..] {
            self.root.store(u64::from(node) << 32 | u64::from(levels), Release);
        }
        Ok(())
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
