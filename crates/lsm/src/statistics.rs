//! What a database tells of itself: sizes, counts since it was opened, work at hand.

use std::time::Duration;

pub use stroma_strata::{JobStatistics, LevelStatistics};

use crate::block_cache::BlockCacheStatistics;
use crate::database::Core;
use crate::entry::Sequence;

/// Sizes in bytes as they are now, and counts since the database was opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Statistics {
    /// The memory budget: for what is not in tables yet, and for the cache of blocks.
    pub memory_bytes: usize,
    /// How much of it what is not in tables takes, index and unused ends of segments included.
    pub memory_used: usize,
    /// How much of that is taken by the resident layer: entries that stay in memory after their memtable.
    pub resident_bytes: usize,
    /// Bytes of its entries themselves; the rest is index, dead entries and unused ends of segments.
    pub resident_live_bytes: usize,
    /// Entries in the resident layer.
    pub resident_entries: usize,
    /// Bytes of the segments of the log that the resident layer depends on.
    pub resident_log_bytes: u64,
    /// Memtables that went into the resident layer instead of a table.
    pub absorbed_memtables: u64,
    /// Times the oldest entries of the resident layer went to a table and the others stayed.
    pub sheddings: u64,
    /// Bytes of entries that were overwritten or deleted in memory and dropped there: these never reach a table.
    pub cleaned_bytes: u64,
    /// What the cache of blocks takes of the budget, and how often it had what was looked for.
    pub cache: BlockCacheStatistics,
    /// Memtables that wait to be flushed.
    pub sealed_memtables: usize,
    /// The last visible sequence.
    pub last_sequence: Sequence,
    /// Tables hold every commit up to this sequence.
    pub flushed_through: Sequence,
    /// Deleted keys that scans stepped over one by one: those of ranges that are known to be empty are not.
    pub deleted_keys_passed: u64,
    /// Snapshots, transactions and scans that are held.
    pub readers: usize,
    /// Commits acknowledged.
    pub commits: u64,
    /// Groups in which they were written.
    pub commit_groups: u64,
    /// Times the log was synced.
    pub syncs: u64,
    /// Transactions refused because of a conflict.
    pub conflicts: u64,
    /// Bytes of changes that callers committed, keys and values with their lengths.
    pub user_bytes: u64,
    /// Bytes written to the log.
    pub log_bytes: u64,
    /// Ingestions finished.
    pub ingestions: u64,
    /// Tables that flushes wrote.
    pub flushes: u64,
    /// Bytes of tables written by flushes and ingestions.
    pub flushed_bytes: u64,
    /// Value files in use.
    pub value_files: usize,
    /// Bytes of them.
    pub value_file_bytes: u64,
    /// How many of these bytes tables and unflushed commits refer to; the rest goes when merges come by.
    pub live_value_bytes: u64,
    /// Bytes written to value files.
    pub value_bytes_written: u64,
    /// Merges done.
    pub merges: u64,
    /// Those of them that reads had paid for.
    pub merges_for_readers: u64,
    /// Bytes that merges read.
    pub merge_input_bytes: u64,
    /// Bytes that merges wrote.
    pub merge_output_bytes: u64,
    /// The levels that have tables.
    pub levels: Vec<LevelStatistics>,
    /// Merges at work: what, why, how far.
    pub jobs: Vec<JobStatistics>,
    /// What the last merge failed with, until one ends well.
    pub last_merge_failure: Option<String>,
    /// Times a writer was held up to let background work catch up, and for how long in all.
    pub slowdowns: (u64, Duration),
    /// Times a writer had to wait for a flush, and for how long in all.
    pub stops: (u64, Duration),
}

impl Statistics {
    pub(crate) fn take(core: &Core) -> Statistics {
        let memtables = core.memtables();
        let (entry_bytes, index_bytes) = memtables.bytes();
        let (resident_entry_bytes, resident_index_bytes) = memtables.resident_bytes();
        let resident = memtables.resident.as_deref();
        let counters = core.counters();
        let set = core.layers.statistics();
        let values = core.values().statistics();
        let times = |count: u64, nanoseconds: u64| (count, Duration::from_nanos(nanoseconds));
        Statistics {
            memory_bytes: core.options().memory_bytes,
            memory_used: entry_bytes + index_bytes + resident_entry_bytes + resident_index_bytes,
            resident_bytes: resident_entry_bytes + resident_index_bytes,
            resident_live_bytes: resident.map_or(0, |resident| resident.live_bytes()),
            resident_entries: resident.map_or(0, |resident| resident.len()),
            resident_log_bytes: resident.map_or(0, |resident| resident.log_bytes()),
            absorbed_memtables: counters.absorbed_memtables.get(),
            sheddings: counters.sheddings.get(),
            cleaned_bytes: counters.cleaned_bytes.get(),
            cache: core.cache_statistics(),
            sealed_memtables: memtables.sealed.len(),
            last_sequence: core.published(),
            flushed_through: core.flushed_through(),
            deleted_keys_passed: core.dead_ranges().passed(),
            readers: core.reader_count(),
            commits: counters.commits.get(),
            commit_groups: counters.groups.get(),
            syncs: counters.syncs.get(),
            conflicts: counters.conflicts.get(),
            user_bytes: counters.user_bytes.get(),
            log_bytes: counters.log_bytes.get(),
            ingestions: counters.ingestions.get(),
            flushes: counters.flushes.get(),
            flushed_bytes: set.sealed_bytes,
            value_files: values.files,
            value_file_bytes: values.bytes,
            live_value_bytes: values.live_bytes,
            value_bytes_written: values.written_bytes,
            merges: set.merges,
            merges_for_readers: set.merges_for_readers,
            merge_input_bytes: set.merge_input_bytes,
            merge_output_bytes: set.merge_output_bytes,
            levels: set.levels,
            jobs: set.jobs,
            last_merge_failure: set.last_failure.map(|failure| failure.message),
            slowdowns: times(counters.slowdowns.get(), counters.slowdown_nanoseconds.get()),
            stops: times(counters.stops.get(), counters.stop_nanoseconds.get()),
        }
    }

    /// Bytes written to the log, to tables and to value files for each byte that callers committed; 0 before the first.
    pub fn write_amplification(&self) -> f64 {
        if self.user_bytes == 0 {
            return 0.0;
        }
        let tables = self.flushed_bytes + self.merge_output_bytes;
        (self.log_bytes + tables + self.value_bytes_written) as f64 / self.user_bytes as f64
    }

    /// Bytes of all tables.
    pub fn table_bytes(&self) -> u64 {
        self.levels.iter().map(|level| level.bytes).sum()
    }
}
