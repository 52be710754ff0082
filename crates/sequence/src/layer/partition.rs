//! One partition of a layer, opened: looks k-mers up, and hands them out in order.

use super::packed::{Packed, width_for};
use crate::kmer::Word;

/// The k-mers of one partition, ready for look-ups. What is looked up and handed out are *mixed* k-mers
/// ([`mixing`](crate::kmer::mixing)); their order is that of the mixed words.
#[derive(Debug, Clone, Copy)]
pub struct PartitionView<'a, W> {
    starts: Packed<&'a [u8]>,
    lows: Packed<&'a [u8], W>,
    set_ids: Packed<&'a [u8]>,
    low_bits: u32,
}

/// The three sections of a partition, and what the directory says of them.
pub(super) struct PartitionParts<'a> {
    pub(super) starts: &'a [u8],
    pub(super) lows: &'a [u8],
    pub(super) set_ids: &'a [u8],
    pub(super) count: u64,
    pub(super) bucket_bits: u32,
    pub(super) kmer_bits: u32,
    pub(super) colour_width: u32,
}

impl<'a, W: Word> PartitionView<'a, W> {
    /// `None` where sections and directory do not fit each other.
    pub(super) fn new(parts: &PartitionParts<'a>) -> Option<Self> {
        let low_bits = parts.kmer_bits.checked_sub(parts.bucket_bits)?;
        let buckets = if parts.count == 0 { 0 } else { 1_u64.checked_shl(parts.bucket_bits)? + 1 };
        Some(PartitionView {
            starts: Packed::new(parts.starts, width_for(parts.count), buckets)?,
            lows: Packed::new(parts.lows, low_bits, parts.count)?,
            set_ids: Packed::new(parts.set_ids, parts.colour_width, parts.count)?,
            low_bits,
        })
    }

    /// Number of k-mers.
    pub fn len(&self) -> usize {
        self.lows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

    /// The colour-set id of a mixed k-mer; none where the layer does not have it. O(1) on average.
    #[inline]
    pub fn set_id(&self, mixed: W) -> Option<u32> {
        if self.is_empty() {
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
    pub fn iter(&self) -> PartitionIter<'a, W> {
        PartitionIter { view: *self, position: 0, bucket: 0, bucket_end: self.bucket(0).1 }
    }

    /// Whether the starts of the buckets are those of ascending k-mers: from the first to the last, never back.
    pub(super) fn is_in_order(&self) -> bool {
        let buckets = self.starts.len();
        if buckets == 0 {
            return self.is_empty();
        }
        let start = |bucket| self.starts.get(bucket) as usize;
        let ascending = (1..buckets).all(|bucket| start(bucket - 1) <= start(bucket));
        let whole = start(0) == 0 && start(buckets - 1) == self.len();
        ascending && whole && self.iter().map(|(kmer, _)| kmer).is_sorted_by(|a, b| a < b)
    }
}

/// The k-mers of a partition and their colour-set ids, ascending by mixed k-mer.
#[derive(Debug, Clone)]
pub struct PartitionIter<'a, W> {
    view: PartitionView<'a, W>,
    position: usize,
    bucket: usize,
    bucket_end: usize,
}

impl<W: Word> Iterator for PartitionIter<'_, W> {
    type Item = (W, u32);

    #[inline]
    fn next(&mut self) -> Option<(W, u32)> {
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
        self.position += 1;
        let high = W::from(self.bucket as u64) << self.view.low_bits;
        Some((high | self.view.lows.get(position), self.view.set_ids.get(position) as u32))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.view.len() - self.position;
        (left, Some(left))
    }
}

impl<W: Word> ExactSizeIterator for PartitionIter<'_, W> {}
