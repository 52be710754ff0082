//! `$sequenceSearch`, the aggregation stage through which sequence search enters a document query.

mod argument;
mod matches;
mod sequence_search;

pub(crate) use sequence_search::SequenceSearchStage;
