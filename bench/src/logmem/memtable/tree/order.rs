//! The tree: its shape, and how readers go through it.
//!
//! Leaves form a list. A reader may come to a leaf that was split since it read the parent; it then goes on to
//! the next one. The inserter links a new leaf before it makes the old one shorter, so that no entry is ever
//! out of sight.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Acquire;

use super::node::{INNER_WORDS, KeyAt, LEAF_WORDS, Node, SLOTS, WasSplit};
use super::words::Words;
use super::write::Inserter;

/// What a tree has of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(in super::super) struct Entry {
    pub(in super::super) location: u64,
    /// Below 2^56.
    pub(in super::super) sequence: u64,
    pub(in super::super) kind: u8,
}

/// A key and a sequence to look for, the key's head taken off once. Larger sequences of a key come first.
#[derive(Clone, Copy)]
pub(in super::super) struct Target<'a> {
    pub(super) head: (u64, u32),
    pub(super) key: &'a [u8],
    pub(super) sequence: u64,
}

impl<'a> Target<'a> {
    pub(in super::super) fn new(key: &'a [u8], sequence: u64) -> Target<'a> {
        let mut head = [0; 16];
        let taken = key.len().min(12);
        head[..taken].copy_from_slice(&key[..taken]);
        let head = u128::from_be_bytes(head);
        Target { head: ((head >> 64) as u64, (head >> 32) as u32), key, sequence }
    }
}

/// An ordered index with one inserter at a time and readers that never wait.
pub(in super::super) struct Tree {
    pub(super) words: Words,
    /// The root in the upper 32 bits and the number of levels of inner nodes below.
    pub(super) root: AtomicU64,
    pub(super) inserter: Mutex<Inserter>,
}

impl Tree {
    #[inline]
    pub(super) fn leaf(&self, at: u32) -> Option<Node<'_>> {
        self.words.node::<LEAF_WORDS>(at).map(|words| Node(words))
    }

    #[inline]
    pub(super) fn inner(&self, at: u32) -> Option<Node<'_>> {
        self.words.node::<INNER_WORDS>(at).map(|words| Node(words))
    }

    /// The leaf in which `target` is, or one before it.
    #[inline]
    fn find_leaf(&self, target: &Target<'_>, key_at: &KeyAt<'_>) -> Result<u32, WasSplit> {
        let root = self.root.load(Acquire);
        let mut at = (root >> 32) as u32;
        for _ in 0..root as u32 {
            let Some(node) = self.inner(at) else { return Err(WasSplit) };
            let (order, reused) = node.order();
            let rank = node.rank(order, target, key_at, true);
            let child = if rank == 0 { node.link() } else { node.child(order.slot(rank - 1)) };
            node.check(reused)?;
            at = child;
        }
        Ok(at)
    }

    /// The first entry at or after `target`.
    pub(in super::super) fn seek(&self, target: &Target<'_>, key_at: &KeyAt<'_>) -> Option<Entry> {
        let mut found = None;
        self.walk(target, key_at, |entry| {
            found = Some(entry);
            false
        });
        found
    }

    /// Visits entries in order from the first at or after `target`, until `visit` answers false.
    pub(in super::super) fn walk(
        &self,
        target: &Target<'_>,
        key_at: &KeyAt<'_>,
        mut visit: impl FnMut(Entry) -> bool,
    ) {
        let mut last: Option<Entry> = None;
        loop {
            // After a split under it the walk goes on behind the last entry that it has visited.
            let resumed = last.map(|entry| Target::new(key_at(entry.location), entry.sequence));
            let from = resumed.as_ref().unwrap_or(target);
            let Ok(mut at) = self.find_leaf(from, key_at) else { continue };
            while at != 0 {
                let resumed = last.map(|entry| Target::new(key_at(entry.location), entry.sequence));
                let from = resumed.as_ref().unwrap_or(target);
                let mut entries = [Entry::default(); SLOTS];
                let Ok((count, next)) = self.copy_leaf(at, from, last.is_some(), key_at, &mut entries) else {
                    break;
                };
                for entry in &entries[..count] {
                    if !visit(*entry) {
                        return;
                    }
                    last = Some(*entry);
                }
                at = next;
                if at == 0 {
                    return;
                }
            }
        }
    }

    /// Copies the entries of a leaf from `from` on (or after it); how many there are, and the next leaf.
    #[inline]
    fn copy_leaf(
        &self,
        at: u32,
        from: &Target<'_>,
        after: bool,
        key_at: &KeyAt<'_>,
        entries: &mut [Entry; SLOTS],
    ) -> Result<(usize, u32), WasSplit> {
        let Some(leaf) = self.leaf(at) else { return Err(WasSplit) };
        let (order, reused) = leaf.order();
        let rank = leaf.rank(order, from, key_at, after);
        for (position, entry) in (rank..order.len()).zip(entries.iter_mut()) {
            *entry = leaf.entry(order.slot(position));
        }
        let next = leaf.link();
        leaf.check(reused)?;
        Ok((order.len() - rank, next))
    }
}
