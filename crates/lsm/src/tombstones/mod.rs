//! What was deleted, as ranges: a source's range tombstones, cut into disjoint fragments so that a lookup is one
//! search, and ranges that scans are known to find nothing in.

mod dead_ranges;
mod dead_walk;
mod encoding;
mod fragment;
mod set;

pub(crate) use dead_ranges::DeadRanges;
pub(crate) use dead_walk::{DeadWalk, Onward};
pub(crate) use fragment::Fragment;
pub(crate) use set::{RangeTombstones, TombstoneWalk};
