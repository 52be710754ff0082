//! Carries plans out: streams of candidates, checked, sorted, counted.

mod candidates;
mod counters;
mod query;
mod sorting;

pub(crate) use candidates::{Candidates, Found, count_entries};
pub(crate) use counters::Counters;
pub(crate) use query::{Matching, Query};
pub(crate) use sorting::{SortLimit, sort};
