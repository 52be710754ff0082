//! What the tree has of an entry, and what is looked for in it.

use super::super::head::{Head, Target};
use super::Full;

/// Finds the key of an entry by the location that was given when it was inserted.
pub(crate) trait Keys {
    /// The key of the entry at `location`.
    fn key(&self, location: u64) -> &[u8];
}

/// What the tree knows of an entry without touching it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it lies.
    pub(crate) location: u64,
    /// Its sequence.
    pub(crate) sequence: u64,
    /// Its kind, 0 to 3.
    pub(crate) kind: u8,
}

/// What is in a slot: an entry, and the head of its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) head: Head,
    pub(super) stamp: Stamp,
    pub(super) location: u64,
}

/// The sequences of one tree begin behind this one and fit in 30 bits from there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base(pub(super) u64);

/// Sequence and kind of an entry: the distance of the sequence from the tree's base, and the kind in the two lowest
/// bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(pub(super) u32);

impl Base {
    /// The stamp of an entry.
    pub(super) fn stamp(self, entry: &Entry) -> Result<Stamp, Full> {
        let distance = entry.sequence.checked_sub(self.0).ok_or(Full)?;
        if distance >= 1 << 30 {
            return Err(Full);
        }
        Ok(Stamp((distance as u32) << 2 | u32::from(entry.kind & 3)))
    }

    /// The sequence in a stamp.
    #[inline]
    pub(super) fn sequence(self, stamp: Stamp) -> u64 {
        self.0 + u64::from(stamp.0 >> 2)
    }

    /// What a slot says.
    #[inline]
    pub(super) fn entry(self, location: u64, stamp: Stamp) -> Entry {
        Entry { location, sequence: self.sequence(stamp), kind: (stamp.0 & 3) as u8 }
    }
}

/// A target, and what comparing entries with it takes.
pub(super) struct Search<'a, K> {
    pub(super) target: Target<'a>,
    pub(super) keys: &'a K,
    pub(super) base: Base,
}

/// Which entries a rank counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    /// Those before the target.
    Before,
    /// Those before it and the target itself.
    UpTo,
}
