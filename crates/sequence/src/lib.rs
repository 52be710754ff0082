//! Exact sequence search: counted k-mers in coloured layers
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod count;
mod error;
mod hash;
mod index;
pub mod kmer;
pub mod layer;
pub mod output;
pub mod reader;
mod samples;
mod search;

pub use error::Error;
pub use index::{
    CheckReport, IndexOptions, IndexStatistics, Input, LayerCheck, LayerStatistics, NoProgress, Progress,
    SampleInfo, SampleReport, SequenceIndex, Step,
};
pub use search::{Hit, Outcome, Query, QueryResult, SearchOptions, SearchResults};
