//! Walking forward over a memtable for a moment: entries are asked for some steps before they are looked at.
//!
//! Entries that are neighbours in the order of keys were mostly written at different times and lie apart, so that each
//! is a wait for memory. A leaf of the index tells where the next few lie.

use stroma_logmem::Location;

use super::Memtable;
use super::head::Head;
use super::tree::{Entry, LeafEntries};
use crate::entry::{EntryRef, Sequence};

/// So many entries are asked for ahead.
pub(crate) const AHEAD: usize = 5;

/// What walks over entries in memory have in common.
pub(crate) trait WalkInMemory<'m> {
    /// Moves to the next entry; answers whether there is one.
    fn advance(&mut self) -> bool;

    /// The head of the key of the entry it stands on, which is not touched.
    fn head(&self) -> Head;

    /// The entry it stands on.
    fn entry(&self) -> EntryRef<'m>;
}

/// See the module. It begins on no entry.
#[derive(Debug)]
pub(crate) struct MemtableWalk<'m> {
    memtable: &'m Memtable,
    leaf: LeafEntries,
    at: usize,
}

impl<'m> MemtableWalk<'m> {
    pub(crate) fn new(memtable: &'m Memtable) -> Self {
        MemtableWalk { memtable, leaf: LeafEntries::default(), at: 0 }
    }

    /// Moves to the first entry at or after `(key, sequence)`; answers whether there is one.
    pub(crate) fn seek(&mut self, key: &[u8], sequence: Sequence) -> bool {
        let memtable = self.memtable;
        let is_on = memtable.index().seek_leaf(&memtable.keys(), key, sequence, &mut self.leaf);
        self.begin_leaf();
        is_on
    }

    fn begin_leaf(&mut self) {
        self.at = 0;
        self.leaf.as_slice().iter().take(AHEAD).for_each(|entry| self.prefetch(entry));
    }

    #[inline]
    fn prefetch(&self, (_, entry): &(Head, Entry)) {
        self.memtable.entries().prefetch(Location::from_bits(entry.location));
    }

    #[inline]
    fn present(&self) -> &(Head, Entry) {
        match self.leaf.as_slice().get(self.at) {
            Some(present) => present,
            None => panic!("a walk that stands on no entry was asked for it"),
        }
    }
}

impl<'m> WalkInMemory<'m> for MemtableWalk<'m> {
    #[inline(always)]
    fn advance(&mut self) -> bool {
        self.at += 1;
        let entries = self.leaf.as_slice();
        if self.at < entries.len() {
            entries.get(self.at + AHEAD - 1).into_iter().for_each(|entry| self.prefetch(entry));
            return true;
        }
        let memtable = self.memtable;
        let is_on = memtable.index().next_leaf(&memtable.keys(), &mut self.leaf);
        self.begin_leaf();
        is_on
    }

    #[inline(always)]
    fn head(&self) -> Head {
        self.present().0
    }

    #[inline(always)]
    fn entry(&self) -> EntryRef<'m> {
        self.memtable.entry_of(&self.present().1)
    }
}
