//! Range deletes: a source's range tombstones, cut into disjoint fragments so that a lookup is one search.

mod encoding;
mod fragment;
mod set;

pub(crate) use fragment::Fragment;
pub(crate) use set::{RangeTombstones, TombstoneWalk};
