//! What the work asks of an index, and the peers: maps that hold a copy of each key.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};
use std::sync::RwLock;

use crossbeam_skiplist::SkipMap;
use masstree::{MassTree, RangeBound};
use scc::TreeIndex;
use stroma_logmem::Log;

use super::tree_index::StromaTree;
use crate::Outcome;
use crate::machine::with_version;

pub(super) const KEY_BYTES: usize = 16;

/// A user's key. The index orders by it, and newer sequences of a key come first.
pub(super) type Key = [u8; KEY_BYTES];

type Versioned = (Key, Reverse<u64>);

/// Before every version of a key.
fn before_versions(key: &Key) -> Versioned {
    (*key, Reverse(u64::MAX))
}

/// An ordered map from key and sequence to the location of an entry in a log.
pub(super) trait OrderedIndex: Sync {
    /// Where the entries are.
    fn log(&self) -> &Log;

    /// Adds a version; false if it could not. One thread at a time inserts.
    fn insert(&self, key: &Key, sequence: u64, location: u64) -> bool;

    /// The location of a key's newest version.
    fn newest(&self, key: &Key) -> Option<u64>;

    /// Visits at most `limit` entries from the first version of `start` on.
    fn scan(&self, start: &Key, limit: usize, visit: &mut dyn FnMut(u64));
}

/// The indexes measured.
#[derive(Clone, Copy)]
pub(super) enum Product {
    Ours,
    Crossbeam,
    Scc,
    Masstree,
    LockedMap,
}

impl Product {
    pub(super) const ALL: [Product; 5] =
        [Product::Ours, Product::Crossbeam, Product::Scc, Product::Masstree, Product::LockedMap];

    /// The name its figures stand under.
    pub(super) fn subject(self) -> String {
        match self {
            Product::Ours => crate::measure::OURS.to_owned(),
            Product::Crossbeam => with_version("crossbeam-skiplist"),
            Product::Scc => format!("{} TreeIndex", with_version("scc")),
            Product::Masstree => with_version("masstree"),
            Product::LockedMap => "BTreeMap under RwLock".to_owned(),
        }
    }

    /// What the process that measures it is told.
    pub(super) fn word(self) -> &'static str {
        match self {
            Product::Ours => "ours",
            Product::Crossbeam => "crossbeam",
            Product::Scc => "scc",
            Product::Masstree => "masstree",
            Product::LockedMap => "locked",
        }
    }

    /// An empty index over the entries of `log`, of which there will be `entries`.
    pub(super) fn make(word: &str, entries: u64, log: Log) -> Outcome<Box<dyn OrderedIndex>> {
        let product = Product::ALL.into_iter().find(|product| product.word() == word);
        Ok(match product.ok_or_else(|| format!("unsupported index `{word}`"))? {
            Product::Ours => Box::new(StromaTree::new(entries, log)?),
            Product::Crossbeam => Box::new(OverLog { map: SkipMap::<Versioned, u64>::new(), log }),
            Product::Scc => Box::new(OverLog { map: TreeIndex::<Versioned, u64>::new(), log }),
            Product::Masstree => Box::new(OverLog { map: MassTree::<u64>::new(), log }),
            Product::LockedMap => {
                Box::new(OverLog { map: RwLock::new(BTreeMap::<Versioned, u64>::new()), log })
            }
        })
    }
}

/// A peer beside the log that has the entries.
struct OverLog<M> {
    map: M,
    log: Log,
}

impl OrderedIndex for OverLog<SkipMap<Versioned, u64>> {
    fn log(&self) -> &Log {
        &self.log
    }

    fn insert(&self, key: &Key, sequence: u64, location: u64) -> bool {
        self.map.insert((*key, Reverse(sequence)), location);
        true
    }

    fn newest(&self, key: &Key) -> Option<u64> {
        let entry = self.map.lower_bound(Included(&before_versions(key)))?;
        (entry.key().0 == *key).then(|| *entry.value())
    }

    fn scan(&self, start: &Key, limit: usize, visit: &mut dyn FnMut(u64)) {
        let range = self.map.range(before_versions(start)..);
        range.take(limit).for_each(|entry| visit(*entry.value()));
    }
}

impl OrderedIndex for OverLog<TreeIndex<Versioned, u64>> {
    fn log(&self) -> &Log {
        &self.log
    }

    fn insert(&self, key: &Key, sequence: u64, location: u64) -> bool {
        self.map.insert_sync((*key, Reverse(sequence)), location).is_ok()
    }

    fn newest(&self, key: &Key) -> Option<u64> {
        let guard = scc::Guard::new();
        let (found, location) = self.map.range(before_versions(key).., &guard).next()?;
        (found.0 == *key).then_some(*location)
    }

    fn scan(&self, start: &Key, limit: usize, visit: &mut dyn FnMut(u64)) {
        let guard = scc::Guard::new();
        let range = self.map.range(before_versions(start).., &guard);
        range.take(limit).for_each(|(_, location)| visit(*location));
    }
}

/// Key and inverted sequence in an order that bytes have, too.
fn encoded(key: &Key, sequence: u64) -> [u8; KEY_BYTES + 8] {
    let mut bytes = [0; KEY_BYTES + 8];
    bytes[..KEY_BYTES].copy_from_slice(key);
    bytes[KEY_BYTES..].copy_from_slice(&(!sequence).to_be_bytes());
    bytes
}

impl OrderedIndex for OverLog<MassTree<u64>> {
    fn log(&self) -> &Log {
        &self.log
    }

    fn insert(&self, key: &Key, sequence: u64, location: u64) -> bool {
        let guard = self.map.guard();
        self.map.insert_with_guard(&encoded(key, sequence), location, &guard).is_none()
    }

    fn newest(&self, key: &Key) -> Option<u64> {
        let start = encoded(key, u64::MAX);
        let guard = self.map.guard();
        let mut newest = None;
        let take_first = |found: &[u8], location| {
            newest = found.starts_with(key).then_some(location);
            false
        };
        self.map.scan(RangeBound::Included(&start), RangeBound::Unbounded, take_first, &guard);
        newest
    }

    fn scan(&self, start: &Key, limit: usize, visit: &mut dyn FnMut(u64)) {
        let start = encoded(start, u64::MAX);
        let guard = self.map.guard();
        let mut left = limit;
        let visit_some = |_: &[u8], location| {
            visit(location);
            left -= 1;
            left > 0
        };
        let start = RangeBound::Included(&start);
        self.map.scan_intra_leaf_batch(start, RangeBound::Unbounded, visit_some, &guard);
    }
}

impl OrderedIndex for OverLog<RwLock<BTreeMap<Versioned, u64>>> {
    fn log(&self) -> &Log {
        &self.log
    }

    fn insert(&self, key: &Key, sequence: u64, location: u64) -> bool {
        let inserted = self.map.write().map(|mut map| map.insert((*key, Reverse(sequence)), location));
        inserted.is_ok_and(|previous| previous.is_none())
    }

    fn newest(&self, key: &Key) -> Option<u64> {
        let map = self.map.read().ok()?;
        let (found, location) = map.range((Included(before_versions(key)), Unbounded)).next()?;
        (found.0 == *key).then_some(*location)
    }

    fn scan(&self, start: &Key, limit: usize, visit: &mut dyn FnMut(u64)) {
        if let Ok(map) = self.map.read() {
            let range = map.range((Included(before_versions(start)), Unbounded));
            range.take(limit).for_each(|(_, location)| visit(*location));
        }
    }
}
