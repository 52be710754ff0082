//! The index of the engine's memtable, taken from its own source, as it is private there.

use std::sync::Mutex;

use stroma_logmem::{Location, Log};

use super::indexes::{KEY_BYTES, Key, OrderedIndex};
use crate::Outcome;
use tree::{Entry, Inserter, Keys, Tree};

#[allow(dead_code, missing_docs, reason = "the engine's file, of which a part is used here")]
#[path = "../../../../crates/lsm/src/memtable/head.rs"]
mod head;
#[allow(dead_code, missing_docs, unexpected_cfgs, unused_imports, reason = "the engine's, as above")]
#[path = "../../../../crates/lsm/src/memtable/tree/mod.rs"]
mod tree;

/// The engine's choice for 64 MiB of memtables.
const CHUNK_BYTES: usize = 256 << 10;
/// Larger than every sequence.
const ANY_SEQUENCE: u64 = u64::MAX >> 8;

/// The tree and its inserter, over entries in `log`.
pub(super) struct StromaTree {
    tree: Tree,
    inserter: Mutex<Inserter>,
    log: Log,
}

/// Keys are the first bytes of entries.
struct EntryKeys<'a>(&'a Log);

impl Keys for EntryKeys<'_> {
    fn key(&self, location: u64) -> &[u8] {
        self.0.get(Location::from_bits(location)).get(..KEY_BYTES).unwrap_or(&[])
    }
}

impl StromaTree {
    pub(super) fn new(entries: u64, log: Log) -> Outcome<StromaTree> {
        let (tree, inserter) =
            Tree::new(entries as usize * 96 + (1 << 20), CHUNK_BYTES, 0).map_err(|_| "too small an index")?;
        Ok(StromaTree { tree, inserter: Mutex::new(inserter), log })
    }
}

impl OrderedIndex for StromaTree {
    fn log(&self) -> &Log {
        &self.log
    }

    fn insert(&self, key: &Key, sequence: u64, location: u64) -> bool {
        let Ok(mut inserter) = self.inserter.lock() else { return false };
        let entry = Entry { location, sequence, kind: 1 };
        self.tree.insert(&mut inserter, &EntryKeys(&self.log), key, entry).is_ok()
    }

    fn newest(&self, key: &Key) -> Option<u64> {
        let keys = EntryKeys(&self.log);
        let location = self.tree.seek(&keys, key, ANY_SEQUENCE)?.entry().location;
        (keys.key(location) == key).then_some(location)
    }

    fn scan(&self, start: &Key, limit: usize, visit: &mut dyn FnMut(u64)) {
        let keys = EntryKeys(&self.log);
        let mut at = self.tree.seek(&keys, start, ANY_SEQUENCE);
        for _ in 0..limit {
            let Some(place) = at else { return };
            visit(place.entry().location);
            at = self.tree.after(&keys, &place);
        }
    }
}
