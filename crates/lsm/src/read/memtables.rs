//! The memtables, and the resident layer below them, at one moment.

use std::sync::Arc;

use crate::memtable::Memtable;
use crate::resident::Resident;

/// The memtable that is being filled and those that wait to be flushed. Never changed, only replaced.
#[derive(Debug, Clone)]
pub(crate) struct MemtableList {
    /// Takes the commits.
    pub(crate) active: Arc<Memtable>,
    /// Full ones, newest first.
    pub(crate) sealed: Vec<Arc<Memtable>>,
    /// What stays in memory of older ones, if anything.
    pub(crate) resident: Option<Arc<Resident>>,
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
        MemtableList { active: next, sealed, resident: self.resident.clone() }
    }

    /// The list without the oldest sealed one.
    pub(crate) fn without_oldest(&self) -> Self {
        let mut list = self.clone();
        list.sealed.pop();
        list
    }

    /// The list with another resident layer.
    pub(crate) fn with_resident(&self, resident: Option<Arc<Resident>>) -> Self {
        let resident = resident.filter(|resident| !resident.segments().is_empty());
        MemtableList { resident, ..self.clone() }
    }

    /// Bytes of entries and of indexes of the resident layer.
    pub(crate) fn resident_bytes(&self) -> (usize, usize) {
        self.resident.as_ref().map_or((0, 0), |resident| (resident.entry_bytes(), resident.index_bytes()))
    }

    /// Bytes of entries and of indexes of the memtables.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        self.newest_first().fold((0, 0), |(entries, index), memtable| {
            (entries + memtable.entry_bytes(), index + memtable.index_bytes())
        })
    }
}
