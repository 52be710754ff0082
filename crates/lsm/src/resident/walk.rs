//! Walking forward over the resident layer for a moment: entries are asked for some steps before they are looked at.

use super::layer::Resident;
use crate::entry::{EntryRef, Sequence};
use crate::memtable::{AHEAD, Head, WalkInMemory};

/// See the module. It begins on the first entry.
#[derive(Debug)]
pub(crate) struct ResidentWalk<'r> {
    resident: &'r Resident,
    at: usize,
}

impl<'r> ResidentWalk<'r> {
    pub(crate) fn new(resident: &'r Resident) -> Self {
        ResidentWalk { resident, at: 0 }
    }

    /// Moves to the first entry at or after `(key, sequence)`; answers whether there is one.
    pub(crate) fn seek(&mut self, key: &[u8], sequence: Sequence) -> bool {
        self.at = self.resident.lower_bound(key, sequence);
        (self.at..self.at + AHEAD).for_each(|number| self.resident.prefetch(number));
        self.at < self.resident.len()
    }
}

impl<'r> WalkInMemory<'r> for ResidentWalk<'r> {
    #[inline(always)]
    fn advance(&mut self) -> bool {
        self.at += 1;
        self.resident.prefetch(self.at + AHEAD - 1);
        self.at < self.resident.len()
    }

    #[inline(always)]
    fn head(&self) -> Head {
        self.resident.head(self.at).unwrap_or_default()
    }

    #[inline(always)]
    fn entry(&self) -> EntryRef<'r> {
        match self.resident.entry(self.at) {
            Some(entry) => entry,
            None => panic!("a walk that stands on no entry was asked for it"),
        }
    }
}
