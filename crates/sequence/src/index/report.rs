//! What is told of a sample.

use crate::Error;

/// What the index knows of a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleInfo {
    /// Its name.
    pub name: String,
    /// How often a k-mer had to occur in it to be in the index.
    pub minimum_count: u32,
    /// Records read.
    pub records: u64,
    /// Records without a k-mer: shorter than k, or without k bases in a row that are not ambiguous.
    pub short_records: u64,
    /// Bases read, ambiguous ones included.
    pub bases: u64,
    /// k-mers counted, repeats included.
    pub kmers: u64,
    /// Distinct canonical k-mers.
    pub distinct_kmers: u64,
    /// Those of them that occur often enough to be in the index.
    pub indexed_kmers: u64,
}

/// What came of adding a sample.
#[derive(Debug)]
pub struct SampleReport {
    /// The sample, which is in the index now. With 0 indexed k-mers no search will ever find it.
    pub sample: SampleInfo,
    /// Why the merge of layers that followed failed, if it did; the sample is safe all the same.
    pub merge_failure: Option<Error>,
}

/// What came of adding many samples.
#[derive(Debug, Default)]
pub struct BulkReport {
    /// Samples added.
    pub added: usize,
    /// Samples passed over because the index held them.
    pub skipped: usize,
    /// Indexed k-mers of the samples added.
    pub indexed_kmers: u64,
    /// Why a merge of layers failed, if one did; the samples are safe all the same.
    pub merge_failure: Option<Error>,
}
