//! Moving what lives in a segment, a batch of entries at a time.
//!
//! How an entry is moved: copied into the survivor segment without any lock, then its word in the index is
//! exchanged under the lock of the shard, if it still names the old place. Readers find the old copy or the
//! new one. A batch is looked up as a whole before anything is copied, so that the processor waits for many
//! words of the index at once.

use super::cleaner::Cleaner;
use super::core::Core;
use super::entry::Entry;
use super::slots::{State, Weighed};
use super::statistics::CleanReport;
use crate::index::Probe;
use crate::location::Location;
use crate::memory::{View, prefetch_bytes};
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;

/// Entries of a batch at most.
const BATCH: usize = 32;

/// Bytes of a batch, the last entry's not counted, and so of a victim that are asked for before they are read.
const AHEAD: usize = 8 << 10;

/// There is no segment to copy survivors to.
pub(super) struct NoRoom;

/// An entry of a victim that the index names, or may name.
#[derive(Clone, Copy)]
struct Survivor<'g> {
    hash: u64,
    offset: usize,
    bytes: &'g [u8],
}

/// The bytes of a victim that should be asked for when it is read from `offset` on: at its beginning twice as
/// many, so that what is read next has always been asked for a while ago.
fn ahead(written: &[u8], offset: usize) -> &[u8] {
    let from = if offset == 0 { 0 } else { offset + AHEAD };
    written.get(from..).map_or(&[], |rest| &rest[..rest.len().min(offset + 2 * AHEAD - from)])
}

impl Core {
    /// Moves entries of a victim from `offset` on, about `most` bytes. Gives the offset to go on from, `None`
    /// if nothing is left in the victim.
    pub(super) fn relocate_batch(
        &self,
        cleaner: &mut Cleaner,
        victim: Weighed,
        offset: usize,
        most: usize,
        report: &mut CleanReport,
        guard: &Guard,
    ) -> Result<Option<usize>, NoRoom> {
        // Entries whose write is under way count as live, so that no live bytes means nothing to look for.
        if self.slots.live(victim.number) == 0 {
            return Ok(None);
        }
        let Some(segment) = self.slots.segment(victim.number, guard) else { return Ok(None) };
        let (entries, next) = self.read_batch(segment, offset, most);
        let Some(next) = next else {
            // Nothing more to read but something lives: an entry that was just being written when it was
            // looked at, without the lock that its writer held.
            return self.relocate_rest(cleaner, victim, segment, report, guard).map(|()| None);
        };
        let is_current = |entry: &Survivor<'_>| self.names(entry, victim.number);
        let current: Vec<Survivor<'_>> = entries.into_iter().filter(is_current).collect();
        self.move_all(cleaner, victim, &current, report, guard)?;
        Ok(Some(next))
    }

    /// Goes through a whole victim again, waiting for the writers of entries that the index does not name.
    fn relocate_rest(
        &self,
        cleaner: &mut Cleaner,
        victim: Weighed,
        segment: View<'_>,
        report: &mut CleanReport,
        guard: &Guard,
    ) -> Result<(), NoRoom> {
        let mut offset = 0;
        while let (entries, Some(next)) = self.read_batch(segment, offset, usize::MAX) {
            // A writer holds the lock from before it appends until the index names the entry.
            let is_current = |entry: &Survivor<'_>| {
                drop(self.index.lock(entry.hash));
                self.names(entry, victim.number)
            };
            let current: Vec<Survivor<'_>> = entries.into_iter().filter(is_current).collect();
            self.move_all(cleaner, victim, &current, report, guard)?;
            offset = next;
        }
        Ok(())
    }

    /// Entries from `offset` on and where they end; `None` at the segment's end.
    fn read_batch<'g>(
        &self,
        segment: View<'g>,
        offset: usize,
        most: usize,
    ) -> (Vec<Survivor<'g>>, Option<usize>) {
        let written = segment.committed();
        prefetch_bytes(ahead(written, offset));
        let mut entries = Vec::with_capacity(BATCH);
        let mut next = offset;
        while entries.len() < BATCH && next - offset < most.min(AHEAD) {
            let Some(entry) = Entry::read(written, next) else { break };
            let hash = self.hash(entry.key);
            self.index.prefetch(hash);
            entries.push(Survivor { hash, offset: next, bytes: entry.bytes });
            next += entry.bytes.len();
        }
        let end = (!entries.is_empty()).then_some(next);
        (entries, end)
    }

    /// Whether the index names this entry of that segment. Without a lock, a yes may be out of date and a no
    /// premature.
    fn names(&self, entry: &Survivor<'_>, number: u32) -> bool {
        let here = |at: Location| at.segment() == number && at.offset() == entry.offset;
        let probe = |at| if here(at) { Probe::Found(()) } else { Probe::Other };
        self.index.find(entry.hash, probe).is_some()
    }

    fn move_all(
        &self,
        cleaner: &mut Cleaner,
        victim: Weighed,
        mut entries: &[Survivor<'_>],
        report: &mut CleanReport,
        guard: &Guard,
    ) -> Result<(), NoRoom> {
        while !entries.is_empty() {
            let (number, offset, count) = self.append_survivors(cleaner, entries, victim.born, guard)?;
            let (copied, rest) = entries.split_at(count);
            self.redirect(copied, victim.number, (number, offset), report, guard);
            entries = rest;
        }
        Ok(())
    }

    /// Makes the index name the copies of entries, which lie one after the other from a place on.
    fn redirect(
        &self,
        copied: &[Survivor<'_>],
        from: u32,
        (to, mut offset): (u32, usize),
        report: &mut CleanReport,
        guard: &Guard,
    ) {
        let (mut dead, mut useless) = (0, 0);
        for entry in copied {
            let writer = self.index.lock(entry.hash);
            let place = writer.place_of(entry.hash, Location::pack(0, from, entry.offset));
            if let Some(place) = place {
                writer.set(place, entry.hash, Location::pack(0, to, offset));
                dead += entry.bytes.len();
                report.entries_moved += 1;
            } else {
                useless += entry.bytes.len();
            }
            drop(writer);
            offset += entry.bytes.len();
        }
        report.bytes_moved += dead;
        // Of each pair of copies one is dead now.
        self.slots.remove_live(from, dead, guard);
        if useless > 0 {
            self.slots.remove_live(to, useless, guard);
        }
    }

    /// Copies as many entries as fit into the open survivor segment; gives where they are and how
    /// many. They count as live there from here on.
    fn append_survivors(
        &self,
        cleaner: &mut Cleaner,
        entries: &[Survivor<'_>],
        born: u64,
        guard: &Guard,
    ) -> Result<(u32, usize, usize), NoRoom> {
        for _ in 0..2 {
            let open = cleaner.survivors();
            if let Some((offset, count)) = self.append_batch(open, entries, guard) {
                self.slots.rejuvenate(open, born);
                return Ok((open, offset, count));
            }
            let segment = cleaner.take_from_reserve().ok_or(NoRoom)?;
            self.reserve_missing.fetch_add(1, Ordering::AcqRel);
            let number = self.slots.adopt(segment, State::Open, Some(born)).ok_or(NoRoom)?;
            let full = cleaner.open_survivors(number);
            if full != 0 {
                self.slots.seal(full);
            }
        }
        Err(NoRoom)
    }

    fn append_batch(&self, number: u32, entries: &[Survivor<'_>], guard: &Guard) -> Option<(usize, usize)> {
        let segment = self.slots.segment(number, guard)?;
        let mut room = segment.size() - segment.written();
        let mut parts: [&[u8]; BATCH] = [&[]; BATCH];
        let mut count = 0;
        for (entry, part) in entries.iter().zip(&mut parts) {
            let Some(left) = room.checked_sub(entry.bytes.len()) else { break };
            (room, *part) = (left, entry.bytes);
            count += 1;
        }
        if count == 0 {
            return None;
        }
        Some((segment.append(&parts[..count])?, count))
    }
}
