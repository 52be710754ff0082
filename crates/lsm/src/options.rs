//! How a database is opened: memory, durability, recovery, and what it takes from the outside world.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stroma_strata::encryption::Encryption;
use stroma_strata::picker::Limits;
use stroma_strata::runtime::{Clock, Spawner, SystemClock, ThreadSpawner};
use stroma_strata::{MergePolicy, Upkeep};

use crate::block_cache::CacheLimits;
use crate::{Compression, Error, FilterPolicy, IndexPolicy, KeyspaceOptions, LevelCompression};

/// What a commit waits for before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Durability {
    /// Nothing: the commit may be lost with the process. The log is written in large pieces.
    None,
    /// The operating system has the log: the commit survives the process, not a loss of power.
    #[default]
    Buffered,
    /// The device has the log: the commit, and every one before it, survives a loss of power. The first one
    /// after a process was killed waits until what was recovered is in tables.
    Synced,
}

/// What opening does when the log is damaged within what had been synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RecoveryMode {
    /// It fails with [`Error::Corrupt`] and changes nothing in the log.
    #[default]
    Strict,
    /// It keeps everything before the damage and says in the
    /// [`RecoveryReport`](crate::RecoveryReport) what it left out.
    KeepPrefix,
}

/// How a database behaves. Nothing here is stored: a database may be opened with other options than before.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of memory for what is not in tables yet, index included, and for the cache of blocks, which takes what
    /// the former does not use. From 64 KiB to just below 512 GiB. A batch, and so a value, may take up to a quarter of
    /// it. Beside it is what a merge under way needs: an eighth for the keys of a table and some blocks, and some ten
    /// MiB with Zstandard or encryption; and [`transaction_bytes`](Options::transaction_bytes). Default 128 MiB.
    pub memory_bytes: usize,
    /// Whether blocks that cannot be read in place, because they are compressed or the storage is not mapped, are kept
    /// in memory after they were read. It takes no memory before the first such block. Default true.
    pub block_cache: bool,
    /// Whether entries that are being overwritten stay in memory after their memtable is full, so that what is
    /// overwritten again never reaches a table. It takes effect for memtables of which a quarter or more was
    /// overwritten while they were filled; without such it costs nothing. The log then grows to four times
    /// `memory_bytes`, and with it the time of opening after a crash. Default true.
    pub memory_cleaning: bool,
    /// What a commit waits for if it does not say otherwise.
    pub durability: Durability,
    /// What to do about damage in the log.
    pub recovery: RecoveryMode,
    /// Threads that merge, beside one that flushes; as many help to recover what the log holds, if there are 32 MiB of
    /// memory for each. With 0 there are no threads at all: the writer who finds a
    /// memtable full flushes it and merges, which makes a run repeatable. Default 1.
    pub background_threads: usize,
    /// Which tables are merged and when.
    pub merge_policy: MergePolicy,
    /// Which tables are merged for the deletes they hold, for their age, or because reads have paid for it.
    pub upkeep: Upkeep,
    /// How fast merges may write, in bytes a second, all together; `None`, the default, for as fast as they can.
    /// Flushes have no limit. Merges that cannot follow make tables pile up, and writers are slowed down then.
    pub merge_bytes_per_second: Option<u64>,
    /// How blocks of new tables are compressed, where `level_compression` does not say otherwise.
    pub compression: Compression,
    /// How those of certain levels are. Default: as `compression` says, all of them.
    pub level_compression: LevelCompression,
    /// Values at least this long, in bytes, are kept apart from tables, in value files that merges do not rewrite.
    /// [`usize::MAX`] for none. Default 1 KiB.
    pub value_threshold: usize,
    /// How values in value files are compressed: each 64 KiB of one by itself, and kept as it was if that saves less
    /// than an eighth. Not with a dictionary. New values heed it; those that are stored stay as they are, also when
    /// they are moved. Default LZ4, if the build has it, since such values are copied out of their file whenever they
    /// are read, and taking them apart takes little more; else none.
    ///
    /// Unless it is none, shorter values are made smaller as well, each by itself, where that saves an eighth: those
    /// of 48 bytes to 8 KiB that do not expire, in keyspaces whose blocks are not compressed. That has one form of its
    /// own, quicker to take apart than any of these, whichever is named here, and every build reads it. A value that
    /// repeats nothing within itself stays as it is; what repeats from value to value is for `compression`.
    pub value_compression: Compression,
    /// The size at which a block of a new table ends, in bytes. Default 4 KiB.
    pub block_bytes: usize,
    /// Which filter new tables get.
    pub filter: FilterPolicy,
    /// Which index new tables get.
    pub index: IndexPolicy,
    /// The keys that all files are encrypted with; `None`, the default, for files that are not. It cannot be given for
    /// a database that is not encrypted, nor left out for one that is; see
    /// [`Encryption::adopting_plain_files`] for how to encrypt one that was not.
    pub encryption: Option<Encryption>,
    /// How single keyspaces behave, by name: what merges operands, how long entries live. Keyspaces that are not named
    /// here have none of that.
    pub keyspaces: BTreeMap<String, KeyspaceOptions>,
    /// Bytes of puts and deletes that a transaction keeps in memory, beside `memory_bytes`; what is more goes to
    /// scratch files. Default 16 MiB.
    pub transaction_bytes: usize,
    /// How long a transaction waits for a key that another has locked. Default 10 s.
    pub lock_timeout: Duration,
    /// Tells the time, for waits.
    pub clock: Arc<dyn Clock>,
    /// Starts the background threads.
    pub spawner: Arc<dyn Spawner>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            memory_bytes: 128 << 20,
            block_cache: true,
            memory_cleaning: true,
            durability: Durability::default(),
            recovery: RecoveryMode::default(),
            background_threads: 1,
            merge_policy: MergePolicy::TieredThenLevelled(Limits::default()),
            upkeep: Upkeep::default(),
            merge_bytes_per_second: None,
            compression: Compression::default(),
            level_compression: LevelCompression::default(),
            value_threshold: 1 << 10,
            value_compression: Compression::for_values(),
            block_bytes: 4096,
            filter: FilterPolicy::default(),
            index: IndexPolicy::default(),
            encryption: None,
            keyspaces: BTreeMap::new(),
            transaction_bytes: 16 << 20,
            lock_timeout: Duration::from_secs(10),
            clock: Arc::new(SystemClock::new()),
            spawner: Arc::new(ThreadSpawner),
        }
    }
}

/// The share of the budget that the cache of blocks keeps however much the memtables want, and the share that it
/// leaves to them however little they want, both as a divisor.
const CACHE_KEEPS: usize = 32;
const CACHE_LEAVES: usize = 8;
/// What the pool's own table takes for each segment.
const TABLE_BYTES_PER_SEGMENT: usize = 64;

/// The largest batch: what can be encrypted as one piece is twice as long.
const MOST_BATCH_BYTES: u64 = 32 << 30;

/// The least memory a database works with, and the most: so much its pool divides into segments of 1 MiB.
const LEAST_MEMORY_BYTES: u64 = 64 << 10;
const MOST_MEMORY_BYTES: u64 = (512 << 30) - 1;

/// How the memory budget is divided, all in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryShares {
    /// For the entries of all memtables.
    pub(crate) entries: usize,
    /// A piece of that.
    pub(crate) segment: usize,
    /// For the indexes of all memtables.
    pub(crate) index: usize,
    /// The entries at which a memtable is full.
    pub(crate) memtable_entries: usize,
    /// The index at which a memtable is full.
    pub(crate) memtable_index: usize,
    /// The entries at which a memtable is ended if cleaning it is worth while.
    pub(crate) cleaning_entries: usize,
    /// The largest batch.
    pub(crate) batch: usize,
}

/// How large the resident layer may become before its oldest entries go to a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ResidentLimits {
    /// Bytes of its logs.
    pub(crate) entry_bytes: usize,
    /// The same while a memtable is merged into it, that memtable included.
    pub(crate) copying_bytes: usize,
    /// Bytes of its cells.
    pub(crate) index_bytes: usize,
    /// Bytes of the segments of the write-ahead log that it depends on.
    pub(crate) log_bytes: u64,
    /// The share of its entries, or of those segments, that is kept when one of these would be passed.
    pub(crate) kept_share: f64,
}

impl MemoryShares {
    /// The limits of the resident layer. While a memtable is merged into it there are two of its indexes, and the
    /// copies that cleaning makes beside what they are copies of; that much is left free.
    pub(crate) fn resident_limits(&self) -> ResidentLimits {
        ResidentLimits {
            entry_bytes: self.entries / 16 * 12,
            copying_bytes: self.entries / 16 * 14,
            index_bytes: self.index / 20 * 9,
            log_bytes: 4 * (self.entries + self.index) as u64,
            kept_share: 0.3,
        }
    }
}

impl Options {
    /// How blocks of a table of `level` are compressed; `is_bottom` if nothing below it has the same keys.
    pub fn compression_at(&self, level: u32, is_bottom: bool) -> Compression {
        self.level_compression.at(level, is_bottom, self.compression)
    }

    /// The same with options for the keyspace called `name`.
    #[must_use]
    pub fn with_keyspace(mut self, name: impl Into<String>, options: KeyspaceOptions) -> Self {
        self.keyspaces.insert(name.into(), options);
        self
    }

    /// Whether blocks are compressed at no level.
    pub(crate) fn keeps_blocks_plain(&self) -> bool {
        let levels = &self.level_compression;
        let mut told = levels.upper.iter().chain(&levels.bottom).chain([&self.compression]);
        told.all(|compression| *compression == Compression::None)
    }

    /// Refuses what cannot work together.
    pub(crate) fn check_keyspaces(&self) -> Result<(), Error> {
        if self.value_compression.is_trained() {
            let reason =
                "value_compression: a dictionary is trained for a table, not for values in value files";
            return Err(Error::InvalidOptions { reason: reason.to_owned() });
        }
        self.keyspaces.iter().try_for_each(|(name, options)| options.check(name))
    }

    /// The shares of the budget but what the cache of blocks keeps. Three quarters are for entries, one for indexes;
    /// a memtable is a quarter of each, so that one can be filled while others are flushed.
    pub(crate) fn memory_shares(&self) -> Result<MemoryShares, Error> {
        if !(LEAST_MEMORY_BYTES..=MOST_MEMORY_BYTES).contains(&(self.memory_bytes as u64)) {
            let reason = format!(
                "memory_bytes is {}; it must be from {LEAST_MEMORY_BYTES} to {MOST_MEMORY_BYTES}",
                self.memory_bytes
            );
            return Err(Error::InvalidOptions { reason });
        }
        // The largest power of two that gives a memtable some sixteen segments, up to 1 MiB.
        let segment = (1_usize << (self.memory_bytes / 4 * 3 / 64).ilog2()).clamp(256, 1 << 20);
        let table = self.memory_bytes / segment * TABLE_BYTES_PER_SEGMENT;
        let cache = if self.block_cache { self.memory_bytes / CACHE_KEEPS } else { 0 };
        let divided = self.memory_bytes - table - cache;
        let (entries, index) = (divided / 4 * 3, divided / 4);
        Ok(MemoryShares {
            entries,
            segment,
            index,
            memtable_entries: entries / 4,
            cleaning_entries: entries / 16,
            memtable_index: index / 4,
            batch: (self.memory_bytes as u64 / 4).min(MOST_BATCH_BYTES) as usize,
        })
    }
}

impl Options {
    /// How far the cache of blocks may grow; none if there is to be no cache, or segments of memory are too small for
    /// blocks.
    pub(crate) fn cache_limits(&self, shares: &MemoryShares) -> Option<CacheLimits> {
        let is_of_use = self.block_cache && 2 * self.block_bytes <= shares.segment;
        let least = self.memory_bytes / CACHE_KEEPS;
        let most = self.memory_bytes - self.memory_bytes / CACHE_LEAVES;
        is_of_use.then_some(CacheLimits { least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_too_little_memory_is_refused_and_too_much() {
        let shares_of = |memory_bytes| Options { memory_bytes, ..Options::default() }.memory_shares();
        for memory_bytes in [64 << 10, 1 << 20, 128 << 20, 8 << 30, MOST_MEMORY_BYTES] {
            let memory_bytes = memory_bytes as usize;
            let shares = shares_of(memory_bytes).unwrap();
            assert!(shares.entries + shares.index <= memory_bytes);
            assert!(shares.segment * 12 <= shares.memtable_entries);
        }
        for memory_bytes in [0, 1000, (64 << 10) - 1, 512 << 30, 1 << 40] {
            let told = shares_of(memory_bytes).unwrap_err().to_string();
            assert!(told.ends_with("it must be from 65536 to 549755813887"), "{told}");
        }
    }
}
