//! Walking over a memtable's entries, both ways, while it grows.

use std::sync::Arc;

use super::table::Memtable;
use super::tree::Place;
use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Sequence};

/// See the module. It keeps its memtable in memory.
#[derive(Debug)]
pub(crate) struct MemtableCursor {
    memtable: Arc<Memtable>,
    at: Option<Place>,
}

impl MemtableCursor {
    /// A cursor that stands on none.
    pub(crate) fn new(memtable: Arc<Memtable>) -> Self {
        MemtableCursor { memtable, at: None }
    }
}

impl Cursor for MemtableCursor {
    fn seek_first(&mut self) -> Result<bool, Error> {
        self.at = self.memtable.first();
        Ok(self.at.is_some())
    }

    fn seek_last(&mut self) -> Result<bool, Error> {
        self.at = self.memtable.last();
        Ok(self.at.is_some())
    }

    fn seek(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        self.at = self.memtable.seek(key, sequence);
        Ok(self.at.is_some())
    }

    fn seek_before(&mut self, key: &[u8], sequence: Sequence) -> Result<bool, Error> {
        self.at = self.memtable.seek_before(key, sequence);
        Ok(self.at.is_some())
    }

    fn next(&mut self) -> Result<bool, Error> {
        self.at = self.at.and_then(|place| self.memtable.after(&place));
        Ok(self.at.is_some())
    }

    fn previous(&mut self) -> Result<bool, Error> {
        self.at = self.at.and_then(|place| self.memtable.before(&place));
        Ok(self.at.is_some())
    }

    fn entry(&self) -> EntryRef<'_> {
        match &self.at {
            Some(place) => self.memtable.entry(place),
            None => panic!("a cursor that stands on no entry was asked for it"),
        }
    }
}
