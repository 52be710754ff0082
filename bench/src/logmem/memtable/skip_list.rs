//! The skip list of the engine's memtable, taken from its own source, as it is private there.

use std::sync::Mutex;

use stroma_logmem::{Location, Log};

use super::indexes::{KEY_BYTES, Key, OrderedIndex};
use crate::Outcome;
use list::{Inserter, Keys, NodeHeader, SkipList};

#[allow(dead_code, unreachable_pub, missing_docs, reason = "the engine's file, of which a part is used here")]
#[path = "../../../../crates/lsm/src/memtable/arena.rs"]
mod arena;
#[allow(dead_code, unreachable_pub, missing_docs, reason = "the engine's file, of which a part is used here")]
#[path = "../../../../crates/lsm/src/memtable/skip_list.rs"]
mod list;

/// Base-two logarithm of the words of one allocation: the engine's choice for 64 MiB of memtables.
const CHUNK_BITS: u32 = 16;

/// The list and its inserter, over entries in `log`.
pub(super) struct StromaList {
    list: SkipList,
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

impl StromaList {
    pub(super) fn new(entries: u64, log: Log) -> Outcome<StromaList> {
        let (list, inserter) =
            SkipList::new(entries as usize * 64 + (1 << 20), CHUNK_BITS).map_err(|_| "too small an index")?;
        Ok(StromaList { list, inserter: Mutex::new(inserter), log })
    }
}

impl OrderedIndex for StromaList {
    fn log(&self) -> &Log {
        &self.log
    }

    fn insert(&self, key: &Key, sequence: u64, location: u64) -> bool {
        let Ok(mut inserter) = self.inserter.lock() else { return false };
        let header = NodeHeader { location, sequence, kind: 1 };
        self.list.insert(&mut inserter, &EntryKeys(&self.log), key, header).is_ok()
    }

    fn newest(&self, key: &Key) -> Option<u64> {
        let keys = EntryKeys(&self.log);
        let node = self.list.seek(&keys, key, u64::MAX >> 8)?;
        let location = self.list.header(node).location;
        (keys.key(location) == key).then_some(location)
    }

    fn scan(&self, start: &Key, limit: usize, visit: &mut dyn FnMut(u64)) {
        let mut at = self.list.seek(&EntryKeys(&self.log), start, u64::MAX >> 8);
        for _ in 0..limit {
            let Some(node) = at else { return };
            visit(self.list.header(node).location);
            at = self.list.after(node);
        }
    }
}
