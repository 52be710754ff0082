//! What the suite asks of an engine.

use std::path::Path;

use stroma_lsm::Compression;

use super::entries::{Entry, pairs};
use super::fjall_engine::FjallEngine;
use super::lmdb_engine::LmdbEngine;
#[cfg(feature = "lsmlite")]
use super::lsmlite_engine::LsmliteEngine;
use super::redb_engine::RedbEngine;
#[cfg(feature = "rocksdb")]
use super::rocksdb_engine::RocksdbEngine;
use super::sled_engine::SledEngine;
use super::stroma_engine::StromaEngine;
use crate::Outcome;
use crate::machine::with_version;
use crate::measure::OURS;

/// A key and its value.
pub(super) type Pair<'a> = (&'a [u8], &'a [u8]);

/// How an engine is opened.
#[derive(Clone, Copy)]
pub(super) struct EngineOptions {
    /// For caches and write buffers in all.
    pub(super) memory_bytes: usize,
    /// A commit waits for the device. Else it is handed to the operating system and survives the process.
    pub(super) is_synced: bool,
    /// The most bytes of keys and values that will be in it, for engines that must know their size beforehand.
    pub(super) most_bytes: u64,
    /// Values are a kibibyte or longer: for engines that keep large values apart if they are told to.
    pub(super) has_large_values: bool,
}

/// Keys that a loop removes in one commit, where an engine cannot remove a range.
const REMOVED_TOGETHER: usize = 1000;

/// An open database, used by several threads.
pub(super) trait Engine: Sync {
    /// Commits the entries together.
    fn put(&self, entries: &[Pair<'_>]) -> Outcome;

    /// Removes the keys in one commit.
    fn remove(&self, keys: &[&[u8]]) -> Outcome;

    /// Removes all keys from `start` to before `end`: in one commit where the engine can, else by a loop.
    fn remove_range(&self, start: &[u8], end: &[u8]) -> Outcome {
        loop {
            let mut keys: Vec<Vec<u8>> = Vec::new();
            self.read(&mut |reader| {
                let mut keep = |key: &[u8], _: &[u8]| keys.push(key.to_vec());
                reader.walk(start, REMOVED_TOGETHER as u64, &mut keep).map(drop)
            })?;
            let found = keys.len();
            keys.retain(|key| key.as_slice() < end);
            self.remove(&keys.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
            if keys.len() < found || found < REMOVED_TOGETHER {
                return Ok(());
            }
        }
    }

    /// Loads entries of ascending keys into an empty database, the way that is meant for it; durable at the end.
    fn load_ascending(&self, entries: &mut dyn Iterator<Item = Entry>) -> Outcome;

    /// Makes everything committed so far durable.
    fn sync(&self) -> Outcome;

    /// Reads in one snapshot or read transaction.
    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Outcome) -> Outcome;

    /// Closes properly.
    fn close(self: Box<Self>) -> Outcome;
}

/// Loads in commits of a thousand.
pub(super) fn load_in_commits(engine: &dyn Engine, entries: &mut dyn Iterator<Item = Entry>) -> Outcome {
    loop {
        let together: Vec<Entry> = entries.take(1000).collect();
        if together.is_empty() {
            return engine.sync();
        }
        engine.put(&pairs(&together))?;
    }
}

/// One moment of a database.
pub(super) trait Reader {
    /// Whether the key is there; its value is looked at.
    fn get(&self, key: &[u8]) -> Outcome<bool>;

    /// Walks from `start` over at most `limit` entries; how many there were.
    fn walk(&self, start: &[u8], limit: u64, each: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64>;

    /// The last key.
    fn last(&self) -> Outcome<Option<Vec<u8>>>;

    /// Walks and looks at each key and value.
    fn scan(&self, start: &[u8], limit: u64) -> Outcome<u64> {
        self.walk(start, limit, &mut |key, value| {
            look_at(key);
            look_at(value);
        })
    }
}

/// The last byte of a slice: makes sure that it was there to be read.
#[inline]
pub(super) fn look_at(bytes: &[u8]) {
    std::hint::black_box(bytes.last());
}

/// The engines measured.
#[derive(Clone, Copy)]
pub(super) enum Product {
    Stroma,
    /// Ours with every block compressed.
    StromaCompressed,
    Fjall,
    Lmdb,
    Redb,
    Sled,
    #[cfg(feature = "lsmlite")]
    Lsmlite,
    #[cfg(feature = "rocksdb")]
    Rocksdb,
}

/// The short names of all engines.
pub(crate) fn product_names() -> impl Iterator<Item = &'static str> {
    Product::all().map(Product::name)
}

impl Product {
    /// Those that were built in.
    pub(super) fn all() -> impl Iterator<Item = Product> {
        [
            Product::Stroma,
            Product::StromaCompressed,
            Product::Fjall,
            Product::Lmdb,
            Product::Redb,
            Product::Sled,
            #[cfg(feature = "lsmlite")]
            Product::Lsmlite,
            #[cfg(feature = "rocksdb")]
            Product::Rocksdb,
        ]
        .into_iter()
    }

    /// What it is called on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Product::Stroma => "ours",
            Product::StromaCompressed => "ours-lz4",
            Product::Fjall => "fjall",
            Product::Lmdb => "lmdb",
            Product::Redb => "redb",
            Product::Sled => "sled",
            #[cfg(feature = "lsmlite")]
            Product::Lsmlite => "lsmlite",
            #[cfg(feature = "rocksdb")]
            Product::Rocksdb => "rocksdb",
        }
    }

    /// The name its figures stand under.
    pub(super) fn subject(self) -> String {
        match self {
            Product::Stroma => OURS.to_owned(),
            Product::StromaCompressed => format!("{OURS}, lz4"),
            Product::Fjall => with_version("fjall"),
            Product::Lmdb => format!("LMDB ({})", with_version("lmdb-rkv-sys")),
            Product::Redb => with_version("redb"),
            Product::Sled => with_version("sled"),
            #[cfg(feature = "lsmlite")]
            Product::Lsmlite => with_version("lsmlite-rs"),
            #[cfg(feature = "rocksdb")]
            Product::Rocksdb => format!("RocksDB {}", rocksdb_version()),
        }
    }

    /// Whether a commit can wait for the device. sled's waits until the system has handed its bytes over
    /// (`sync_file_range`), which asks the device for nothing: less than what the others are timed for. That of
    /// `lsmlite-rs` cannot be told to wait.
    pub(super) fn has_durable_commits(self) -> bool {
        #[cfg(feature = "lsmlite")]
        if matches!(self, Product::Lsmlite) {
            return false;
        }
        !matches!(self, Product::Sled)
    }

    /// Opens or makes a database in the folder.
    pub(super) fn open(self, folder: &Path, options: EngineOptions) -> Outcome<Box<dyn Engine>> {
        Ok(match self {
            Product::Stroma => Box::new(StromaEngine::open(folder, options, Compression::None)?),
            Product::StromaCompressed => Box::new(StromaEngine::open(folder, options, Compression::Lz4)?),
            Product::Fjall => Box::new(FjallEngine::open(folder, options)?),
            Product::Lmdb => Box::new(LmdbEngine::open(folder, options)?),
            Product::Redb => Box::new(RedbEngine::open(folder, options)?),
            Product::Sled => Box::new(SledEngine::open(folder, options)?),
            #[cfg(feature = "lsmlite")]
            Product::Lsmlite => Box::new(LsmliteEngine::open(folder)?),
            #[cfg(feature = "rocksdb")]
            Product::Rocksdb => Box::new(RocksdbEngine::open(folder, options)?),
        })
    }
}

/// That of the system's library, which the lock file does not know.
#[cfg(feature = "rocksdb")]
fn rocksdb_version() -> String {
    let told = crate::machine::words_of("pkg-config", &["--modversion", "rocksdb"]);
    told.and_then(|words| words.into_iter().next()).unwrap_or_else(|| "of the system".to_owned())
}
