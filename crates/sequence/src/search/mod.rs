//! Splits queries into k-mers, looks them up in every layer, and adds up how many each sample holds.

mod along;
mod batch;
mod counts;
mod options;
mod positions;
mod query;
mod stream;
mod threshold;

pub use options::SearchOptions;
pub use query::{Hit, Outcome, Query, QueryResult};
pub use stream::SearchResults;

pub(crate) use stream::Snapshot;
