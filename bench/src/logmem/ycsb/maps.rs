//! What the work asks of a map, and the maps that are measured.
//!
//! The peers get the fastest of the usual seeded hashes and keys that are numbers; ours hashes byte strings with
//! a seed per store.

use dashmap::DashMap;
use foldhash::fast::RandomState;
use stroma_logmem::{Pool, PoolOptions, Store, StoreOptions};

use crate::Outcome;
use crate::machine::with_version;
use crate::measure::OURS;

/// A concurrent map from numbers to byte strings.
pub(super) trait Map: Sync {
    /// Sets a value, whatever was there; false if it could not.
    fn put(&self, key: u64, value: &[u8]) -> bool;

    /// Whether the key is there; its value is looked at where it lies.
    fn read(&self, key: u64) -> bool;
}

/// Reads both ends of a value. References to them would not do: nothing would have to be loaded for those.
#[inline]
fn look_at(value: &[u8]) {
    std::hint::black_box((value.first().copied(), value.last().copied()));
}

/// The maps measured.
#[derive(Clone, Copy)]
pub(super) enum Product {
    Ours,
    Dashmap,
    Papaya,
    Scc,
}

impl Product {
    pub(super) const ALL: [Product; 4] = [Product::Ours, Product::Dashmap, Product::Papaya, Product::Scc];

    /// The name its figures stand under.
    pub(super) fn subject(self) -> String {
        match self {
            Product::Ours => OURS.to_owned(),
            Product::Dashmap => with_version("dashmap"),
            Product::Papaya => with_version("papaya"),
            Product::Scc => with_version("scc"),
        }
    }

    /// What the process that measures it is told.
    pub(super) fn word(self) -> &'static str {
        match self {
            Product::Ours => "ours",
            Product::Dashmap => "dashmap",
            Product::Papaya => "papaya",
            Product::Scc => "scc",
        }
    }

    /// An empty map. Ours gets a budget, which the others do not have.
    pub(super) fn make(word: &str, budget_bytes: u64, seed: u64) -> Outcome<Box<dyn Map>> {
        let product = Product::ALL.into_iter().find(|product| product.word() == word);
        Ok(match product.ok_or_else(|| format!("unsupported map `{word}`"))? {
            Product::Ours => {
                let segment_bytes =
                    (budget_bytes / 512).next_power_of_two().clamp(64 << 10, 1 << 20) as usize;
                let options = PoolOptions { capacity_bytes: budget_bytes as usize, segment_bytes };
                // As is recommended where speed counts more than the last two MiB.
                let pool = Pool::with_huge_pages(options)?;
                Box::new(Store::new(StoreOptions::new(pool, seed))?)
            }
            Product::Dashmap => {
                Box::new(DashMap::<u64, Box<[u8]>, RandomState>::with_hasher(RandomState::default()))
            }
            Product::Papaya => {
                Box::new(papaya::HashMap::<u64, Box<[u8]>, RandomState>::with_hasher(RandomState::default()))
            }
            Product::Scc => {
                Box::new(scc::HashMap::<u64, Box<[u8]>, RandomState>::with_hasher(RandomState::default()))
            }
        })
    }
}

impl Map for Store {
    #[inline]
    fn put(&self, key: u64, value: &[u8]) -> bool {
        Store::put(self, &key.to_le_bytes(), value).is_ok()
    }

    #[inline]
    fn read(&self, key: u64) -> bool {
        self.get_with(&key.to_le_bytes(), |value, _| look_at(value)).is_some()
    }
}

impl Map for DashMap<u64, Box<[u8]>, RandomState> {
    #[inline]
    fn put(&self, key: u64, value: &[u8]) -> bool {
        self.insert(key, value.into());
        true
    }

    #[inline]
    fn read(&self, key: u64) -> bool {
        self.get(&key).is_some_and(|value| {
            look_at(&value);
            true
        })
    }
}

impl Map for papaya::HashMap<u64, Box<[u8]>, RandomState> {
    #[inline]
    fn put(&self, key: u64, value: &[u8]) -> bool {
        self.pin().insert(key, value.into());
        true
    }

    #[inline]
    fn read(&self, key: u64) -> bool {
        self.pin().get(&key).is_some_and(|value| {
            look_at(value);
            true
        })
    }
}

impl Map for scc::HashMap<u64, Box<[u8]>, RandomState> {
    #[inline]
    fn put(&self, key: u64, value: &[u8]) -> bool {
        self.upsert_sync(key, value.into());
        true
    }

    #[inline]
    fn read(&self, key: u64) -> bool {
        self.read_sync(&key, |_, value| look_at(value)).is_some()
    }
}
