//! The log's segments by number: grows under a lock, is read without one, and never moves an element.

use std::sync::OnceLock;

use crate::sync::Mutex;

use crate::error::Error;
use crate::location::SEGMENT_BITS;
use crate::pool::{Charge, Pool, Segment};

/// Segments numbered from 1. Bucket `b` holds the numbers from `2^b` to `2^(b+1) - 1`, so that a number's
/// place follows from its highest bit and growth never moves what is there.
#[derive(Debug)]
pub(super) struct Directory {
    buckets: [OnceLock<Bucket>; SEGMENT_BITS as usize],
    /// Number for the next segment; the lock makes pushers take turns.
    next: Mutex<u32>,
}

#[derive(Debug)]
struct Bucket {
    slots: Box<[OnceLock<Segment>]>,
    /// The bucket's own bytes, counted in the budget.
    _charge: Charge,
}

impl Directory {
    pub(super) fn new() -> Directory {
        Directory { buckets: [const { OnceLock::new() }; SEGMENT_BITS as usize], next: Mutex::new(1) }
    }

    /// The segment of that number, if there is one. Constant time, never blocks.
    pub(super) fn get(&self, number: u32) -> Option<&Segment> {
        let bucket = number.checked_ilog2()?;
        self.buckets.get(bucket as usize)?.get()?.slots.get((number - (1 << bucket)) as usize)?.get()
    }

    /// Adds a segment; gives its number and the bytes by which the directory grew.
    pub(super) fn push(&self, pool: &Pool, segment: Segment) -> Result<(u32, usize), Error> {
        let mut next = self.next.lock();
        let number = *next;
        let exhausted = || Error::OutOfMemory {
            requested: segment.size(),
            capacity: pool.capacity_bytes(),
            used: pool.statistics().used_bytes,
            awaiting_readers: 0,
        };
        let bucket_index = number.ilog2();
        let bucket = self.buckets.get(bucket_index as usize).ok_or_else(exhausted)?;
        let mut grown = 0;
        if bucket.get().is_none() {
            let count = 1_usize << bucket_index;
            let charge = pool.charge(count * size_of::<OnceLock<Segment>>())?;
            grown = charge.bytes();
            let slots = std::iter::repeat_with(OnceLock::new).take(count).collect();
            bucket.get_or_init(|| Bucket { slots, _charge: charge });
        }
        if let Some(slot) = bucket.get().and_then(|b| b.slots.get((number - (1 << bucket_index)) as usize)) {
            slot.get_or_init(|| segment);
        }
        *next = number + 1;
        Ok((number, grown))
    }
}
