//! Stromatolite: documents and sequences in one database.
//!
//! A folder holds collections of documents, queried in MongoDB's language, and sequence indexes, which answer exactly
//! which samples hold how much of a sequence. The two meet in one aggregation stage, `$sequenceSearch`.
//!
//! ```
//! use bson::doc;
//! use stromatolite::document::{Aggregate, Namespace};
//! use stromatolite::sequence::{IndexOptions, Input, NoProgress};
//! use stromatolite::{Options, Stromatolite};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let database = Stromatolite::open(folder.path(), Options::default())?;
//!
//! // Documents: what is known of the samples.
//! let samples = database.documents().collection(&Namespace::parse("lab.samples")?);
//! samples.insert_many(vec![doc! {"_id": "A", "tissue": "blood"}, doc! {"_id": "B", "tissue": "skin"}], true)?;
//!
//! // Sequences: what the samples hold.
//! let index = database.create_sequence_index("reads", IndexOptions { k: 11, ..IndexOptions::default() })?;
//! index.add_sample("A", vec![Input::bytes("a.fa", ">a\nACGTTGCAAGCTTAGCCGATAACGG\n")], &NoProgress)?;
//! index.add_sample("B", vec![Input::bytes("b.fa", ">b\nTTTGACCATGACCATTGGCATGCAT\n")], &NoProgress)?;
//!
//! // Both: the blood samples that hold a transcript.
//! let pipeline = vec![
//!     doc! {"$sequenceSearch": {"index": "reads", "query": "GTTGCAAGCTTAGCC", "threshold": 0.9}},
//!     doc! {"$match": {"tissue": "blood"}},
//! ];
//! let found: Vec<_> = samples.aggregate(&Aggregate::new(pipeline))?.collect::<Result<_, _>>()?;
//! assert_eq!(found.len(), 1);
//! assert_eq!(found[0].get_str("_id")?, "A");
//! assert_eq!(found[0].get_document("sequenceMatch")?.get_f64("score")?, 1.0);
//! # Ok(())
//! # }
//! ```
//!
//! # The parts
//! Each part is a crate of its own, re-exported here behind a feature of its name (all on by default): [`document`],
//! [`sequence`], [`lsm`], [`strata`], [`logmem`], [`hybrid`], [`quotient`]. With default features off this crate is
//! only those that are asked for; the handle [`Stromatolite`] needs the feature `database`.

#![forbid(unsafe_code)]

#[cfg(feature = "database")]
mod check;
#[cfg(feature = "database")]
mod database;
#[cfg(feature = "database")]
mod dump;
#[cfg(feature = "database")]
mod error;
#[cfg(feature = "database")]
mod export;
#[cfg(feature = "database")]
mod inspect;
#[cfg(feature = "database")]
mod keys;
#[cfg(feature = "database")]
mod layout;
#[cfg(feature = "database")]
mod marker;
#[cfg(feature = "database")]
mod registry;
#[cfg(feature = "database")]
mod repair;
#[cfg(feature = "database")]
mod stage;

#[cfg(feature = "database")]
pub use check::{CheckReport, Damage};
#[cfg(feature = "database")]
pub use database::{Options, Stromatolite};
#[cfg(feature = "database")]
pub use error::{Error, Result};

#[cfg(feature = "database")]
pub use dump::dump_file;
#[cfg(feature = "database")]
pub use repair::RepairReport;

#[cfg(feature = "database")]
pub use inspect::{FileReport, inspect_file, inspect_file_with};

#[cfg(feature = "document")]
pub use stroma_document as document;
#[cfg(feature = "hybrid")]
pub use stroma_hybrid as hybrid;
#[cfg(feature = "logmem")]
pub use stroma_logmem as logmem;
#[cfg(feature = "lsm")]
pub use stroma_lsm as lsm;
#[cfg(feature = "quotient")]
pub use stroma_quotient as quotient;
#[cfg(feature = "sequence")]
pub use stroma_sequence as sequence;
#[cfg(feature = "strata")]
pub use stroma_strata as strata;
