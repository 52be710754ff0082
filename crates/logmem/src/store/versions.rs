//! Versions of keys: small numbers that still rise across removals.
//!
//! Keys are divided by their hashes into groups, about one for 32 KiB of the budget. Each group remembers the
//! largest version that any of its keys had when it was removed, and a new key of the group gets the next
//! one. An overwritten key counts on from its own. So most versions take one byte in front of an entry, where
//! one counter for the whole store would take four or five.

use crate::error::Error;
use crate::pool::{Charge, Pool};
use crate::sync::atomic::{AtomicU64, Ordering};

const BYTES_PER_GROUP: usize = 32 << 10;
const LEAST_GROUPS: usize = 16;
const MOST_GROUPS: usize = 1 << 20;

/// What the groups remember.
#[derive(Debug)]
pub(super) struct Versions {
    removed: Box<[AtomicU64]>,
    charge: Charge,
}

impl Versions {
    pub(super) fn new(pool: &Pool) -> Result<Versions, Error> {
        let groups = (pool.capacity_bytes() / BYTES_PER_GROUP).next_power_of_two();
        let groups = groups.clamp(LEAST_GROUPS, MOST_GROUPS);
        let charge = pool.charge(groups * size_of::<AtomicU64>())?;
        Ok(Versions { removed: std::iter::repeat_with(AtomicU64::default).take(groups).collect(), charge })
    }

    /// The version for a key that is new or, if it has one, is overwritten. Under the lock of its shard.
    pub(super) fn next(&self, hash: u64, present: Option<u64>) -> u64 {
        present.unwrap_or_else(|| self.group(hash).load(Ordering::Relaxed)) + 1
    }

    /// Remembers that a key was removed. Under the lock of its shard.
    pub(super) fn removed(&self, hash: u64, version: u64) {
        self.group(hash).fetch_max(version, Ordering::Relaxed);
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.charge.bytes()
    }

    fn group(&self, hash: u64) -> &AtomicU64 {
        &self.removed[hash as usize & (self.removed.len() - 1)]
    }
}
