//! Exact sequence search: which of many samples hold how much of a given sequence?
//!
//! A *sample* is anything that comes as FASTA or FASTQ: an assembled genome, the reads of a sequencing run. The
//! index keeps the set of each sample's *k-mers*, the words of k bases (both strands taken as one). A search
//! splits a query into its distinct k-mers and tells for each sample how many of them it holds, exactly: no
//! false positive, no false negative, unlike indexes made of Bloom filters.
//!
//! ```
//! use std::sync::Arc;
//! use stroma_sequence::{IndexOptions, Input, NoProgress, Outcome, Query, SearchOptions, SequenceIndex};
//! use stroma_strata::{SetOptions, storage::MemoryStorage};
//!
//! // In memory here; `LocalStorage` keeps an index in a directory.
//! let storage = Arc::new(MemoryStorage::new());
//! let options = IndexOptions { k: 7, ..IndexOptions::default() };
//! let index = SequenceIndex::create(storage, options, SetOptions::default())?;
//!
//! // `Input::path` reads files: plain, gzip, bzip2, xz or zstd.
//! let human = Input::bytes("human.fa", ">insulin start\nATGGCCCTGTGGATGCGCCTCCTGCCC\n");
//! let other = Input::bytes("other.fa", ">another gene\nATGGCCCTGTGGTTTCATTTCCGTAAA\n");
//! index.add_sample("human", vec![human], &NoProgress)?;
//! index.add_sample("other", vec![other], &NoProgress)?;
//!
//! // Samples that hold at least 60 % of the query's 7-mers. The query is on the other strand: no matter.
//! let query = Query::new("probe", "GCGCATCCACAGGGCCAT");
//! let results = index.search([Ok(query)], SearchOptions { threshold: 0.6, ..SearchOptions::default() })?;
//! for result in results {
//!     let result = result?;
//!     assert_eq!((result.kmers, result.needed), (12, 8));
//!     let Outcome::Hits(hits) = result.outcome else { unreachable!("the query has k-mers") };
//!     assert_eq!(hits.len(), 1);
//!     assert_eq!((&*hits[0].sample, hits[0].found), ("human", 12));
//! }
//!
//! index.remove_sample("other")?;
//! assert_eq!(index.samples().len(), 1);
//! # Ok::<(), stroma_sequence::Error>(())
//! ```
//!
//! # How it works
//! 1. [`reader`] tells compression and format by content and hands out records; [`import`] hands out k-mers that KMC or
//!    Squeakr has counted.
//! 2. [`kmer`] rolls over a sequence: each k-mer is a word of 64 bits (128 above k = 31), and belongs to the partition
//!    that its *minimizer* (its smallest m-mer under a hash) chooses, so that neighbouring k-mers mostly stay
//!    together. They are kept together, two bits a base, in memory and then in temporary files.
//! 3. Partition by partition the k-mers are mixed (by a bijection of `stroma-quotient`), sorted and counted. Those that
//!    occur often enough become a [`layer`](layer::Layer): a file of mixed k-mers in counting quotient filters, whose
//!    values choose for each k-mer a *colour set*, the set of samples that hold it.
//! 4. Layers live in a layered set (`stroma-strata`). A sample is added by committing one layer, and never
//!    read again: layers are merged a logarithmic number of times each (Bentley
//!    and Saxe, "Decomposable searching problems I", 1980).
//!    What is merged into the deepest level becomes a [cold layer](ColdLayers): its k-mers are kept as
//!    [strings](unitig) of overlaps, in a fifth of the space.
//! 5. A search looks each distinct k-mer up in each layer, partition by partition, or goes along the strings of a cold
//!    one, and adds up per sample.
//!
//! Indexes that were built apart become one by [`SequenceIndex::add_index`], which copies layers.
//!
//! Results are written by [`output`]. File format: `docs/formats/kmer-layer.md`; choices: in `docs/decisions`, 055
//! (`pages-of-layers`), 060 (`kmer-layers`), 061 (`threshold-and-exactness`), 062 (`widths-of-k`), 063 (`building`),
//! 064 (`fresh-layers`), 065 (`abundances-and-positions`), 066 (`unitig-dictionary`), 067 (`cold-layers`), 068
//! (`colour-tree`), 071 (`imports-and-shards`), 072 (`growth`) and 073 (`memory-of-cold-merges`).
//!
//! # Limits
//! k is odd and at most 63. Building keeps to [a cap on memory](BuildResources), which must have room for the largest
//! partition of each layer being merged (more partitions make it smaller); beside the cap are the colour sets of the
//! layer being merged. Reads are not corrected: use a minimum count for them.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod abundance;
mod count;
mod error;
mod hash;
pub mod import;
mod index;
pub mod kmer;
pub mod layer;
#[cfg(test)]
mod noise;
pub mod output;
mod parallel;
pub mod reader;
mod samples;
mod search;
pub mod unitig;

pub use error::Error;
pub use index::{
    BuildResources, BulkError, BulkReport, CheckReport, IndexOptions, IndexStatistics, Input, LayerCheck,
    LayerStatistics, NewSample, NoProgress, Progress, SampleInfo, SampleReport, SequenceIndex, Step,
};
pub use layer::{ColdLayers, LeftHot};
pub use search::{Hit, Outcome, Query, QueryResult, SearchOptions, SearchResults};
