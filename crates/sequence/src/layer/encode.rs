//! Encodes the k-mers of one partition: mixed, ascending, their upper bits told by where they stand.
//!
//! Mixed k-mers lie evenly over all words, so that their upper bits say where in the order they are, and only
//! the lower ones are stored. Mostly they are put into a counting quotient filter (Pandey, Bender, Johnson,
//! Patro: "A General-Purpose Counting Filter", SIGMOD 2017), each with a value that chooses one of the
//! partition's colour sets. Where that is not worth it or not possible, an array says where each *bucket* of
//! equal upper bits begins.

use stroma_quotient::{Entry, Shape, SortedBuilder, stored_size};

use super::packed::{PackedBuffer, PackedBuilder, width_for};
use crate::kmer::Word;

/// A bucket has at least `2^BUCKET_BITS` k-mers on average, and less than twice as many.
const BUCKET_BITS: u32 = 3;

/// Fewer k-mers are put into buckets: a filter's free slots at its end would weigh too much. (In tests some
/// partitions are to be filters.)
const LEAST_FILTERED: usize = if cfg!(test) { 40 } else { 1 << 13 };

/// Fewer k-mers for each set are put into buckets: a filter's list of sets would take more than its values save.
const LEAST_FOR_EACH_SET: u64 = 4;

/// A filter is at most that full, in hundredths of its home slots: what filters are planned for.
const MOST_LOAD_PERCENT: u64 = 95;

/// From so many k-mers on that lie where only two are to be expected, they are put into buckets: who looks up
/// in a filter goes through them one by one.
const CROWD: usize = 32;

/// The k-mers of one partition, as a layer stores them.
#[derive(Debug, Default)]
pub(crate) struct EncodedKmers {
    pub(super) form: EncodedForm,
    pub(super) count: usize,
}

#[derive(Debug)]
pub(super) enum EncodedForm {
    Buckets(EncodedBuckets),
    /// A stored quotient filter, whose values are the numbers of what was chosen for the k-mers.
    Filter(Vec<u8>),
}

impl Default for EncodedForm {
    fn default() -> Self {
        EncodedForm::Buckets(EncodedBuckets::default())
    }
}

#[derive(Debug, Default)]
pub(super) struct EncodedBuckets {
    /// Where each bucket begins, and where the last one ends.
    pub(super) starts: PackedBuffer,
    /// The lower bits of each k-mer.
    pub(super) lows: PackedBuffer,
    /// log2 of the number of buckets.
    pub(super) bucket_bits: u32,
}

impl EncodedKmers {
    /// Encodes strictly ascending mixed k-mers of `kmer_bits` bits. `chosen` is the number of what belongs to
    /// each, from 0 on without gaps; it is empty where that is 0 for all.
    pub(crate) fn new<W: Word, N: Copy + Ord + Into<u64>>(
        kmers: &[W],
        chosen: &[N],
        kmer_bits: u32,
    ) -> EncodedKmers {
        let greatest = chosen.iter().max().map_or(0, |&greatest| greatest.into());
        let is_worth_it = kmers.len() >= LEAST_FILTERED && greatest < kmers.len() as u64 / LEAST_FOR_EACH_SET;
        let filter = is_worth_it.then(|| filter(kmers, chosen, greatest, kmer_bits)).flatten();
        let form = match filter {
            Some(bytes) => EncodedForm::Filter(bytes),
            None => EncodedForm::Buckets(EncodedBuckets::new(kmers, kmer_bits)),
        };
        EncodedKmers { form, count: kmers.len() }
    }

    /// Number of k-mers.
    pub(crate) fn len(&self) -> usize {
        self.count
    }
}

/// The k-mers as a stored filter; none where they crowd together, or where they are nearly all there can be, so
/// that it has no room for them.
pub(super) fn filter<W: Word, N: Copy + Ord + Into<u64>>(
    kmers: &[W],
    chosen: &[N],
    greatest: u64,
    kmer_bits: u32,
) -> Option<Vec<u8>> {
    let value_bits = width_for(greatest);
    let shape = Shape::for_slots(kmers.len() as u64, kmer_bits).ok()?.with_value_bits(value_bits);
    // Too few slots for so narrow k-mers: in a filter that is nearly full runs are pushed far from home.
    if shape.home_slots() * MOST_LOAD_PERCENT < kmers.len() as u64 * 100 {
        return None;
    }
    if is_crowded(kmers, W::MAX >> (W::BITS - kmer_bits), shape.home_slots()) {
        return None;
    }
    let bytes = Vec::with_capacity(usize::try_from(stored_size::<W>(shape).ok()?).ok()?);
    let mut builder = SortedBuilder::to_writer(shape, bytes).ok()?;
    if chosen.is_empty() {
        for &key in kmers {
            builder.push(key, 1).ok()?;
        }
    } else {
        for (&key, &number) in kmers.iter().zip(chosen) {
            builder.push_entry(Entry { key, count: 1, value: number.into() }).ok()?;
        }
    }
    builder.finish_writing().ok()
}

/// Whether many k-mers lie where two are to be expected, if there were as many as slots.
fn is_crowded<W: Word>(kmers: &[W], greatest: W, slots: u64) -> bool {
    let slot_bits = slots.ilog2();
    let room = (greatest >> slot_bits) << 1;
    kmers
        .iter()
        .step_by(CROWD)
        .zip(kmers.iter().skip(CROWD).step_by(CROWD))
        .any(|(&first, &last)| last.wrapping_sub(first) < room)
}

/// log2 of the number of buckets for so many k-mers.
fn bucket_bits(count: usize) -> u32 {
    count.checked_ilog2().unwrap_or(0).saturating_sub(BUCKET_BITS)
}

impl EncodedBuckets {
    pub(super) fn new<W: Word>(kmers: &[W], kmer_bits: u32) -> EncodedBuckets {
        let Some(last_position) = kmers.len().checked_sub(1) else { return EncodedBuckets::default() };
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
        EncodedBuckets { starts: starts.finish(), lows: lows.finish(), bucket_bits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_filter(kmers: &[u64], kmer_bits: u32) -> bool {
        matches!(EncodedKmers::new::<u64, u8>(kmers, &[], kmer_bits).form, EncodedForm::Filter(_))
    }

    #[test]
    fn crowds_and_few_are_put_into_buckets_and_all_else_into_filters() {
        let even: Vec<u64> = (0..5000).map(|number| number * 1_000_003).collect();
        assert!(is_filter(&even, 33) && !is_filter(&even[..20], 33));
        // A tenth of all in one place.
        let crowd: Vec<u64> =
            even.iter().map(|&kmer| if kmer >> 29 == 3 { (3 << 29) + (kmer >> 15) } else { kmer }).collect();
        assert!(crowd.is_sorted_by(|a, b| a < b));
        assert!(!is_filter(&crowd, 33));
        let most: Vec<u64> = (0..486).map(|number| 2 * number).collect();
        assert!(is_filter(&most, 10));
        let all: Vec<u64> = (0..512).map(|number| 2 * number).collect();
        assert!(!is_filter(&all, 10), "a filter would be full to the last slot");
        let own: Vec<u32> = (0..5000).collect();
        let form = |sets: &[u32]| EncodedKmers::new(&even, sets, 33).form;
        assert!(matches!(form(&own), EncodedForm::Buckets(_)), "each has a set of its own");
        let few: Vec<u32> = own.iter().map(|number| number / 5).collect();
        assert!(matches!(form(&few), EncodedForm::Filter(_)));
        let beyond: Vec<u64> = (0..1023).collect();
        assert!(!is_filter(&beyond, 10), "more than a filter has room for");
    }
}
