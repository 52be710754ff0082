//! One partition of a layer, opened: looks k-mers up, and hands them out in order.

use std::fmt;

use super::buckets::{Buckets, BucketsIter};
use super::filtered::{Filtered, FilteredIter};
use crate::kmer::Word;

/// The k-mers of one partition, ready for look-ups. What is looked up and handed out are *mixed* k-mers
/// ([`mixing`](crate::kmer::mixing)); their order is that of the mixed words.
#[derive(Debug, Clone)]
pub struct PartitionView<'a, W>(Form<'a, W>);

#[derive(Debug, Clone)]
enum Form<'a, W> {
    Buckets(Buckets<'a, W>),
    Filter(Filtered<'a, W>),
}

/// How the k-mers of a partition are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartitionForm {
    Buckets,
    Filter,
}

/// Why the sections of a partition cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Which rule they break.
    Corrupt(&'static str),
    /// They hold a filter of this format version.
    FilterVersion(u32),
}

impl Unreadable {
    /// They are of other lengths than the directory says, or hold other numbers.
    pub(super) const MISFIT: Self =
        Unreadable::Corrupt("the sections of a partition are not what the directory says");
}

impl From<stroma_quotient::Error> for Unreadable {
    fn from(error: stroma_quotient::Error) -> Self {
        use stroma_quotient::Error;
        match error {
            Error::UnsupportedVersion { found, .. } => Unreadable::FilterVersion(found),
            Error::Inconsistent { what, .. } => Unreadable::Corrupt(what),
            Error::ChecksumMismatch { .. } => {
                Unreadable::Corrupt("a checksum in the filter of a partition does not match")
            }
            _ => Unreadable::MISFIT,
        }
    }
}

/// The three sections of a partition, and what the directory says of them.
pub(super) struct PartitionParts<'a> {
    pub(super) form: PartitionForm,
    /// The lower bits of the k-mers, or the filter.
    pub(super) kmers: &'a [u8],
    pub(super) set_ids: &'a [u8],
    pub(super) starts: &'a [u8],
    pub(super) count: u64,
    pub(super) bucket_bits: u32,
    pub(super) kmer_bits: u32,
    pub(super) colour_width: u32,
}

impl<'a, W: Word> PartitionView<'a, W> {
    /// Fails where sections and directory do not fit each other.
    pub(super) fn new(parts: &PartitionParts<'a>) -> Result<Self, Unreadable> {
        Ok(PartitionView(match parts.form {
            PartitionForm::Buckets => Form::Buckets(Buckets::new(parts).ok_or(Unreadable::MISFIT)?),
            PartitionForm::Filter => Form::Filter(Filtered::new(parts)?),
        }))
    }

    /// Number of k-mers.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Buckets(buckets) => buckets.len(),
            Form::Filter(filter) => filter.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The colour-set id of a mixed k-mer; none where the layer does not have it. O(1) on average.
    #[inline]
    pub fn set_id(&self, mixed: W) -> Option<u32> {
        match &self.0 {
            Form::Buckets(buckets) => buckets.set_id(mixed),
            Form::Filter(filter) => filter.set_id(mixed),
        }
    }

    /// Appends the colour-set id of each of some mixed k-mers, in their order: faster than one call for each.
    pub fn set_ids(&self, mixed: &[W], into: &mut Vec<Option<u32>>) {
        into.reserve(mixed.len());
        match &self.0 {
            Form::Buckets(buckets) => into.extend(mixed.iter().map(|&kmer| buckets.set_id(kmer))),
            Form::Filter(filter) => filter.set_ids(mixed, into),
        }
    }

    /// All k-mers with their colour-set ids, ascending.
    pub fn iter(&self) -> PartitionIter<'a, W> {
        PartitionIter(match &self.0 {
            Form::Buckets(buckets) => IterForm::Buckets(buckets.iter()),
            Form::Filter(filter) => IterForm::Filter(filter.iter()),
        })
    }

    /// Fails where k-mers do not ascend, or what tells their upper bits is not as it must be.
    pub(super) fn verify(&self) -> Result<(), Unreadable> {
        match &self.0 {
            Form::Buckets(buckets) if buckets.is_in_order() => Ok(()),
            Form::Buckets(_) => {
                Err(Unreadable::Corrupt("the k-mers do not ascend, or are not where they belong"))
            }
            Form::Filter(filter) => filter.verify(),
        }
    }
}

/// The k-mers of a partition and their colour-set ids, ascending by mixed k-mer.
#[derive(Clone)]
pub struct PartitionIter<'a, W>(IterForm<'a, W>);

#[derive(Clone)]
enum IterForm<'a, W> {
    Buckets(BucketsIter<'a, W>),
    Filter(FilteredIter<'a, W>),
}

impl<W: Word> PartitionIter<'_, W> {
    /// How many k-mers are left, by what the directory says.
    pub(super) fn left(&self) -> usize {
        match &self.0 {
            IterForm::Buckets(kmers) => kmers.len(),
            IterForm::Filter(kmers) => kmers.len(),
        }
    }

    /// Hands out all k-mers below the limit, or all that are left.
    #[inline]
    pub(super) fn each_below(&mut self, limit: Option<W>, each: impl FnMut(W, u32)) {
        match &mut self.0 {
            IterForm::Buckets(kmers) => kmers.each_below(limit, each),
            IterForm::Filter(kmers) => kmers.each_below(limit, each),
        }
    }
}

impl<W> fmt::Debug for PartitionIter<'_, W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PartitionIter").finish_non_exhaustive()
    }
}

impl<W: Word> Iterator for PartitionIter<'_, W> {
    type Item = (W, u32);

    #[inline]
    fn next(&mut self) -> Option<(W, u32)> {
        match &mut self.0 {
            IterForm::Buckets(kmers) => kmers.next_below(None),
            IterForm::Filter(kmers) => kmers.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left()))
    }
}
