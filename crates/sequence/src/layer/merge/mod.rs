//! Merges any number of layers into one, partition by partition, several at a time.
//!
//! Each sample lies in just one layer, so the set of samples of a merged k-mer is the union of its sets in the
//! inputs. Which input sets meet in a k-mer is looked up in a table first: only a combination that was never
//! seen before is decoded, mapped to the output's colours (removed samples fall out here) and given an id.
//!
//! What is written is a layer in partitions, or a cold one, whose k-mers are in one dictionary of strings. A cold input
//! is read back into partitions first.

mod partition;
mod plan;
mod read_back;
mod write;

pub(super) use plan::Merge;
