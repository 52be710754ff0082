//! Encodes the k-mers of one partition: mixed, ascending, their upper bits told by a table of buckets.
//!
//! Mixed k-mers lie evenly over all words, so that their upper bits say where in the order they are: as in a
//! quotient filter (Pandey, Bender, Johnson, Patro: "A General-Purpose Counting Filter", SIGMOD 2017) only the
//! lower bits are stored. What that filter's bitmaps say is said here by an array of where each bucket begins:
//! nothing is ever inserted, so no slot need be free, none is shifted, and a reader needs neither rank nor select.

use super::packed::{PackedBuffer, PackedBuilder, width_for};
use crate::kmer::Word;

/// A bucket has at least `2^BUCKET_BITS` k-mers on average, and less than twice as many.
const BUCKET_BITS: u32 = 3;

/// The k-mers of one partition, as a layer stores them.
#[derive(Debug, Default)]
pub(crate) struct EncodedKmers {
    /// Where each bucket begins, and where the last one ends.
    pub(super) starts: PackedBuffer,
    /// The lower bits of each k-mer.
    pub(super) lows: PackedBuffer,
    /// log2 of the number of buckets.
    pub(super) bucket_bits: u32,
    pub(super) count: usize,
}

/// log2 of the number of buckets for so many k-mers.
fn bucket_bits(count: usize) -> u32 {
    count.checked_ilog2().unwrap_or(0).saturating_sub(BUCKET_BITS)
}

impl EncodedKmers {
    /// Encodes strictly ascending mixed k-mers of `kmer_bits` bits.
    pub(crate) fn new<W: Word>(kmers: &[W], kmer_bits: u32) -> EncodedKmers {
        let Some(last_position) = kmers.len().checked_sub(1) else { return EncodedKmers::default() };
        let bucket_bits = bucket_bits(kmers.len());
        let low_bits = kmer_bits - bucket_bits;
        let mask = W::mask(low_bits);
        let start_width = width_for(kmers.len() as u64);
        let mut starts = PackedBuilder::with_capacity(start_width, (1 << bucket_bits) + 1);
        let mut lows = PackedBuilder::with_capacity(low_bits, kmers.len());
        let mut begun = 0;
        for (position, &kmer) in kmers.iter().enumerate() {
            let bucket = (kmer >> low_bits).low() + 1;
            while begun < bucket {
                starts.push(position as u64);
                begun += 1;
            }
            lows.push(kmer & mask);
        }
        while begun <= 1 << bucket_bits {
            starts.push(last_position as u64 + 1);
            begun += 1;
        }
        EncodedKmers { starts: starts.finish(), lows: lows.finish(), bucket_bits, count: kmers.len() }
    }

    /// Number of k-mers.
    pub(crate) fn len(&self) -> usize {
        self.count
    }
}
