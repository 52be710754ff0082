//! Splits queries into k-mers, looks them up in every layer, and adds up how many each sample holds.

mod batch;
mod query;
mod stream;
mod threshold;

pub use query::{Hit, Outcome, Query, QueryResult, SearchOptions};
pub use stream::SearchResults;

pub(crate) use stream::Snapshot;
