//! The k-mers of one partition in buckets, opened: looks k-mers up, and hands them out in order.

use super::packed::{Packed, width_for};
use super::partition::PartitionParts;
use crate::kmer::Word;

/// The k-mers of one partition in buckets of equal upper bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buckets<'a, W> {
    starts: Packed<&'a [u8]>,
    lows: Packed<&'a [u8], W>,
    set_ids: Packed<&'a [u8]>,
    low_bits: u32,
}

impl<'a, W: Word> Buckets<'a, W> {
    /// `None` where sections and directory do not fit each other.
    pub(super) fn new(parts: &PartitionParts<'a>) -> Option<Self> {
        let low_bits = parts.kmer_bits.checked_sub(parts.bucket_bits)?;
        let buckets = if parts.count == 0 { 0 } else { 1_u64.checked_shl(parts.bucket_bits)? + 1 };
        Some(Buckets {
            starts: Packed::new(parts.starts, width_for(parts.count), buckets)?,
            lows: Packed::new(parts.kmers, low_bits, parts.count)?,
            set_ids: Packed::new(parts.set_ids, parts.colour_width, parts.count)?,
            low_bits,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.lows.len()
    }

    /// Positions of a bucket's k-mers; within the partition whatever the bytes say.
    #[inline]
    fn bucket(&self, bucket: usize) -> (usize, usize) {
        if bucket + 1 >= self.starts.len() {
            return (self.len(), self.len());
        }
        let end = (self.starts.get(bucket + 1) as usize).min(self.len());
        ((self.starts.get(bucket) as usize).min(end), end)
    }

    /// The colour-set id of a mixed k-mer; none where it is not there. O(1) on average.
    #[inline]
    pub(super) fn set_id(&self, mixed: W) -> Option<u32> {
        if self.len() == 0 {
            return None;
        }
        let (mut base, end) = self.bucket((mixed >> self.low_bits).low() as usize);
        let low = mixed & W::mask(self.low_bits);
        let mut size = end - base;
        while size > 1 {
            let half = size / 2;
            base = core::hint::select_unpredictable(self.lows.get(base + half) <= low, base + half, base);
            size -= half;
        }
        (size == 1 && self.lows.get(base) == low).then(|| self.set_ids.get(base) as u32)
    }

    /// All k-mers with their colour-set ids, ascending.
    pub(super) fn iter(&self) -> BucketsIter<'a, W> {
        BucketsIter { view: *self, position: 0, bucket: 0, bucket_end: self.bucket(0).1 }
    }

    /// Whether the starts of the buckets are those of ascending k-mers: from the first to the last, never back.
    pub(super) fn is_in_order(&self) -> bool {
        let buckets = self.starts.len();
        if buckets == 0 {
            return self.len() == 0;
        }
        let start = |bucket| self.starts.get(bucket) as usize;
        let ascending = (1..buckets).all(|bucket| start(bucket - 1) <= start(bucket));
        if !ascending || start(0) != 0 || start(buckets - 1) != self.len() {
            return false;
        }
        let (mut is_sorted, mut last) = (true, None);
        self.iter().each_below(None, |kmer, _| {
            is_sorted &= last.is_none_or(|last| last < kmer);
            last = Some(kmer);
        });
        is_sorted
    }
}

/// The k-mers in buckets and their colour-set ids, ascending.
#[derive(Debug, Clone)]
pub(super) struct BucketsIter<'a, W> {
    view: Buckets<'a, W>,
    position: usize,
    bucket: usize,
    bucket_end: usize,
}

impl<W: Word> BucketsIter<'_, W> {
    pub(super) fn len(&self) -> usize {
        self.view.len() - self.position
    }

    /// Hands out the next k-mer, if there is one and it is below the limit.
    #[inline]
    pub(super) fn next_below(&mut self, limit: Option<W>) -> Option<(W, u32)> {
        let position = self.position;
        if position >= self.view.len() {
            return None;
        }
        while position >= self.bucket_end {
            self.bucket += 1;
            // Forged starts may leave k-mers in no bucket: they count as the last one's.
            self.bucket_end = if self.bucket + 2 < self.view.starts.len() {
                self.view.bucket(self.bucket).1
            } else {
                self.view.len()
            };
        }
        let high = W::from(self.bucket as u64) << self.view.low_bits;
        let kmer = high | self.view.lows.get(position);
        if limit.is_some_and(|limit| kmer >= limit) {
            return None;
        }
        self.position += 1;
        Some((kmer, self.view.set_ids.get(position) as u32))
    }

    /// Hands out all k-mers below the limit, or all that are left.
    #[inline]
    pub(super) fn each_below(&mut self, limit: Option<W>, mut each: impl FnMut(W, u32)) {
        while let Some((kmer, set_id)) = self.next_below(limit) {
            each(kmer, set_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::layer::encode::EncodedBuckets;
    use crate::layer::packed::PackedBuffer;
    use crate::layer::partition::PartitionForm;
    use crate::noise::noise;

    fn reads_back<W: Word>(count: usize, kmer_bits: u32) {
        let mut state = count as u64;
        let mut random = || (W::from(noise(&mut state)) << (W::BITS - 64)) | W::from(noise(&mut state));
        let kmers: BTreeMap<W, u32> =
            (0..count as u32).map(|number| (random() & W::mask(kmer_bits), number % 700)).collect();
        let ascending: Vec<W> = kmers.keys().copied().collect();
        let encoded = EncodedBuckets::new(&ascending, kmer_bits);
        let sets = PackedBuffer::from_values(kmers.values().map(|&set| u64::from(set)), 10);
        let buckets = Buckets::<W>::new(&PartitionParts {
            form: PartitionForm::Buckets,
            kmers: &encoded.lows.bytes,
            set_ids: &sets.bytes,
            starts: &encoded.starts.bytes,
            count: kmers.len() as u64,
            bucket_bits: encoded.bucket_bits,
            kmer_bits,
            colour_width: 10,
        });
        let buckets = buckets.expect("just encoded");
        assert!(buckets.is_in_order());
        let (mut walk, mut walked) = (buckets.iter(), Vec::new());
        walk.each_below(Some(ascending[count / 3]), |kmer, set| walked.push((kmer, set)));
        assert_eq!((walked.len(), walk.len()), (count / 3, kmers.len() - count / 3));
        walk.each_below(None, |kmer, set| walked.push((kmer, set)));
        assert!(walked.into_iter().eq(kmers.iter().map(|(&kmer, &set)| (kmer, set))));
        for (&kmer, &set) in &kmers {
            assert_eq!(buckets.set_id(kmer), Some(set));
            let other = kmer ^ W::from(1);
            assert_eq!(buckets.set_id(other), kmers.get(&other).copied());
        }
    }

    /// Most partitions of other tests are filters.
    #[test]
    fn many_kmers_are_read_back() {
        for count in [1, 7, 8, 15, 16, 40, 1000, 20_000] {
            reads_back::<u64>(count, 42);
            reads_back::<u64>(count, 62);
            reads_back::<u128>(count, 126);
        }
    }
}
