//! What the work asks of a cache, and which caches are measured.

use super::{ours, peers};
use crate::Outcome;
use crate::machine::with_version;
use crate::measure::OURS;

/// A cache from numbers to byte strings that keeps to a number of bytes.
pub(super) trait ByteCache: Sync {
    /// Whether the key is there, with a value that `is_right` accepts.
    fn get(&self, key: u64, is_right: &dyn Fn(&[u8]) -> bool) -> Option<bool>;

    /// Keeps a value, at the cost of others.
    fn insert(&self, key: u64, value: &[u8]);

    /// Does what it has put off, so that its memory can be measured.
    fn settle(&self) {}
}

/// The caches measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    Ours,
    Moka,
    QuickCache,
    FoyerLfu,
    FoyerS3Fifo,
    Segcache,
}

impl Product {
    pub(super) const ALL: [Product; 6] = [
        Product::Ours,
        Product::Moka,
        Product::QuickCache,
        Product::FoyerLfu,
        Product::FoyerS3Fifo,
        Product::Segcache,
    ];

    /// The name its figures stand under.
    pub(super) fn subject(self) -> String {
        match self {
            Product::Ours => OURS.to_owned(),
            Product::Moka => with_version("moka"),
            Product::QuickCache => with_version("quick_cache@0.7"),
            Product::FoyerLfu => format!("{}, w-TinyLFU", with_version("foyer-memory")),
            Product::FoyerS3Fifo => format!("{}, S3-FIFO", with_version("foyer-memory")),
            Product::Segcache => format!("{}, merging", with_version("segcache")),
        }
    }

    /// What the process that measures it is told.
    pub(super) fn word(self) -> &'static str {
        match self {
            Product::Ours => "ours",
            Product::Moka => "moka",
            Product::QuickCache => "quick_cache",
            Product::FoyerLfu => "foyer-lfu",
            Product::FoyerS3Fifo => "foyer-s3-fifo",
            Product::Segcache => "segcache",
        }
    }

    /// An empty cache of `capacity_bytes`, as it counts them, for objects of `mean_bytes`.
    pub(super) fn make(word: &str, capacity_bytes: u64, mean_bytes: u64) -> Outcome<Box<dyn ByteCache>> {
        let product = Product::ALL.into_iter().find(|product| product.word() == word);
        Ok(match product.ok_or_else(|| format!("unsupported cache `{word}`"))? {
            Product::Ours => Box::new(ours::cache(capacity_bytes)?),
            Product::Moka => Box::new(peers::moka(capacity_bytes)),
            Product::QuickCache => Box::new(peers::quick_cache(capacity_bytes, mean_bytes)),
            Product::FoyerLfu => {
                Box::new(peers::foyer(capacity_bytes, foyer_memory::LfuConfig::default().into()))
            }
            Product::FoyerS3Fifo => {
                Box::new(peers::foyer(capacity_bytes, foyer_memory::S3FifoConfig::default().into()))
            }
            Product::Segcache => Box::new(peers::segcache(capacity_bytes, mean_bytes)?),
        })
    }
}
