//! What is taken and what is left: admission of segments, runs and charges.
//!
//! Two things could run out, bytes and numbers of segments. Numbers cannot run out first: the region has a
//! segment, and a number, for each `segment_bytes` of the capacity, and there are as many numbers again for
//! runs, each of which takes more than `segment_bytes`. Nor can bytes become unusable for want of a number
//! or of contiguous room: any segment of the region is as good as any other, and runs are mappings of their
//! own. What remains of the capacity beyond whole segments can be used by charges and runs.

use std::sync::Arc;

use crate::error::Error;
use crate::memory::{Cells, Chunk};

/// Runs are charged in whole blocks: the pages in which the operating system gives them.
pub(super) const BLOCK_BYTES: usize = 4096;
/// Unused runs that are kept mapped at most: as many as logs of large entries let go at once. To map one anew costs a
/// fault for each of its pages.
const MOST_SPARE_RUNS: usize = 64;
/// A run serves for what is shorter by up to one in so many bytes.
const SPARE_SHARE: usize = 8;

/// The account of a pool. All of it is guarded by the pool's lock.
#[derive(Debug)]
pub(super) struct Budget {
    capacity_bytes: usize,
    segment_bytes: usize,
    cells: Arc<Cells>,
    /// Segments of the region.
    segments: u32,
    /// Unused segments whose pages may be resident: counted as taken.
    resident: Vec<Chunk>,
    /// Unused segments whose pages went back to the system.
    discarded: Vec<Chunk>,
    /// The first segment of the region that was never used.
    next_segment: u32,
    /// Unused runs, which are still mapped: counted as taken. The one that ended last is the last.
    spare_runs: Vec<Chunk>,
    spare_run_bytes: usize,
    /// Numbers of runs that are not mapped any more, and the first that was never used.
    run_numbers: Vec<u32>,
    next_run: u32,
    pub(super) segments_used: usize,
    pub(super) runs: usize,
    pub(super) run_bytes: usize,
    pub(super) charged_bytes: usize,
    pub(super) table_bytes: usize,
}

impl Budget {
    pub(super) fn new(
        cells: Arc<Cells>,
        capacity_bytes: usize,
        segment_bytes: usize,
        segments: u32,
    ) -> Budget {
        Budget {
            capacity_bytes,
            segment_bytes,
            segments,
            resident: Vec::new(),
            discarded: Vec::new(),
            next_segment: 1,
            spare_runs: Vec::new(),
            spare_run_bytes: 0,
            run_numbers: Vec::new(),
            next_run: segments + 1,
            segments_used: 0,
            runs: 0,
            run_bytes: 0,
            charged_bytes: 0,
            table_bytes: 0,
            cells,
        }
    }

    /// Bytes that users hold.
    pub(super) fn used_bytes(&self) -> usize {
        self.segments_used * self.segment_bytes + self.run_bytes + self.charged_bytes
    }

    /// Bytes of segments and runs that may be resident.
    pub(super) fn allocated_bytes(&self) -> usize {
        (self.segments_used + self.resident.len()) * self.segment_bytes
            + self.run_bytes
            + self.spare_run_bytes
    }

    /// Bytes that could be had if all unused segments and runs were handed back to the system.
    pub(super) fn available_bytes(&self) -> usize {
        self.capacity_bytes - self.used_bytes() - self.table_bytes
    }

    /// Segments that could still be taken, the growth of the table reckoned.
    pub(super) fn segments_free(&self) -> usize {
        let known = self.resident.len() + self.discarded.len();
        let cost = |count: usize| {
            count * self.segment_bytes + self.growth_for_first(count.saturating_sub(known) as u32)
        };
        let room = self.available_bytes();
        let (mut fits, mut beyond) = (0, (room / self.segment_bytes).min(self.unused_segments()) + 1);
        while beyond - fits > 1 {
            let middle = fits.midpoint(beyond);
            *(if cost(middle) <= room { &mut fits } else { &mut beyond }) = middle;
        }
        fits
    }

    fn unused_segments(&self) -> usize {
        self.segments as usize - self.segments_used
    }

    /// Bytes by which the table grows when so many never used segments are taken.
    fn growth_for_first(&self, count: u32) -> usize {
        let Some(beyond) = count.checked_sub(1) else { return 0 };
        let group = |number: u32| number / Cells::GROUP as u32;
        let (first, last) = (group(self.next_segment), group(self.next_segment + beyond));
        let mut groups = (last - first + 1) as usize;
        groups -= usize::from(self.cells.has_place(self.next_segment));
        // Ahead of the segments, only the group that they share with the runs can be there.
        groups -= usize::from(last > first && self.cells.has_place(last * Cells::GROUP as u32));
        groups * Cells::GROUP_BYTES
    }

    pub(super) fn take_segment(&mut self) -> Result<Chunk, Error> {
        let bytes = self.segment_bytes;
        if let Some(chunk) = self.resident.pop() {
            self.segments_used += 1;
            return Ok(chunk);
        }
        let number = self.next_segment;
        let growth = if self.discarded.is_empty() { self.growth_for(number) } else { 0 };
        if !self.make_fit(bytes + growth) {
            return Err(self.out_of_memory(bytes));
        }
        let chunk = match self.discarded.pop() {
            Some(chunk) => chunk,
            None => {
                let chunk = self.cells.first_chunk(number).ok_or_else(|| self.out_of_memory(bytes))?;
                self.next_segment += 1;
                self.table_bytes += growth;
                chunk
            }
        };
        self.segments_used += 1;
        Ok(chunk)
    }

    /// Takes a run that holds at least `bytes`, but more than a segment, so that numbers cannot run out.
    pub(super) fn take_run(&mut self, bytes: usize) -> Result<Chunk, Error> {
        let limit = self.capacity_bytes;
        let whole = bytes
            .max(self.segment_bytes + 1)
            .checked_next_multiple_of(BLOCK_BYTES)
            .filter(|whole| *whole <= limit)
            .ok_or(Error::EntryTooLarge { bytes, limit })?;
        if let Some(chunk) = self.take_spare_run(whole) {
            return Ok(chunk);
        }
        let growth = self.growth_for(self.next_run_number());
        if !self.make_fit(whole + growth) {
            return Err(self.out_of_memory(whole));
        }
        // Perhaps that of a run that was unmapped just now, and then the table need not grow.
        let number = self.next_run_number();
        let growth = self.growth_for(number);
        let chunk = self.cells.map_run(number, whole).ok_or_else(|| self.out_of_memory(whole))?;
        if self.run_numbers.pop().is_none() {
            self.next_run += 1;
        }
        self.table_bytes += growth;
        self.runs += 1;
        self.run_bytes += whole;
        Ok(chunk)
    }

    fn next_run_number(&self) -> u32 {
        self.run_numbers.last().copied().unwrap_or(self.next_run)
    }

    /// A run that is still mapped, if one is long enough for `bytes` and not longer by more than its share.
    fn take_spare_run(&mut self, bytes: usize) -> Option<Chunk> {
        let fits = |chunk: &Chunk| (bytes..=bytes + bytes / SPARE_SHARE).contains(&chunk.size());
        let at = self.spare_runs.iter().rposition(fits)?;
        let chunk = self.spare_runs.remove(at);
        self.spare_run_bytes -= chunk.size();
        self.runs += 1;
        self.run_bytes += chunk.size();
        Some(chunk)
    }

    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Error> {
        if !self.make_fit(bytes) {
            return Err(self.out_of_memory(bytes));
        }
        self.charged_bytes += bytes;
        Ok(())
    }

    /// Takes a token back that `take_segment` or `take_run` gave.
    pub(super) fn give_back(&mut self, chunk: Chunk) {
        if chunk.is_run() {
            self.runs -= 1;
            self.run_bytes -= chunk.size();
            self.spare_run_bytes += chunk.size();
            self.spare_runs.push(chunk);
            if self.spare_runs.len() > MOST_SPARE_RUNS {
                // The one that was not wanted for longest.
                self.unmap_spare_run(0);
            }
        } else {
            self.segments_used -= 1;
            self.resident.push(chunk);
        }
    }

    /// Bytes by which the table grows when this number is used for the first time.
    fn growth_for(&self, number: u32) -> usize {
        if self.cells.has_place(number) { 0 } else { Cells::GROUP_BYTES }
    }

    fn unmap_spare_run(&mut self, at: usize) {
        let chunk = self.spare_runs.remove(at);
        self.spare_run_bytes -= chunk.size();
        self.run_numbers.push(chunk.number());
        chunk.unmap();
    }

    /// Hands unused runs and segments back to the system until `bytes` fit; whether they do.
    fn make_fit(&mut self, bytes: usize) -> bool {
        if self.available_bytes() < bytes {
            return false;
        }
        while self.unclaimed_bytes() < bytes {
            if !self.spare_runs.is_empty() {
                self.unmap_spare_run(0);
                continue;
            }
            let Some(mut chunk) = self.resident.pop() else { return false };
            // If the system refuses, the pages stay resident: the account is right, the machine's is not.
            chunk.discard();
            self.discarded.push(chunk);
        }
        true
    }

    /// Bytes that nobody uses and that are not resident either.
    fn unclaimed_bytes(&self) -> usize {
        self.available_bytes() - self.resident.len() * self.segment_bytes - self.spare_run_bytes
    }

    pub(super) fn out_of_memory(&self, requested: usize) -> Error {
        let used = self.used_bytes() + self.table_bytes;
        Error::OutOfMemory { requested, capacity: self.capacity_bytes, used, awaiting_readers: 0 }
    }
}
