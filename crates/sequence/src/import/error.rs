//! What can be wrong with a file of counted k-mers: where it is (file, byte), what it is and what to do.

use std::fmt;

/// An error in a file of counted k-mers, with its place.
#[derive(Debug)]
pub struct ImportError {
    /// Path of the file.
    pub file: String,
    /// Byte of the file, from 0, at which it was found.
    pub offset: u64,
    /// What is wrong.
    pub kind: ImportErrorKind,
}

impl fmt::Display for ImportError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ImportErrorKind::Open(_) => write!(out, "{}: {}", self.file, self.kind),
            _ => write!(out, "{}, byte {}: {}", self.file, self.offset, self.kind),
        }
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}

/// What is wrong with a file of counted k-mers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportErrorKind {
    /// The file could not be opened.
    #[error(
        "cannot open the file: {0}; name a .kmc_pre file (its .kmc_suf must lie beside it) or a Squeakr file"
    )]
    Open(#[source] std::io::Error),
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(#[source] std::io::Error),
    /// The file begins like none that is known.
    #[error(
        "these are no counted k-mers: neither a database of KMC nor a file of Squeakr; sequences are added with \
         `index add`"
    )]
    Unknown,
    /// The file ends before it should.
    #[error("the file ends within {what}; copy it again")]
    Cut {
        /// What was being read.
        what: &'static str,
    },
    /// The bytes contradict each other or the format.
    #[error("the file is damaged: {what}; copy it again or count again")]
    Damaged {
        /// What does not fit.
        what: &'static str,
    },
    /// A version of the format that is not known.
    #[error("{program} wrote this in format version {found:#x}; {known} can be read")]
    Version {
        /// The program.
        program: &'static str,
        /// The version in the file.
        found: u32,
        /// The versions that can be read, in words.
        known: &'static str,
    },
    /// Counters of a kind that is not known.
    #[error("the counters are of mode {mode} (qualities, not counts); count again without qualities")]
    Qualities {
        /// The mode in the file.
        mode: u32,
    },
    /// The k-mers were counted as they stand in the reads, the strands apart.
    #[error(
        "the two strands were counted apart (KMC's option -b), and an index takes them as one; count again without it"
    )]
    StrandsApart,
    /// The file has hashes from which k-mers cannot be told.
    #[error(
        "the file holds hashes, from which no k-mer can be told; count again with `squeakr count -e`, which is exact"
    )]
    Hashed,
    /// No index can have this k.
    #[error("its k-mers have {k} bases, and an index takes an odd number from 3 to 63; count again")]
    UnsupportedK {
        /// The k in the file.
        k: u64,
    },
    /// The index has another k.
    #[error(
        "its k-mers have {found} bases, those of the index {expected}; count again or make another index"
    )]
    OtherK {
        /// The k in the file.
        found: u8,
        /// The index's k.
        expected: u8,
    },
    /// There is not a single k-mer.
    #[error("there is no k-mer in it; leave it out")]
    Empty,
}
