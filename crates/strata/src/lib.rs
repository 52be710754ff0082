//! A layered set: what an LSM tree and a k-mer index have in common, without what they hold.
//!
//! One idea: **append, seal, merge**. A *layer* is an immutable blob of sorted entries. What is newly written
//! is sealed as a layer of level 0; in the background layers are merged into fewer and larger ones of deeper
//! levels. Readers look at a [`Version`], a frozen list of layers, and never wait. What a layer holds is up
//! to a [`LayerKind`]; this crate does the rest:
//!
//! | part | what it does |
//! |---|---|
//! | [`LayeredSet`] | one handle: versions, edits, merges, statistics, checks |
//! | [`LayeredSet::edit`] | layers and small records change together or not at all, and durably |
//! | [`picker`] | which layers to merge next: a pure function, tiered or levelled |
//! | [`storage`] | where blobs live: a directory, memory with faults on demand, later an object store |
//! | [`runtime`] | time and threads as parameters, so that a test can replay both |
//!
//! # What readers may rely on
//! 1. A version never changes, and its layers stay readable as long as someone holds it. A blob is deleted
//!    when the last version that names it is dropped.
//! 2. Of two layers with keys in common the newer one comes first in [`Version::layers`]: the one of the
//!    lower level, or within a level the one with the larger recency.
//! 3. After a crash at any moment the set is as the last committed edit left it, or a later one. A blob is
//!    written whole, synced and published before an edit names it; what no edit names is removed at the next
//!    start.
//! 4. One process writes. On a storage that cannot lock, a writer that was replaced gets [`Error::Fenced`]
//!    and overwrites nothing.
//!
//! # Example
//! A set of words. A layer is a sorted list of lines; merging unites them.
//!
//! ```
//! use std::collections::BTreeSet;
//! use std::sync::Arc;
//! use stroma_strata::storage::{Blob, MemoryStorage};
//! use stroma_strata::{
//!     KindError, LayerDescriptor, LayerKind, LayerOutput, LayerSummary, LayerWriter, LayeredSet, MergeJob,
//!     MergePolicy, SetOptions,
//! };
//!
//! struct Words;
//!
//! fn write(writer: &mut LayerWriter, words: &BTreeSet<String>) -> Result<LayerSummary, KindError> {
//!     for word in words {
//!         writer.write_all(format!("{word}\n").as_bytes())?;
//!     }
//!     let key = |word: Option<&String>| word.cloned().unwrap_or_default().into_bytes();
//!     Ok(LayerSummary {
//!         smallest: key(words.first()),
//!         largest: key(words.last()),
//!         entries: words.len() as u64,
//!         ..LayerSummary::default()
//!     })
//! }
//!
//! impl LayerKind for Words {
//!     type Layer = BTreeSet<String>;
//!
//!     fn name(&self) -> &'static str {
//!         "words"
//!     }
//!
//!     fn open(&self, blob: Arc<dyn Blob>, _: &LayerDescriptor) -> Result<Self::Layer, KindError> {
//!         Ok(String::from_utf8(blob.read_all()?)?.lines().map(str::to_owned).collect())
//!     }
//!
//!     fn merge(&self, job: &MergeJob<'_, Self>, output: &mut LayerOutput<'_>) -> Result<(), KindError> {
//!         let words = job.inputs().iter().flat_map(|input| input.layer()).cloned().collect();
//!         let mut writer = output.start()?;
//!         let summary = write(&mut writer, &words)?;
//!         writer.finish(summary)?;
//!         Ok(())
//!     }
//!
//!     // A real kind checks its checksums here; this one has none.
//!     fn verify(&self, _: &Self::Layer) -> Result<(), KindError> {
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), stroma_strata::Error> {
//! let options = SetOptions { policy: MergePolicy::Tiered { fanout: 2 }, ..SetOptions::default() };
//! let (set, report) = LayeredSet::open(Arc::new(MemoryStorage::new()), Words, options)?;
//! assert!(report.created);
//!
//! for words in [["ant", "bee"], ["bee", "cow"]] {
//!     let recency = set.next_recency();
//!     let mut edit = set.edit();
//!     let words = words.map(str::to_owned).into();
//!     edit.write_layer(0, recency, |writer| write(writer, &words))?;
//!     edit.put_record("last word", words.last().cloned().unwrap_or_default());
//!     edit.commit()?;
//! }
//!
//! let before = set.current();
//! set.merge_until_idle()?; // or `set.start_background(&ThreadSpawner, 2)?` once
//! let after = set.current();
//! assert_eq!((before.layers().count(), after.layers().count()), (2, 1));
//! assert_eq!(after.layers().next().map(|layer| layer.layer().len()), Some(3));
//! assert_eq!(after.record("last word"), Some(&b"cow"[..]));
//! set.close()?;
//! # Ok(()) }
//! ```

#![deny(unsafe_code)]

mod description;
mod dump;
pub mod encryption;
mod error;
#[cfg(test)]
mod golden;
mod layer;
mod manifest;
pub mod picker;
pub mod runtime;
mod set;
pub mod storage;

pub use description::{FileDescription, describe_manifest_blob, describe_manifest_blob_with, magic_of};
pub use dump::{DumpLine, DumpSink, DumpValue, dump_manifest_blob};
pub use error::Error;
pub use layer::{
    KeyRange, KindError, LayerDescriptor, LayerKind, LayerOutput, LayerSummary, LayerWriter, MergeJob,
};
pub use manifest::{FORMAT_VERSION, Records, describe as describe_manifest};
pub use picker::{Limits, MergePolicy, PaidByReads, Upkeep};
pub use set::{
    BorrowedVersion, Edit, Ingestion, JobStatistics, Layer, LayerVerification, LayeredSet, Level,
    LevelStatistics, MergeFailure, MergePause, MergeReport, OpenReport, ReadCosts, Run, SalvagedManifest,
    SetImage, SetOptions, SetStatistics, Version, key_head, salvage_manifest,
};
