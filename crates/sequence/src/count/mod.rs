//! Counts the canonical k-mers of one sample exactly: split into partitions first, each sorted then.

mod counted;
mod pieces;
mod sample;
mod scatter;
mod sorted;
mod spill;
mod waiting;

pub(crate) use sample::{Keeping, SampleCounter};
pub(crate) use spill::Spills;
