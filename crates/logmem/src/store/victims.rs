//! Which segments to clean: those that promise most for the work.
//!
//! Chosen are those with the largest `(1 - u) * age / (1 + u)`, where `u` is the live share: the space won
//! times how long it is likely to stay won, over the cost of reading and copying (Rosenblum and Ousterhout,
//! "The Design and Implementation of a Log-Structured File System", 1992). Several are chosen at a time, so
//! that what survives fills whole segments, and are handled from the oldest on, so that entries of like age
//! come together (Rumble, Kejriwal and Ousterhout, FAST 2014, section 3.3). The age of a segment is the time
//! since its youngest entry was written, counted in segments opened; deaths do not change it.

use std::collections::VecDeque;

use super::core::Core;
use super::slots::{State, Weighed};

/// Segments with at least this share of dead bytes (one in so many) are cleaned. It bounds the copying to 127
/// bytes per byte won, and makes every segment cleaned a step forward.
const MIN_DEAD_SHARE: usize = 128;
/// At least one segment in so many is chosen at a time, so that looking at all of them pays.
const SEGMENTS_PER_CHOICE: usize = 128;

impl Core {
    /// Chooses segments that together give at least one whole one, and gives them oldest first; none if none is
    /// worth it. Linear in the number of segments.
    pub(super) fn choose_victims(&self) -> VecDeque<Weighed> {
        let guard = crate::sync::epoch::pin();
        let now = self.slots.now();
        let mut all = 0;
        let mut worthwhile: Vec<(f64, Weighed)> = Vec::new();
        for segment in self.slots.in_state(State::Sealed, &guard) {
            all += 1;
            let dead = segment.written.saturating_sub(segment.live);
            if dead >= (segment.size / MIN_DEAD_SHARE).max(1) {
                worthwhile.push((benefit_over_cost(&segment, now), segment));
            }
        }
        drop(guard);
        let least = 1 + all / SEGMENTS_PER_CHOICE;
        let mut victims = best(worthwhile, least, self.pool.segment_bytes());
        victims.sort_unstable_by_key(|segment| segment.born);
        victims.into()
    }
}

/// The best ones: at least `least`, and as many as win `wanted` bytes.
fn best(mut candidates: Vec<(f64, Weighed)>, least: usize, wanted: usize) -> Vec<Weighed> {
    let mut count = least.max(8);
    loop {
        if count < candidates.len() {
            candidates.select_nth_unstable_by(count, |one, other| other.0.total_cmp(&one.0));
        }
        let all = candidates.len();
        let first = &mut candidates[..count.min(all)];
        first.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
        let mut won = 0;
        let enough = first.iter().position(|(_, segment)| {
            won += segment.size - segment.live.min(segment.size);
            won >= wanted
        });
        let taken = enough.map_or(first.len(), |last| last + 1).max(least.min(first.len()));
        if enough.is_some() || count >= all {
            return candidates[..taken].iter().map(|(_, segment)| *segment).collect();
        }
        count *= 2;
    }
}

fn benefit_over_cost(segment: &Weighed, now: u64) -> f64 {
    let size = segment.size as f64;
    let live = segment.live as f64;
    let age = now.saturating_sub(segment.born) as f64 + 1.0;
    (size - live) * age / (size + live)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: u32, live: usize, born: u64) -> Weighed {
        Weighed { number, live, written: 1000, size: 1000, born }
    }

    #[test]
    fn prefers_the_emptier_then_the_older() {
        let ranks = [segment(1, 100, 50), segment(2, 300, 50), segment(3, 600, 50), segment(4, 600, 90)];
        let scores = ranks.map(|segment| benefit_over_cost(&segment, 100));
        assert!(scores.is_sorted_by(|one, other| one > other), "{scores:?}");
    }

    #[test]
    fn an_old_segment_is_chosen_before_an_emptier_young_one() {
        let (old, young) = (segment(1, 900, 0), segment(2, 700, 995));
        assert!(benefit_over_cost(&old, 1000) > benefit_over_cost(&young, 1000));
    }

    #[test]
    fn takes_as_many_as_win_a_whole_segment() {
        let candidates = |count: u32| (0..count).map(|n| (f64::from(n), segment(n, 900, 0))).collect();
        assert_eq!(best(candidates(100), 1, 1000).len(), 10);
        assert_eq!(best(candidates(100), 30, 1000).len(), 30);
        assert_eq!(best(candidates(5), 1, 1000).len(), 5, "all there are");
        let numbers: Vec<u32> = best(candidates(100), 1, 1000).iter().map(|segment| segment.number).collect();
        assert!(numbers.iter().all(|number| *number >= 90), "{numbers:?}");
        assert!(best(Vec::new(), 1, 1000).is_empty());
    }
}
