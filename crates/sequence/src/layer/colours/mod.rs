//! The colour-set table of a layer: each different set of samples once, most of them by reference to others.
//!
//! Samples are in *chunks* of some hundreds. What a set holds of one chunk is a *leaf*, stored as a small
//! difference to another leaf of the chunk ([`flat`]). What reaches over several chunks is a *pair* of nodes,
//! each a leaf or a pair itself, whose chunks follow each other ([`table`]). A merge copies the chunks and
//! the pairs of its inputs, and makes new pairs where sets of different inputs meet ([`build`]): no set of
//! thousands of samples is ever listed. Fulgor's meta-colours (Pibiri, Fan, Patro, RECOMB 2024) are sets over
//! chunks, too, as one list each.

mod build;
mod counters;
mod encoded;
mod entry;
mod flat;
mod number;
mod regroup;
mod set;
mod table;
mod tree;
mod weigh;

pub(crate) use set::ColourSet;
pub(crate) use weigh::Met;

pub(super) use build::ColourTableBuilder;
pub(super) use regroup::{RegroupError, Regrouped};
pub(super) use table::{Chunk, ColourTable, MOST_DEEP, TableParts};

#[cfg(test)]
use encoded::{EncodedTable, OwnedTable};
#[cfg(test)]
mod tests;
