//! What the memory budget is used for at one moment, segment by segment.

pub use stroma_logmem::{SegmentOwner, SegmentStatistics};

use crate::database::Core;

/// What the memory budget is used for. All sizes are in bytes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MemoryMap {
    /// The budget.
    pub budget_bytes: usize,
    /// How much of it is taken: segments, and `charged_bytes`.
    pub used_bytes: usize,
    /// What is taken outside segments: indexes, directories.
    pub charged_bytes: usize,
    /// Those who share the budget.
    pub parts: Vec<MemoryPart>,
    /// Segments in use, by number, each as it was when it was looked at: while others write, their sum may
    /// differ a little from `used_bytes`, which is of one instant.
    pub segments: Vec<SegmentStatistics>,
}

/// One of those who share the budget.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryPart {
    /// Its name: `memtables`, `resident` (entries that stay in memory after their memtable) or `cache` (of
    /// blocks).
    pub name: &'static str,
    /// What it takes, in bytes.
    pub used_bytes: usize,
    /// The most it may take as things are, in bytes.
    pub limit_bytes: usize,
}

impl MemoryMap {
    /// Linear in the segments.
    pub(crate) fn take(core: &Core) -> MemoryMap {
        let list = core.memtables();
        let (memtables, resident) = (list.bytes(), list.resident_bytes());
        let budget_bytes = core.options().memory_bytes;
        let pool = core.pool();
        let statistics = pool.statistics();
        let charged_bytes = statistics.charged_bytes + statistics.table_bytes;
        let mut segments = pool.segments();
        segments.retain(|segment| segment.owner != SegmentOwner::Free);
        let cache = core.cache_statistics();
        let limit_bytes = core.memtable_limit();
        let part = |name, (entries, index): (usize, usize), limit_bytes| MemoryPart {
            name,
            used_bytes: entries + index,
            limit_bytes,
        };
        let parts = vec![
            part("memtables", memtables, limit_bytes),
            part("resident", resident, limit_bytes),
            part("cache", (cache.bytes, 0), cache.limit_bytes),
        ];
        MemoryMap {
            budget_bytes,
            used_bytes: statistics.used_bytes + statistics.table_bytes,
            charged_bytes,
            parts,
            segments,
        }
    }
}
