//! The open segments that new entries are appended to, and the sealed ones in the order of their age.

use std::collections::VecDeque;

use super::api::Shared;
use crate::pool::Segment;
use crate::store::slots::State;
use crate::sync::{Mutex, MutexGuard};

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
}

/// Sealed segments, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Queues {
    /// Entries on probation: inserted and never yet judged.
    pub(super) probation: VecDeque<Waiting>,
    /// Entries that were kept.
    pub(super) main: VecDeque<Waiting>,
}

/// Fewer heads than one in so many segments, so that open ones do not take much of a small cache.
const SEGMENTS_PER_HEAD: usize = 64;
const MOST_HEADS: usize = 8;

/// Heads for a cache of that many segments.
pub(super) fn heads_for(segments: usize) -> Box<[Mutex<Head>]> {
    let count = (segments / SEGMENTS_PER_HEAD).clamp(1, MOST_HEADS);
    std::iter::repeat_with(|| Mutex::new(Head::default())).take(count).collect()
}

impl Shared {
    /// The head for keys of that hash.
    pub(super) fn head(&self, hash: u64) -> MutexGuard<'_, Head> {
        self.heads[(hash >> 16) as usize % self.heads.len()].lock()
    }

    /// Puts a segment in the place of the head's, unless that has got room for `bytes` meanwhile; gives the
    /// segment back then.
    pub(super) fn replace_head(&self, hash: u64, bytes: usize, segment: Segment) -> Option<Segment> {
        let mut head = self.head(hash);
        if self.has_room(head.number, bytes) {
            return Some(segment);
        }
        let number = self.slots.adopt(segment, State::Open, None)?;
        let full = std::mem::replace(&mut *head, Head { number, latest_expiry: 0 });
        if full.number != 0 {
            self.slots.seal(full.number);
            let waiting = Waiting { number: full.number, latest_expiry: full.latest_expiry };
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
