//! The memtables at one moment.

use std::sync::Arc;

use crate::memtable::Memtable;

/// The memtable that is being filled and those that wait to be flushed. Never changed, only replaced.
#[derive(Debug, Clone)]
pub(crate) struct MemtableList {
    /// Takes the commits.
    pub(crate) active: Arc<Memtable>,
    /// Full ones, newest first.
    pub(crate) sealed: Vec<Arc<Memtable>>,
}

impl MemtableList {
    /// All of them, newest first.
    pub(crate) fn newest_first(&self) -> impl DoubleEndedIterator<Item = &Arc<Memtable>> {
        std::iter::once(&self.active).chain(&self.sealed)
    }

    /// The list after the active one was sealed and `next` took its place.
    pub(crate) fn sealing_active(&self, next: Arc<Memtable>) -> Self {
        let mut sealed = Vec::with_capacity(self.sealed.len() + 1);
        sealed.push(self.active.clone());
        sealed.extend(self.sealed.iter().cloned());
        MemtableList { active: next, sealed }
    }

    /// The list without the oldest sealed one.
    pub(crate) fn without_oldest(&self) -> Self {
        let mut list = self.clone();
        list.sealed.pop();
        list
    }

    /// Bytes of entries and of indexes.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        self.newest_first().fold((0, 0), |(entries, index), memtable| {
            (entries + memtable.entry_bytes(), index + memtable.index_bytes())
        })
    }
}
