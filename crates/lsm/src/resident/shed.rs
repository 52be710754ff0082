//! Letting go of the entries that were written longest ago, by segments of the write-ahead log.

use super::layer::Resident;
use crate::entry::Sequence;

impl Resident {
    /// How many of its oldest log segments must leave with their entries, so that at most `most_entries` are left
    /// and those are in at most `most_log_bytes` of the log. One pass over the cells.
    pub(crate) fn segments_to_shed(&self, most_entries: usize, most_log_bytes: u64) -> usize {
        let mut entries = vec![0_usize; self.segments.len()];
        for cell in &self.cells {
            let sequence = cell.sequence();
            let segment = self.segments.partition_point(|segment| segment.last_sequence < sequence);
            if let Some(count) = entries.get_mut(segment) {
                *count += 1;
            }
        }
        let (mut left, mut log_bytes) = (self.len(), self.log_bytes());
        for (number, segment) in self.segments.iter().enumerate() {
            if left <= most_entries && log_bytes <= most_log_bytes {
                return number;
            }
            left -= entries[number];
            log_bytes -= segment.bytes;
        }
        self.segments.len()
    }

    /// The entries of sequences up to `through`, which must be the last one of a segment, and the others. Both
    /// share the logs.
    pub(crate) fn split(&self, through: Sequence) -> (Resident, Resident) {
        let staying_count = self.cells.iter().filter(|cell| cell.sequence() > through).count();
        let mut staying = self.without_cells(staying_count);
        let mut leaving = self.without_cells(self.len() - staying_count);
        leaving.parts.iter_mut().for_each(|part| part.live_bytes = 0);
        for cell in &self.cells {
            if cell.sequence() > through {
                staying.cells.push(*cell);
                continue;
            }
            leaving.cells.push(*cell);
            let bytes = self.parts[cell.part()].bytes_of(cell);
            leaving.parts[cell.part()].live_bytes += bytes;
            staying.parts[cell.part()].live_bytes -= bytes;
        }
        let first_staying = self.segments.partition_point(|segment| segment.last_sequence <= through);
        leaving.segments = self.segments[..first_staying].to_vec();
        staying.segments = self.segments[first_staying..].to_vec();
        staying.drop_dead_parts();
        (leaving, staying)
    }

    fn without_cells(&self, capacity: usize) -> Resident {
        Resident { cells: Vec::with_capacity(capacity), parts: self.parts.clone(), ..Resident::default() }
    }
}
