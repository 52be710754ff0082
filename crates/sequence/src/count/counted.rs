//! k-mers that were counted elsewhere, by partition: each mixed, in as many bytes as it needs, with its count.

use stroma_quotient::Mixing;

use super::spill::Spills;
use super::waiting::Waiting;
use crate::Error;
use crate::kmer::{Geometry, Minimizers, Word, mixing};

/// Bytes of a count; a larger one is held as the largest.
const COUNT_BYTES: usize = 4;

/// Counted k-mers of one sample that wait to be sorted.
#[derive(Debug)]
pub(crate) struct CountedTaker<'a, W> {
    geometry: Geometry,
    minimizers: Minimizers,
    mixing: Mixing<W>,
    waiting: &'a mut Waiting,
    spills: &'a Spills,
}

impl<'a, W: Word> CountedTaker<'a, W> {
    pub(super) fn new(geometry: Geometry, waiting: &'a mut Waiting, spills: &'a Spills) -> Self {
        let minimizers = Minimizers::new(geometry);
        CountedTaker { geometry, minimizers, mixing: mixing(geometry), waiting, spills }
    }

    /// Takes a canonical k-mer in, with its count.
    pub(crate) fn take(&mut self, kmer: u128, count: u64) -> Result<(), Error> {
        self.minimizers.restart();
        for base in (0..u32::from(self.geometry.k())).rev() {
            self.minimizers.push((kmer >> (2 * base)) as u8 & 3);
        }
        let partition = self.geometry.partition_of(self.minimizers.smallest());
        let mixed: u128 = self.mixing.hash(from_wide::<W>(kmer)).into();
        let bytes = kmer_bytes(self.geometry);
        let entry = self.waiting.room(partition, bytes + COUNT_BYTES, 1, self.spills)?;
        entry.extend_from_slice(&mixed.to_le_bytes()[..bytes]);
        entry.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        Ok(())
    }
}

fn from_wide<W: Word>(wide: u128) -> W {
    let low = W::from(wide as u64);
    // A narrow word has no upper half to be shifted to.
    if W::BYTES > 8 { (W::from((wide >> 64) as u64) << (W::BITS / 2)) | low } else { low }
}

/// Bytes that hold a k-mer.
fn kmer_bytes(geometry: Geometry) -> usize {
    geometry.kmer_bits().div_ceil(8) as usize
}

/// Calls `each` with every mixed k-mer and its count. `None` where the bytes end within an entry.
pub(super) fn for_each_counted<W: Word>(
    entries: &[u8],
    geometry: Geometry,
    mut each: impl FnMut(W, u64),
) -> Option<()> {
    let bytes = kmer_bytes(geometry);
    let entries = entries.chunks_exact(bytes + COUNT_BYTES);
    if !entries.remainder().is_empty() {
        return None;
    }
    for entry in entries {
        let (kmer, count) = entry.split_at(bytes);
        let mut wide = [0; 16];
        wide[..bytes].copy_from_slice(kmer);
        each(from_wide(u128::from_le_bytes(wide)), u64::from(u32::from_le_bytes(*count.first_chunk()?)));
    }
    Some(())
}
