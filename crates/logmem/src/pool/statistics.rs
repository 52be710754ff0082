//! What a pool tells about itself: its budget in one record, its segments in a list.

use crate::memory::SegmentOwner;

/// What a [`Pool`](crate::Pool) holds at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// The budget in bytes.
    pub capacity_bytes: usize,
    /// Size of a segment in bytes.
    pub segment_bytes: usize,
    /// Bytes of the budget that users hold: segments, runs and charges.
    pub used_bytes: usize,
    /// Segments in use.
    pub segments_used: usize,
    /// Segments that could still be taken.
    pub segments_free: usize,
    /// Runs in use (entries larger than a segment).
    pub runs: usize,
    /// Bytes in those runs.
    pub run_bytes: usize,
    /// Bytes charged for indexes and directories.
    pub charged_bytes: usize,
    /// Bytes of the pool's own segment table. They are part of the budget; the table never shrinks.
    pub table_bytes: usize,
    /// Bytes of segments and runs that may be resident: those in use and those kept for the next use.
    /// `allocated_bytes + charged_bytes + table_bytes` never exceeds `capacity_bytes`.
    pub allocated_bytes: usize,
}

/// One segment of a [`Pool`](crate::Pool) at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentStatistics {
    /// Its number, which the locations of its entries contain.
    pub number: u32,
    /// What it is used for.
    pub owner: SegmentOwner,
    /// Whether it is a run: one entry larger than a segment, in memory of its own.
    pub is_run: bool,
    /// Bytes it takes from the budget.
    pub size_bytes: usize,
    /// Bytes written to it so far.
    pub written_bytes: usize,
    /// Bytes of those that are still of use.
    pub live_bytes: usize,
}
