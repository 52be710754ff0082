//! The cleaner: chooses sealed segments, copies what lives in them together, and lets them go.
//!
//! Which segments: those with the largest `(1 - u) * age / (1 + u)`, where `u` is the live share: the space
//! won times how long it is likely to stay won, over the cost of reading and copying (Rosenblum and
//! Ousterhout, "The Design and Implementation of a Log-Structured File System", 1992). How an entry is
//! moved: copied into the survivor segment without any lock, then its word in the index is exchanged under
//! the lock of the shard, if it still names the old place. Readers find the old copy or the new one; the
//! old segment is reused after the last reader that could see it.

use crate::sync::atomic::Ordering;

use crate::sync::epoch::Guard;

use super::api::Store;
use super::entry::Entry;
use super::slots::{State, Weighed};
use super::statistics::CleanReport;
use crate::error::Error;
use crate::index::tag_of;
use crate::location::Location;
use crate::pool::{Pool, Segment};

/// When memory has run out, segments with at least this share of dead bytes (one in so many) are cleaned.
/// It bounds the copying to 63 bytes per byte won, and makes every segment cleaned a step forward.
pub(super) const MIN_DEAD_SHARE: usize = 64;
/// When free segments are merely few, only segments with at least a quarter of dead bytes are.
pub(super) const WORTHWHILE_DEAD_SHARE: usize = 4;

/// What the cleaner keeps between steps.
#[derive(Debug)]
pub(super) struct Cleaner {
    /// Segments to copy into, refilled before everything else when memory becomes free.
    reserve: Vec<Segment>,
    reserve_target: usize,
    /// The segment that survivors are copied to now, 0 for none.
    survivors: u32,
    totals: CleanReport,
}

impl Cleaner {
    pub(super) fn new(pool: &Pool, reserve_target: usize) -> Result<Cleaner, Error> {
        let reserve = (0..reserve_target).map(|_| pool.try_take_segment()).collect::<Result<Vec<_>, _>>()?;
        Ok(Cleaner { reserve, reserve_target, survivors: 0, totals: CleanReport::default() })
    }

    pub(super) fn totals(&self) -> CleanReport {
        self.totals
    }

    pub(super) fn reserve_bytes(&self) -> usize {
        self.reserve.iter().map(Segment::size).sum()
    }

    /// Fills the reserve up as far as the pool allows; gives the number of segments still missing.
    fn refill(&mut self, pool: &Pool) -> usize {
        while self.reserve.len() < self.reserve_target {
            let Ok(segment) = pool.try_take_segment() else { break };
            self.reserve.push(segment);
        }
        self.reserve_target - self.reserve.len()
    }
}

/// Why a segment could not be emptied.
struct NoRoom;

impl Store {
    /// Takes a segment for entries to be written, but not before the cleaner has its reserve back: without it
    /// nothing could be cleaned any more.
    pub(super) fn take_segment(&self) -> Option<Segment> {
        if self.reserve_missing.load(Ordering::Acquire) == 0 {
            return self.pool.try_take_segment().ok();
        }
        let mut cleaner = self.cleaner.lock();
        self.refill(&mut cleaner);
        self.pool.try_take_segment().ok()
    }

    fn refill(&self, cleaner: &mut Cleaner) {
        let missing = cleaner.refill(&self.pool);
        self.reserve_missing.store(missing, Ordering::Release);
    }

    /// Empties segments until one whole segment is won or the room for survivors ends. Only segments with at
    /// least one dead byte in `dead_share` are considered.
    pub(super) fn clean_step(&self, dead_share: usize) -> CleanReport {
        let mut cleaner = self.cleaner.lock();
        self.collect();
        self.refill(&mut cleaner);
        let mut report = CleanReport::default();
        let mut won = 0;
        for victim in self.victims(dead_share) {
            // A guard per segment: a long one would hold up the reuse of all that was cleaned.
            let guard = crate::sync::epoch::pin();
            if self.empty(&mut cleaner, victim, &mut report, &guard).is_err() {
                break;
            }
            won += victim.size - victim.live.min(victim.size);
            if won >= self.pool.segment_bytes() {
                break;
            }
        }
        self.collect();
        self.refill(&mut cleaner);
        cleaner.totals.add(&report);
        report
    }

    /// Sealed segments worth cleaning, the best first.
    fn victims(&self, dead_share: usize) -> Vec<Weighed> {
        let guard = crate::sync::epoch::pin();
        let now = self.slots.now();
        let sealed = self.slots.in_state(State::Sealed, &guard);
        let mut victims: Vec<(f64, Weighed)> = sealed
            .filter(|segment| {
                segment.live == 0 || segment.written.saturating_sub(segment.live) >= segment.size / dead_share
            })
            .map(|segment| (benefit_over_cost(&segment, now), segment))
            .collect();
        victims.sort_by(|one, other| other.0.total_cmp(&one.0));
        victims.into_iter().map(|(_, segment)| segment).collect()
    }

    fn empty(
        &self,
        cleaner: &mut Cleaner,
        victim: Weighed,
        report: &mut CleanReport,
        guard: &Guard,
    ) -> Result<(), NoRoom> {
        let Some(segment) = self.slots.segment(victim.number, guard) else { return Ok(()) };
        let written = segment.committed();
        let mut offset = 0;
        // Entries whose write is under way count as live, so that no live bytes means nothing to look for.
        while self.slots.live(victim.number) > 0 {
            let Some(entry) = Entry::read(written, offset) else { break };
            self.relocate(cleaner, &entry, (victim, offset), report, guard)?;
            offset += entry.bytes.len();
        }
        // Always so; but a segment is never let go on faith.
        if self.slots.live(victim.number) == 0 {
            self.slots.retire(victim.number, guard);
            report.segments_emptied += 1;
            report.bytes_reclaimed += victim.size - victim.live.min(victim.size);
        }
        Ok(())
    }

    /// Moves one entry if it is current.
    fn relocate(
        &self,
        cleaner: &mut Cleaner,
        entry: &Entry<'_>,
        (victim, offset): (Weighed, usize),
        report: &mut CleanReport,
        guard: &Guard,
    ) -> Result<(), NoRoom> {
        let hash = self.hash(entry.key);
        let old = Location::pack(tag_of(hash), victim.number, offset);
        // Under the lock, for an entry that is just being written is named only when its writer lets go.
        if self.index.lock(hash).place_of(hash, old).is_none() {
            return Ok(());
        }
        let bytes = entry.bytes.len();
        let (number, new_offset) = self.append_survivor(cleaner, entry.bytes, victim.born, guard)?;
        let new = Location::pack(tag_of(hash), number, new_offset);
        let moved = {
            let writer = self.index.lock(hash);
            let place = writer.place_of(hash, old);
            place.inspect(|place| writer.set(*place, new)).is_some()
        };
        // One of the two copies is dead now.
        self.slots.remove_live(if moved { victim.number } else { number }, bytes, guard);
        if moved {
            report.entries_moved += 1;
            report.bytes_moved += bytes;
        }
        Ok(())
    }

    /// Copies an entry into the survivor segment; it counts as live there from here on.
    fn append_survivor(
        &self,
        cleaner: &mut Cleaner,
        entry: &[u8],
        born: u64,
        guard: &Guard,
    ) -> Result<(u32, usize), NoRoom> {
        let append = |number: u32| {
            let offset = self.slots.segment(number, guard)?.append(&[entry])?;
            Some((number, offset))
        };
        if let Some(place) = append(cleaner.survivors) {
            return Ok(place);
        }
        let segment = cleaner.reserve.pop().ok_or(NoRoom)?;
        self.reserve_missing.fetch_add(1, Ordering::AcqRel);
        let number = self.slots.adopt(segment, State::Open, Some(born)).ok_or(NoRoom)?;
        let full = std::mem::replace(&mut cleaner.survivors, number);
        if full != 0 {
            self.slots.seal(full);
        }
        append(number).ok_or(NoRoom)
    }
}

fn benefit_over_cost(segment: &Weighed, now: u64) -> f64 {
    if segment.live == 0 {
        return f64::INFINITY;
    }
    let size = segment.size as f64;
    let live = segment.live as f64;
    let age = now.saturating_sub(segment.born) as f64 + 1.0;
    (size - live) * age / (size + live)
}
