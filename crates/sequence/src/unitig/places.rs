//! Positions of the strings by a hash: a bucket of them for each hash, and about one position in each bucket.
//!
//! Hashes are not stored: whoever asks compares the strings at each position of the bucket. At one bucket for each
//! position that costs two bits a position besides itself, where a minimal perfect hash function costs two or three,
//! and counters for keys with several positions more.

use std::ops::Range;

use super::groups::{self, Groups, StoredGroups};
use crate::layer::packed::{Packed, PackedBuffer, packed_bytes};
use crate::layer::paged::Paged;

/// The stored form.
pub(super) struct StoredPlaces {
    pub(super) groups: StoredGroups,
    pub(super) positions: PackedBuffer,
    pub(super) buckets: u64,
    pub(super) entries: u64,
}

/// The bucket of a hash.
#[inline]
pub(super) fn bucket_of(hash: u64, buckets: u64) -> u64 {
    ((u128::from(hash) * u128::from(buckets)) >> 64) as u64
}

impl StoredPlaces {
    /// From (bucket, position), ascending by bucket.
    pub(super) fn new(sorted: &[(u64, u64)], buckets: u64, width: u32) -> Self {
        StoredPlaces {
            groups: StoredGroups::from_sorted(sorted.iter().map(|entry| entry.0), buckets),
            positions: PackedBuffer::from_values(sorted.iter().map(|entry| entry.1), width),
            buckets,
            entries: sorted.len() as u64,
        }
    }
}

/// Lengths of the three sections: bits and samples of the groups, positions.
pub(super) fn stored_bytes(buckets: u64, entries: u64, width: u32) -> Option<[u64; 3]> {
    let [bits, samples] = groups::stored_bytes(buckets, entries)?;
    Some([bits, samples, packed_bytes(entries, width)?])
}

/// Places in borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    groups: Groups<'a>,
    positions: Packed<Paged<'a>>,
}

impl<'a> Places<'a> {
    /// `None` where lengths and numbers do not fit each other.
    pub(super) fn new(parts: [Paged<'a>; 3], buckets: u64, entries: u64, width: u32) -> Option<Self> {
        let [bits, samples, positions] = parts;
        Some(Places {
            groups: Groups::new([bits, samples], buckets, entries)?,
            positions: Packed::new(positions, width, entries)?,
        })
    }

    /// The entries of a hash's bucket.
    #[inline]
    pub(super) fn bucket(&self, hash: u64) -> Range<u64> {
        self.groups.range(bucket_of(hash, self.groups.groups()))
    }

    /// The positions of a hash's bucket.
    #[inline]
    pub(super) fn of(&self, hash: u64) -> impl Iterator<Item = u64> {
        self.bucket(hash).map(|entry| self.position(entry))
    }

    /// The position of an entry.
    #[inline]
    pub(super) fn position(&self, entry: u64) -> u64 {
        self.positions.get(entry as usize)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.groups.is_sound()
    }
}
