//! A dictionary of k-mers and their colours that stores the overlaps of k-mers once: what a cold layer is made of.
//!
//! The k-mers are written as few long strings of bases, two bits each, in which each k-mer is just once: some three
//! bits a k-mer where the k-mer alone has 2k. A table tells where in the strings a k-mer could be; a look at the
//! strings tells whether it is there. Colours are kept once for each run of k-mers of one colour along a string.
//!
//! ```
//! use stroma_sequence::unitig::{DictionaryBuilder, UnitigDictionary};
//!
//! let mut builder = DictionaryBuilder::<u64>::new(5)?;
//! // Canonical 5-mers of AACCATG with a colour each: AACCA, ACCAT, and CATGG, the reverse complement of CCATG.
//! builder.add(&[(0b00_00_01_01_00, 7), (0b00_01_01_00_11, 7), (0b01_00_11_10_10, 9)])?;
//! let bytes = builder.finish()?;
//!
//! let dictionary = UnitigDictionary::open(&bytes)?;
//! assert_eq!((dictionary.kmers(), dictionary.strings()), (3, 1));
//! let colours = |sequence: &str| -> Vec<Option<u32>> {
//!     dictionary.search::<u64>(sequence.as_bytes()).map(|at| at.colour()).collect()
//! };
//! assert_eq!(colours("AACCATGC"), [Some(7), Some(7), Some(9), None]);
//! assert_eq!(colours("CATGG"), [Some(9)]);
//! # Ok::<(), stroma_sequence::unitig::DictionaryError>(())
//! ```
//!
//! # How it works
//! 1. The k-mers come in parts, such as the partitions of an index, one of which is worked on at a time. Each part is
//!    covered with paths (module `paths`), and these are joined where they overlap (`join`).
//! 2. A k-mer is found by an m-mer within it (`sampling`): its hash chooses a bucket of positions of the strings. There
//!    is no perfect hash function and no fingerprint: the strings themselves tell whether a candidate is the k-mer, and
//!    a bucket has about one. Buckets with many hand over to a second table, by the hash of the whole k-mer. The
//!    idea of looking for m-mers and verifying in the strings is that of SSHash (Pibiri, "Sparse and skew
//!    hashing of k-mers", Bioinformatics 38, 2022).
//! 3. A search that goes along a sequence compares one base with the string where it found the k-mer before.
//!
//! Byte by byte in `docs/formats/kmer-dictionary.md`; choices and figures in `docs/decisions/066-unitig-dictionary.md`.

mod bases;
mod build;
mod dictionary;
mod error;
mod format;
mod groups;
mod join;
mod near;
mod oriented;
mod paths;
mod places;
mod runs;
mod sampling;
mod search;
mod searcher;
mod table;
#[cfg(test)]
mod tests;
mod walk;

pub use build::DictionaryBuilder;
pub use dictionary::{DictionaryParts, Found, UnitigDictionary};
pub use error::DictionaryError;
pub use search::{At, Search};

pub(crate) use build::{CoverRoom, CoveredPart};
pub(crate) use search::Step;
pub(crate) use searcher::Searcher;
