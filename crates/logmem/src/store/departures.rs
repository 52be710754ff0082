//! Segments that left a store and wait for readers; and values that someone holds.

use crate::memory::{Leaving, Pinned};
use crate::pool::{Pool, Segment};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Segments on their way back to the pool.
#[derive(Debug)]
pub(crate) struct Departures {
    pool: Pool,
    /// Bytes of all of them.
    bytes: AtomicUsize,
    /// Those that no pinned thread looks at any more, but someone who holds a value.
    held: Mutex<Vec<(Leaving, Then)>>,
    /// Their number, to be looked at without the lock.
    held_count: AtomicUsize,
    /// Those that came back to their owner.
    back: Mutex<Vec<Segment>>,
}

/// What becomes of a segment when no reader is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    /// It goes to the pool, for whoever needs it.
    Free,
    /// Its owner gets it back.
    Return,
}

impl Departures {
    pub(super) fn new(pool: &Pool) -> Departures {
        Departures {
            pool: pool.clone(),
            bytes: AtomicUsize::new(0),
            held: Mutex::default(),
            held_count: AtomicUsize::new(0),
            back: Mutex::default(),
        }
    }

    /// Bytes that left and are not free yet.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts a segment that is about to leave.
    pub(super) fn announce(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes an announcement back.
    pub(super) fn revoke(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A segment that came back to its owner.
    pub(super) fn take_back(&self) -> Option<Segment> {
        self.back.lock().pop()
    }

    /// Gives an announced segment to the pool or its owner, or keeps it until nobody holds a value in it.
    pub(super) fn depart(&self, leaving: Leaving, then: Then) {
        match leaving.free() {
            Ok(chunk) => {
                let bytes = chunk.size();
                match then {
                    Then::Free => self.pool.give_back(chunk),
                    Then::Return => self.back.lock().push(self.pool.renew(chunk)),
                }
                self.revoke(bytes);
            }
            Err(leaving) => {
                let mut held = self.held.lock();
                held.push((leaving, then));
                self.held_count.store(held.len(), Ordering::Relaxed);
            }
        }
    }

    /// Looks again after those in which someone held a value.
    pub(super) fn retry(&self) {
        if self.held_count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let held = {
            let mut held = self.held.lock();
            self.held_count.store(0, Ordering::Relaxed);
            std::mem::take(&mut *held)
        };
        held.into_iter().for_each(|(leaving, then)| self.depart(leaving, then));
    }
}

/// A value that someone holds.
pub(crate) enum Held<'a> {
    /// Where it lies; there until it is dropped.
    InPlace {
        pinned: Option<Pinned<'a>>,
        departures: &'a Departures,
    },
    Copied(Box<[u8]>),
}

impl Held<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Held::InPlace { pinned, .. } => pinned.as_ref().map_or(&[], Pinned::bytes),
            Held::Copied(bytes) => bytes,
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Held::InPlace { pinned, departures } = self {
            drop(pinned.take());
            departures.retry();
        }
    }
}
