//! Walking over the resident layer's entries, both ways.

use std::sync::Arc;

use super::layer::Resident;
use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Sequence};

/// See the module. It keeps its layer in memory.
#[derive(Debug)]
pub(crate) struct ResidentCursor {
    resident: Arc<Resident>,
    at: Option<usize>,
}

impl ResidentCursor {
    /// A cursor that stands on none.
    pub(crate) fn new(resident: Arc<Resident>) -> Self {
        ResidentCursor { resident, at: None }
    }

    fn stand(&mut self, at: Option<usize>) -> Result<bool, Error> {
        self.at = at.filter(|at| *at < self.resident.len());
        Ok(self.at.is_some())
    }
}

impl Cursor for ResidentCursor {
    fn seek_first(&mut self) -> Result<bool, Error> {
        self.stand(Some(0))
    }

    fn seek_last(&mut self) -> Result<bool, Error> {
        self.stand(self.resident.len().checked_sub(1))
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        self.stand(Some(self.resident.lower_bound(key, sequence)))
    }

    fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        self.stand(self.resident.lower_bound(key, sequence).checked_sub(1))
    }

    fn next(&mut self) -> Result<bool, Error> {
        self.stand(self.at.map(|at| at + 1))
    }

    fn previous(&mut self) -> Result<bool, Error> {
        self.stand(self.at.and_then(|at| at.checked_sub(1)))
    }

    fn entry(&self) -> EntryRef<'_> {
        match self.at.and_then(|at| self.resident.entry(at)) {
            Some(entry) => entry,
            None => panic!("a cursor that stands on no entry was asked for it"),
        }
    }
}
