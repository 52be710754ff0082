//! Segments that left a store and wait for readers; and values that someone holds.

use crate::memory::{Leaving, Pinned};
use crate::pool::Pool;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Segments on their way back to the pool.
#[derive(Debug)]
pub(crate) struct Departures {
    pool: Pool,
    /// Bytes of all of them.
    bytes: AtomicUsize,
    /// Those that no pinned thread looks at any more, but someone who holds a value.
    held: Mutex<Vec<Leaving>>,
    /// Their number, to be looked at without the lock.
    held_count: AtomicUsize,
}

impl Departures {
    pub(super) fn new(pool: &Pool) -> Departures {
        Departures {
            pool: pool.clone(),
            bytes: AtomicUsize::new(0),
            held: Mutex::default(),
            held_count: AtomicUsize::new(0),
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

    /// Gives an announced segment back to the pool, or keeps it until nobody holds a value in it.
    pub(super) fn depart(&self, leaving: Leaving) {
        match leaving.free() {
            Ok(chunk) => {
                let bytes = chunk.size();
                self.pool.give_back(chunk);
                self.revoke(bytes);
            }
            Err(leaving) => {
                let mut held = self.held.lock();
                held.push(leaving);
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
        held.into_iter().for_each(|leaving| self.depart(leaving));
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
