//! The k-mers of one partition in a quotient filter, opened: looks k-mers up, and hands them out in order.

use stroma_quotient::{StoredMap, Walk};

use super::packed::{Packed, PackedBuffer, width_for};
use super::partition::{PartitionParts, Unreadable};
use crate::kmer::Word;

/// A colour set that is in no layer: what forged numbers choose.
const NO_SET: u32 = u32::MAX;

/// Bytes of the number of sets, before their ids.
const NUMBER_BYTES: usize = 8;

/// The k-mers of one partition in a quotient filter. The value of each is a place in the list of the
/// partition's colour sets.
#[derive(Debug, Clone)]
pub(super) struct Filtered<'a, W> {
    map: StoredMap<'a, W>,
    set_ids: Packed<&'a [u8]>,
}

impl<'a, W: Word> Filtered<'a, W> {
    /// Fails where sections and directory do not fit each other.
    pub(super) fn new(parts: &PartitionParts<'a>) -> Result<Self, Unreadable> {
        let map = StoredMap::open(parts.kmers)?;
        let list = parts.set_ids.split_first_chunk::<NUMBER_BYTES>();
        let set_ids = list.and_then(|(number, set_ids)| {
            Packed::new(set_ids, parts.colour_width, u64::from_le_bytes(*number))
        });
        let fits = map.shape().key_bits() == parts.kmer_bits && map.len() == parts.count;
        match set_ids {
            Some(set_ids) if fits && parts.starts.is_empty() && parts.bucket_bits == 0 => {
                Ok(Filtered { map, set_ids })
            }
            _ => Err(Unreadable::MISFIT),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.map.len() as usize
    }

    #[inline]
    pub(super) fn set_id(&self, mixed: W) -> Option<u32> {
        self.map.get(mixed).map(|place| set_at(&self.set_ids, place))
    }

    /// Appends the colour-set id of each k-mer.
    pub(super) fn set_ids(&self, mixed: &[W], into: &mut Vec<Option<u32>>) {
        self.map.get_each(mixed, |_, place| into.push(place.map(|place| set_at(&self.set_ids, place))));
    }

    pub(super) fn iter(&self) -> FilteredIter<'a, W> {
        FilteredIter { walk: self.map.walk(), set_ids: self.set_ids }
    }

    /// Fails where the filter breaks a rule that was not checked when it was opened.
    pub(super) fn verify(&self) -> Result<(), Unreadable> {
        Ok(self.map.verify()?)
    }
}

/// The set at a place of the list.
#[inline]
fn set_at(set_ids: &Packed<&[u8]>, place: u64) -> u32 {
    if place < set_ids.len() as u64 { set_ids.get(place as usize) as u32 } else { NO_SET }
}

/// The k-mers in a filter and their colour-set ids, ascending. Of a forged filter some may be missing at the end.
#[derive(Clone)]
pub(super) struct FilteredIter<'a, W> {
    walk: Walk<'a, W>,
    set_ids: Packed<&'a [u8]>,
}

impl<W: Word> FilteredIter<'_, W> {
    pub(super) fn len(&self) -> usize {
        self.walk.left() as usize
    }

    pub(super) fn next(&mut self) -> Option<(W, u32)> {
        self.walk.next().map(|(kmer, place)| (kmer, set_at(&self.set_ids, place)))
    }

    /// Hands out all k-mers below the limit, or all that are left.
    #[inline]
    pub(super) fn each_below(&mut self, limit: Option<W>, mut each: impl FnMut(W, u32)) {
        let set_ids = self.set_ids;
        self.walk.each_below(limit, |kmer, place| each(kmer, set_at(&set_ids, place)));
    }
}

/// The section of a partition's colour sets.
pub(super) fn encode_sets(ids: &[u32]) -> (Vec<u8>, u32) {
    let width = width_for(ids.iter().copied().max().unwrap_or(0).into());
    let packed = PackedBuffer::from_values(ids.iter().map(|&id| u64::from(id)), width);
    let mut bytes = Vec::with_capacity(NUMBER_BYTES + packed.bytes.len());
    bytes.extend_from_slice(&(ids.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&packed.bytes);
    (bytes, width)
}
