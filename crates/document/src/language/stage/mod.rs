//! Aggregation stages, one file each, and the pipeline that runs them as iterators.
//!
//! Each stage turns a stream of documents into another. Adding one is a file and a row in
//! [`table`](self)'s list.

mod add_fields;
mod bucket;
mod context;
mod count;
mod documents;
mod facet;
mod group;
mod limit;
mod lookup;
mod match_stage;
mod pipeline;
mod project;
mod replace_root;
mod sample;
mod skip;
mod sort;
mod sort_by_count;
mod stream;
mod table;
mod union_with;
mod unset;
mod unwind;

pub use context::{DEFAULT_MEMORY_LIMIT, DocumentStream, PipelineContext, RunSite, StageContext};
pub use pipeline::Pipeline;
pub use stream::{deferred, failed};
pub use table::Stage;

pub(crate) use replace_root::ReplaceRoot;
pub(crate) use table::is_known;
pub(crate) use unset::parse as parse_unset;

#[cfg(test)]
mod tests;
