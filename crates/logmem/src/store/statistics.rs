//! Figures about a store: what it holds and what its cleaner did.

/// What a [`Store`](crate::Store) holds at one moment. Exact when no writer is at work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStatistics {
    /// Number of keys.
    pub entries: usize,
    /// Bytes of all current entries: keys, values and the few bytes in front of each.
    pub live_bytes: usize,
    /// Bytes of segments and runs that hold entries.
    pub segment_bytes: usize,
    /// Bytes of segments that wait for the cleaner to copy into them.
    pub reserve_bytes: usize,
    /// Bytes of cleaned segments and replaced tables that wait for readers to finish.
    pub awaiting_readers_bytes: usize,
    /// Bytes of the hash index.
    pub index_bytes: usize,
    /// Segments that hold entries, runs not counted.
    pub segments: usize,
    /// Entries larger than a segment, each in a run of its own.
    pub runs: usize,
    /// What the cleaner did since the store was made.
    pub cleaned: CleanReport,
}

/// What one step of cleaning did, or all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CleanReport {
    /// Segments emptied and given back.
    pub segments_emptied: usize,
    /// Live entries copied elsewhere.
    pub entries_moved: usize,
    /// Bytes of those.
    pub bytes_moved: usize,
    /// Dead bytes that became usable again.
    pub bytes_reclaimed: usize,
}

impl CleanReport {
    pub(super) fn add(&mut self, other: &CleanReport) {
        self.segments_emptied += other.segments_emptied;
        self.entries_moved += other.entries_moved;
        self.bytes_moved += other.bytes_moved;
        self.bytes_reclaimed += other.bytes_reclaimed;
    }
}
