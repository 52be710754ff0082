//! The candidate tree over entries in a log.

use stroma_logmem::{Location, Log};

use super::indexes::{KEY_BYTES, Key, OrderedIndex};
use super::tree::{Entry, Target, Tree};
use crate::Outcome;

/// Larger than every sequence.
const ANY_SEQUENCE: u64 = u64::MAX >> 8;

/// The tree, and the log that its locations point into.
pub(super) struct StromaTree {
    tree: Tree,
    log: Log,
}

impl StromaTree {
    pub(super) fn new(entries: u64, log: Log) -> Outcome<StromaTree> {
        let tree = Tree::new(entries as usize * 96 + (1 << 20)).map_err(|_| "too small an index")?;
        Ok(StromaTree { tree, log })
    }

    /// The key of the entry at a location: its first bytes.
    fn key_at(&self, location: u64) -> &[u8] {
        self.log.get(Location::from_bits(location)).get(..KEY_BYTES).unwrap_or(&[])
    }
}

impl OrderedIndex for StromaTree {
    fn log(&self) -> &Log {
        &self.log
    }

    fn insert(&self, key: &Key, sequence: u64, location: u64) -> bool {
        let entry = Entry { location, sequence, kind: 1 };
        self.tree.insert(&Target::new(key, sequence), entry, &|at| self.key_at(at)).is_ok()
    }

    fn newest(&self, key: &Key) -> Option<u64> {
        let found = self.tree.seek(&Target::new(key, ANY_SEQUENCE), &|at| self.key_at(at))?;
        (self.key_at(found.location) == key).then_some(found.location)
    }

    fn scan(&self, start: &Key, limit: usize, visit: &mut dyn FnMut(u64)) {
        let mut left = limit;
        self.tree.walk(&Target::new(start, ANY_SEQUENCE), &|at| self.key_at(at), |entry| {
            visit(entry.location);
            left -= 1;
            left > 0
        });
    }
}
