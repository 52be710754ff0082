//! Walking over a memtable's entries, both ways, while it grows.

use std::sync::Arc;

use super::skip_list::Node;
use super::table::Memtable;
use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Sequence};

/// See the module. It keeps its memtable in memory.
#[derive(Debug)]
pub(crate) struct MemtableCursor {
    memtable: Arc<Memtable>,
    at: Option<Node>,
}

impl MemtableCursor {
    /// A cursor that stands on none.
    pub(crate) fn new(memtable: Arc<Memtable>) -> Self {
        MemtableCursor { memtable, at: None }
    }
}

impl Cursor for MemtableCursor {
    fn seek_first(&mut self) -> Result<bool, Error> {
        self.at = self.memtable.index().first();
        Ok(self.at.is_some())
    }

    fn seek_last(&mut self) -> Result<bool, Error> {
        self.at = self.memtable.index().last();
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
        self.at = self.at.and_then(|node| self.memtable.index().after(node));
        Ok(self.at.is_some())
    }

    fn previous(&mut self) -> Result<bool, Error> {
        self.at = self.at.and_then(|node| {
            let entry = self.memtable.entry(node);
            self.memtable.seek_before(entry.user_key, entry.sequence)
        });
        Ok(self.at.is_some())
    }

    fn entry(&self) -> EntryRef<'_> {
        match self.at {
            Some(node) => self.memtable.entry(node),
            None => panic!("a cursor that stands on no entry was asked for it"),
        }
    }
}
