//! The cleaner: goes through chosen segments slice by slice, and lets them go when they are empty.
//!
//! One thread at a time cleans: a writer that pays its share, one that ran out of memory, or a thread in the
//! background. What is under way is kept between slices, so that anybody can go on with it.
//!
//! The reserve: survivors of one victim fit one empty segment, since they come from one. So each victim takes
//! at most one segment from the reserve, and gives one back as soon as its last reader is gone. A reserve of
//! one is enough to go on for ever; more let the cleaner run ahead of readers.

use std::collections::VecDeque;
use std::mem;

use super::core::Core;
use super::relocate::NoRoom;
use super::slots::{State, Weighed};
use super::statistics::CleanReport;
use crate::error::Error;
use crate::pool::{Pool, Segment};
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;

/// What the cleaner keeps between slices.
#[derive(Debug)]
pub(super) struct Cleaner {
    /// Segments to copy into, refilled before everything else when memory becomes free.
    reserve: Vec<Segment>,
    reserve_target: usize,
    /// The segment that survivors are copied to now, 0 for none.
    survivors: u32,
    /// Chosen to be cleaned, oldest first.
    victims: VecDeque<Weighed>,
    /// The victim under way and how far it has been read.
    current: Option<(Weighed, usize)>,
    totals: CleanReport,
    /// Bytes read and won since the pace was told.
    read: usize,
    won: usize,
}

/// What one slice did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slice {
    pub(super) report: CleanReport,
    /// At least one victim ended.
    pub(super) ended: bool,
    /// There is nothing worth cleaning, or no room to copy to.
    pub(super) exhausted: bool,
}

impl Cleaner {
    pub(super) fn new(pool: &Pool, reserve_target: usize) -> Result<Cleaner, Error> {
        let reserve = (0..reserve_target).map(|_| pool.try_take_segment()).collect::<Result<Vec<_>, _>>()?;
        Ok(Cleaner {
            reserve,
            reserve_target,
            survivors: 0,
            victims: VecDeque::new(),
            current: None,
            totals: CleanReport::default(),
            read: 0,
            won: 0,
        })
    }

    pub(super) fn totals(&self) -> CleanReport {
        self.totals
    }

    pub(super) fn reserve_bytes(&self) -> usize {
        self.reserve.iter().map(Segment::size).sum()
    }

    /// The open survivor segment, 0 for none.
    pub(super) fn survivors(&self) -> u32 {
        self.survivors
    }

    /// Makes another segment the open one; gives the one before.
    pub(super) fn open_survivors(&mut self, number: u32) -> u32 {
        mem::replace(&mut self.survivors, number)
    }

    pub(super) fn take_from_reserve(&mut self) -> Option<Segment> {
        self.reserve.pop()
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

impl Core {
    /// Takes a segment for entries to be written, but not before the cleaner has its reserve back: without it
    /// nothing could be cleaned any more.
    pub(super) fn take_segment(&self) -> Option<Segment> {
        if self.reserve_missing.load(Ordering::Acquire) != 0 {
            let mut cleaner = self.cleaner.lock();
            self.refill(&mut cleaner);
        }
        self.pool.try_take_segment().ok()
    }

    fn refill(&self, cleaner: &mut Cleaner) {
        let missing = cleaner.refill(&self.pool);
        self.reserve_missing.store(missing, Ordering::Release);
    }

    /// Cleans until about one whole segment is won or nothing more can be.
    pub(super) fn clean_step(&self) -> CleanReport {
        let mut cleaner = self.cleaner.lock();
        let mut report = CleanReport::default();
        // More slices than there are segments would mean that nothing is won.
        for _ in 0..=self.pool.capacity_bytes() / self.pool.segment_bytes() {
            if report.bytes_reclaimed >= self.pool.segment_bytes() {
                break;
            }
            let slice = self.clean_slice(&mut cleaner, self.pool.segment_bytes());
            report.add(&slice.report);
            if slice.exhausted {
                break;
            }
        }
        report
    }

    /// Goes through about so many bytes of victims.
    pub(super) fn clean_slice(&self, cleaner: &mut Cleaner, bytes: usize) -> Slice {
        let mut slice = Slice::default();
        let mut read = 0;
        while read < bytes {
            let Some((victim, offset)) = self.next_victim(cleaner, &mut slice.report) else {
                slice.exhausted = true;
                break;
            };
            // A guard for each batch: a long one would hold up the reuse of all that was cleaned.
            let guard = crate::sync::epoch::pin();
            let most = bytes - read;
            match self.relocate_batch(cleaner, victim, offset, most, &mut slice.report, &guard) {
                Ok(Some(next)) => {
                    read += next - offset;
                    cleaner.current = Some((victim, next));
                }
                Ok(None) => {
                    read += victim.written.saturating_sub(offset).max(1);
                    cleaner.current = None;
                    slice.ended |= self.end_victim(cleaner, victim, &mut slice.report, &guard);
                    drop(guard);
                    self.slots.collect();
                    self.refill(cleaner);
                }
                Err(NoRoom) => {
                    drop(guard);
                    if !self.find_reserve(cleaner, &mut slice) {
                        slice.exhausted = true;
                        break;
                    }
                }
            }
        }
        cleaner.totals.add(&slice.report);
        slice
    }

    /// Refills the reserve when it has run out, from segments that died by themselves or that readers have let
    /// go of; whether there is something in it now.
    fn find_reserve(&self, cleaner: &mut Cleaner, slice: &mut Slice) -> bool {
        self.free_dead(cleaner, &mut slice.report);
        self.slots.collect();
        self.refill(cleaner);
        !cleaner.reserve.is_empty()
    }

    /// Lets all segments go in which nothing lives, without reading them.
    fn free_dead(&self, cleaner: &mut Cleaner, report: &mut CleanReport) {
        let guard = crate::sync::epoch::pin();
        for state in [State::Sealed, State::Emptying] {
            for segment in self.slots.in_state(state, &guard).filter(|segment| segment.live == 0) {
                // Its number will be used again, so it must not stay on the list.
                cleaner.victims.retain(|victim| victim.number != segment.number);
                cleaner.current.take_if(|(victim, _)| victim.number == segment.number);
                self.slots.retire(segment.number, &guard);
                report.segments_emptied += 1;
                report.bytes_reclaimed += segment.size;
            }
        }
    }

    /// The victim under way, or the next one; chooses others if there is none.
    fn next_victim(&self, cleaner: &mut Cleaner, report: &mut CleanReport) -> Option<(Weighed, usize)> {
        if let Some(current) = cleaner.current {
            return Some(current);
        }
        if cleaner.victims.is_empty() {
            if cleaner.won > 0 {
                self.pace.learn(mem::take(&mut cleaner.read), mem::take(&mut cleaner.won));
            }
            self.free_dead(cleaner, report);
            cleaner.victims = self.choose_victims();
        }
        loop {
            let victim = cleaner.victims.pop_front()?;
            if self.slots.begin_emptying(victim.number) {
                cleaner.current = Some((victim, 0));
                return cleaner.current;
            }
        }
    }

    /// Lets a victim go that has been read to its end; whether it could.
    fn end_victim(
        &self,
        cleaner: &mut Cleaner,
        victim: Weighed,
        report: &mut CleanReport,
        guard: &Guard,
    ) -> bool {
        // Always so after a pass that waited for writers; but a segment is never let go on faith.
        if self.slots.live(victim.number) != 0 {
            return false;
        }
        self.slots.retire(victim.number, guard);
        let won = victim.size - victim.live.min(victim.size);
        report.segments_emptied += 1;
        report.bytes_reclaimed += won;
        cleaner.read += victim.size;
        cleaner.won += won;
        true
    }
}
