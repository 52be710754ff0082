//! The hand that goes through the oldest segments: what is worth keeping is copied, the rest forgotten.
//!
//! Segments wait in two lines: those of new entries, on probation, and those of entries kept before. The hand
//! takes from the first as long as that is longer than its share, else from the second. But a segment all of
//! whose entries have expired goes before any other, and one of kept entries less than half of which are
//! current is cleaned before more is evicted. An entry is moved under the lock of its shard; readers find the
//! old copy or the new one, or neither, once it is dropped.

use super::api::Shared;
use super::heads::{NEVER, Queues, Waiting};
use super::judge::Judge;
use super::read::expiry_of;
use super::statistics::add;
use crate::error::Error;
use crate::index::{heat_of, with_heat};
use crate::location::Location;
use crate::pool::{Pool, Segment};
use crate::store::entry::Entry;
use crate::store::slots::State;
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;

// The figures were found by trying: docs/decisions/021-cache.md.

/// New entries get one in so many of the segments.
const PROBATION_SHARE: usize = 20;
/// Of 256 bytes of new entries, so many are dropped at least.
const NEW_DROP_SHARE: u64 = 200;
/// Of 256 bytes of kept entries looked at again, so many are dropped.
const DROP_SHARE: u64 = 96;
/// The judges look back on one in so many bytes of the cache.
const NEW_JUDGE_SHARE: usize = 16;
const JUDGE_SHARE: usize = 8;
/// Segments set aside to copy into.
pub(super) const RESERVE: usize = 1;

/// What the hand keeps between steps.
#[derive(Debug)]
pub(super) struct Evictor {
    victim: Option<Victim>,
    /// The segment that kept entries are copied to, and when the last of them expires.
    survivors: Waiting,
    reserve: Vec<Segment>,
    /// Nothing is kept as long as this is set: the way out if all that is gone through is worth keeping.
    keeps_nothing: bool,
    /// Who judges entries on probation, and those that were kept before.
    of_new: Judge,
    of_kept: Judge,
}

/// The segment that is being gone through.
#[derive(Clone, Copy, Debug)]
struct Victim {
    number: u32,
    offset: usize,
    lot: Lot,
}

/// What is in store for a segment's entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lot {
    /// They are new: most are dropped.
    New,
    /// They were kept before: some are dropped.
    Kept,
    /// They are the few left in a segment of outdated ones: all are kept.
    Few,
}

/// What a step of eviction did.
pub(super) struct Step {
    /// Bytes of the segments that were emptied.
    pub(super) freed: usize,
    /// There is no sealed segment left.
    pub(super) exhausted: bool,
}

impl Evictor {
    /// Takes its reserve from the pool.
    pub(super) fn new(pool: &Pool, most_bytes: usize) -> Result<Evictor, Error> {
        let reserve = (0..RESERVE).map(|_| pool.take_segment()).collect::<Result<Vec<_>, _>>()?;
        Ok(Evictor {
            victim: None,
            survivors: Waiting { number: 0, latest_expiry: 0, was_held: false },
            reserve,
            keeps_nothing: false,
            of_new: Judge::new((most_bytes / NEW_JUDGE_SHARE) as u64, NEW_DROP_SHARE),
            of_kept: Judge::new((most_bytes / JUDGE_SHARE) as u64, DROP_SHARE),
        })
    }

    pub(super) fn wants_reserve(&self) -> bool {
        self.reserve.len() < RESERVE
    }

    /// Keeps a segment to copy into, or gives it back if there are enough.
    pub(super) fn put_aside(&mut self, segment: Segment) -> Option<Segment> {
        if !self.wants_reserve() {
            return Some(segment);
        }
        self.reserve.push(segment);
        None
    }

    #[cfg(test)]
    pub(super) fn set_aside(&self) -> usize {
        self.reserve.len()
    }

    /// Runs something under which nothing is kept.
    pub(super) fn without_mercy<T>(&mut self, run: impl FnOnce(&mut Evictor) -> T) -> T {
        self.keeps_nothing = true;
        let done = run(self);
        self.keeps_nothing = false;
        done
    }

    /// A segment set aside for new entries: if there are more than keeping needs, or anyway.
    pub(super) fn spare(&mut self, anyway: bool) -> Option<Segment> {
        if self.reserve.len() > RESERVE || anyway { self.reserve.pop() } else { None }
    }
}

impl Shared {
    /// Goes through about `limit` bytes of the victim, or to its end.
    pub(super) fn advance(&self, evictor: &mut Evictor, limit: usize) -> Step {
        let Some(mut victim) = evictor.victim.take().or_else(|| self.next_victim()) else {
            return Step { freed: 0, exhausted: true };
        };
        if victim.offset == 0 && !self.slots.begin_emptying(victim.number) {
            // Someone holds a value in it, so that emptying it would free nothing now.
            self.queues.lock().main.push_back(Waiting {
                number: victim.number,
                latest_expiry: NEVER,
                was_held: true,
            });
            return Step { freed: 0, exhausted: false };
        }
        let guard = crate::sync::epoch::pin();
        let Some(segment) = self.slots.segment(victim.number, &guard) else {
            return Step { freed: 0, exhausted: false };
        };
        let written = segment.committed();
        let end = victim.offset.saturating_add(limit);
        // Entries being inserted count as live, so that no live bytes means nothing to look for.
        while victim.offset < end && self.slots.live(victim.number) > 0 {
            let Some(entry) = Entry::read(written, victim.offset) else { break };
            self.consider(evictor, victim, &entry, &guard);
            victim.offset += entry.bytes.len();
            // Each time, for a step takes away a few buckets only; mostly there is nothing to do.
            self.index.shrink(self);
        }
        let mut freed = 0;
        if self.slots.live(victim.number) == 0 {
            freed = segment.size();
            self.let_go(victim.number, &guard);
        } else if victim.offset < written.len() {
            evictor.victim = Some(victim);
        } else {
            // At its end nothing is live; but a segment is never let go, or lost, on faith.
            self.queues.lock().main.push_back(Waiting {
                number: victim.number,
                latest_expiry: NEVER,
                was_held: true,
            });
        }
        Step { freed, exhausted: false }
    }

    /// The segment to go through next.
    fn next_victim(&self) -> Option<Victim> {
        let mut queues = self.queues.lock();
        let now = self.now();
        let victim = |waiting: Waiting, lot| Victim { number: waiting.number, offset: 0, lot };
        if self.options.clock.is_some() {
            let Queues { probation, main } = &mut *queues;
            for (queue, lot) in [(probation, Lot::New), (main, Lot::Kept)] {
                if let Some(place) = queue.iter().position(|waiting| waiting.latest_expiry <= now) {
                    return queue.remove(place).map(|waiting| victim(waiting, lot));
                }
            }
        }
        let half = self.pool.segment_bytes() / 2;
        let is_sparse = |waiting: &Waiting| !waiting.was_held && self.slots.live(waiting.number) < half;
        if let Some(place) = queues.main.iter().position(is_sparse) {
            return queues.main.remove(place).map(|waiting| victim(waiting, Lot::Few));
        }
        let share =
            (self.segments.load(Ordering::Relaxed) / PROBATION_SHARE).saturating_sub(self.heads.count());
        let new_first = queues.probation.len() > share || queues.main.is_empty();
        let new = new_first && !queues.probation.is_empty();
        let next = if new { queues.probation.pop_front() } else { queues.main.pop_front() };
        next.map(|waiting| victim(waiting, if new { Lot::New } else { Lot::Kept }))
    }

    /// Keeps or drops one entry, if it is current.
    fn consider(&self, evictor: &mut Evictor, victim: Victim, entry: &Entry<'_>, guard: &Guard) {
        let hash = self.hash(entry.key);
        let old = Location::pack(0, victim.number, victim.offset);
        let writer = self.index.lock(hash);
        let Some((place, word)) = writer.find(hash, |at| with_heat(at, 0) == old) else { return };
        let (heat, bytes) = (heat_of(word), entry.bytes.len());
        let is_fresh = self.is_fresh(entry);
        let is_worth_it = match victim.lot {
            // What was never read does not get further, be it as small as it may.
            Lot::New => evictor.of_new.keeps(heat, bytes, hash) && heat > 0,
            Lot::Kept => evictor.of_kept.keeps(heat, bytes, hash),
            Lot::Few => true,
        };
        let keeps = is_fresh && is_worth_it && !evictor.keeps_nothing;
        let kept = if keeps { self.append_survivor(evictor, entry, guard) } else { None };
        match kept {
            Some((number, offset)) => {
                let cooler = if victim.lot == Lot::Kept { heat * 3 / 4 } else { heat };
                writer.set(place, hash, with_heat(Location::pack(0, number, offset), cooler));
                add(&self.counters.kept, 1);
                add(&self.counters.kept_bytes, bytes as u64);
            }
            None => {
                writer.remove(place);
                if is_fresh {
                    self.ghost.remember(hash, heat);
                }
                add(if is_fresh { &self.counters.evicted } else { &self.counters.expired }, 1);
            }
        }
        self.slots.remove_live(victim.number, bytes, guard);
    }

    /// Copies an entry to the survivors; `None` if there is no segment for it.
    fn append_survivor(
        &self,
        evictor: &mut Evictor,
        entry: &Entry<'_>,
        guard: &Guard,
    ) -> Option<(u32, usize)> {
        let append = |number: u32| Some((number, self.slots.segment(number, guard)?.append(&[entry.bytes])?));
        let place = append(evictor.survivors.number).or_else(|| {
            let segment = evictor.reserve.pop().or_else(|| self.take_free())?;
            let number = self.slots.adopt(segment, State::Open, None)?;
            let full = std::mem::replace(
                &mut evictor.survivors,
                Waiting { number, latest_expiry: 0, was_held: false },
            );
            if full.number != 0 {
                self.slots.seal(full.number);
                self.queues.lock().main.push_back(full);
            }
            append(number)
        })?;
        let survivors = &mut evictor.survivors;
        survivors.latest_expiry = survivors.latest_expiry.max(expiry_of(entry));
        Some(place)
    }
}
