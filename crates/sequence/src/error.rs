//! What can go wrong with a sequence index, told with the place and what to do.

use crate::import::ImportError;
use crate::kmer::GeometryError;
use crate::layer::LayerError;
use crate::reader::ReadError;

/// An error of a sequence index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A sequence file or stream is unreadable.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file of counted k-mers is unreadable, or cannot be indexed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// k or the number of partitions is not supported.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The number of partitions is no power of two.
    #[error("{partitions} partitions are not supported: choose a power of two up to 4096")]
    UnsupportedPartitions {
        /// The number asked for.
        partitions: u32,
    },
    /// The minimum count is zero.
    #[error("a minimum count of 0 makes no sense: choose 1 to keep every k-mer")]
    UnsupportedMinimumCount,
    /// The name of a sample breaks the rules.
    #[error("{name:?} cannot name a sample: {rule}")]
    InvalidName {
        /// The name as given.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// There is a sample of that name, or one is being added.
    #[error("a sample named {name:?} is there already; remove it first or choose another name")]
    DuplicateSample {
        /// The name.
        name: String,
    },
    /// There is no sample of that name.
    #[error("there is no sample named {name:?}")]
    UnknownSample {
        /// The name.
        name: String,
    },
    /// More samples than ids were added over the life of the index.
    #[error("no sample ids are left: 4294967295 samples were added to this index; build a new one")]
    TooManySamples,
    /// Abundances are asked for, and the index does not keep them.
    #[error("the index keeps no abundances; build it with them, or search without")]
    NoAbundances,
    /// The threshold is outside 0 to 1.
    #[error("a threshold of {threshold} makes no sense: choose a share from 0 to 1")]
    InvalidThreshold {
        /// The threshold as given.
        threshold: f64,
    },
    /// The samples of one index cannot be added to the other.
    #[error(
        "{place} has {found}, the index it should be added to {expected}; build both with the same settings"
    )]
    OtherSettings {
        /// The index whose samples were to be added.
        place: String,
        /// Its settings, in words.
        found: String,
        /// The other's.
        expected: String,
    },
    /// There is an index in the storage already.
    #[error("{place} holds a sequence index already; open it instead")]
    AlreadyExists {
        /// The storage.
        place: String,
    },
    /// There is no index in the storage.
    #[error("{place} holds no sequence index; create one first")]
    NoIndex {
        /// The storage.
        place: String,
    },
    /// A record in the manifest makes no sense.
    #[error("the manifest's record {record:?} is damaged; restore the index from a copy")]
    DamagedRecord {
        /// The record's name.
        record: String,
    },
    /// A record in the manifest was written by a newer version.
    #[error("the manifest's record {record:?} has version {found}; use a newer version of this program")]
    NewerRecord {
        /// The record's name.
        record: String,
        /// Its version.
        found: u32,
    },
    /// Not one k-mer in all records of a sample.
    #[error(
        "{name:?} has no k-mer: {records} record(s), the longest of {longest} bases, and not one has {k} bases in a \
         row that are all A, C, G or T; choose a smaller k, or leave the sample out"
    )]
    NoKmers {
        /// The sample's name.
        name: String,
        /// Records read.
        records: u64,
        /// Length of the longest, in bases.
        longest: u64,
        /// The index's k.
        k: u8,
    },
    /// A layer is damaged, unreadable or could not be written.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The layered set or its storage failed.
    #[error(transparent)]
    Set(#[from] stroma_strata::Error),
}
