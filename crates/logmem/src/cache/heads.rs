//! The open segments that new entries are appended to, and the sealed ones in the order of their age.

use std::collections::VecDeque;

use super::api::Shared;
use crate::pool::Segment;
use crate::store::slots::State;

/// No entry of the segment lives longer: the second after which the segment holds nothing of use.
pub(super) const NEVER: u64 = u64::MAX;

/// One head: a segment and the lock under which it is appended to.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// 0 for none.
    pub(super) number: u32,
    /// When the last of its entries expires.
    pub(super) latest_expiry: u64,
}

/// A sealed segment in line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) number: u32,
    pub(super) latest_expiry: u64,
    /// Its turn had come, but someone held a value in it.
    pub(super) was_held: bool,
}

/// Sealed segments, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Queues {
    /// Entries on probation: inserted and never yet judged.
    pub(super) probation: VecDeque<Waiting>,
    /// Entries that were kept.
    pub(super) main: VecDeque<Waiting>,
}

impl Shared {
    /// Puts a segment in the place of a head's, unless that has got room for `bytes` meanwhile; gives the
    /// segment back then.
    pub(super) fn replace_head(&self, bytes: usize, segment: Segment) -> Option<Segment> {
        let mut head = self.heads.lock();
        if self.has_room(head.number, bytes) {
            return Some(segment);
        }
        let number = self.slots.adopt(segment, State::Open, None)?;
        let full = std::mem::replace(&mut *head, Head { number, latest_expiry: 0 });
        if full.number != 0 {
            self.slots.seal(full.number);
            let Head { number, latest_expiry } = full;
            let waiting = Waiting { number, latest_expiry, was_held: false };
            self.queues.lock().probation.push_back(waiting);
        }
        None
    }

    /// Whether an open segment can take so many bytes more.
    pub(super) fn has_room(&self, number: u32, bytes: usize) -> bool {
        let guard = crate::sync::epoch::pin();
        self.slots.segment(number, &guard).is_some_and(|open| open.size() - open.written() >= bytes)
    }
}
