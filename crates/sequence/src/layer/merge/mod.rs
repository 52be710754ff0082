//! Merges any number of layers into one, partition by partition, several at a time.
//!
//! Each sample lies in just one layer, so the set of samples of a merged k-mer is the union of its sets in
//! the inputs. Which input sets meet in a k-mer is looked up in a table first: only a combination that was
//! never seen before is given an id. Its set is mostly a reference to those of the inputs; only what small
//! inputs have of it is decoded and listed anew (removed samples fall out here).
//!
//! What is written is a layer in partitions, or a cold one, whose k-mers are in one dictionary of strings. A
//! cold input is read back into partitions first.

mod partition;
mod plan;
mod read_back;
mod sets;
mod spread;
mod write;

pub(super) use plan::Merge;
pub(super) use sets::CHUNK_SAMPLES;
