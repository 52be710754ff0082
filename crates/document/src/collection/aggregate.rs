//! Runs aggregation pipelines.

use bson::Document;

use super::Collection;
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::planner::Hint;

/// A pipeline.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Aggregate {
    /// The stages.
    pub pipeline: Vec<Document>,
    /// Which index to use.
    pub hint: Option<Hint>,
    /// Variables, already values.
    pub constants: Document,
}

impl Aggregate {
    /// These stages.
    pub fn new(pipeline: Vec<Document>) -> Aggregate {
        Aggregate { pipeline, ..Aggregate::default() }
    }
}

impl Collection {
    /// Runs a pipeline over the collection.
    ///
    /// # Errors
    /// What is wrong with the pipeline; any error of the store.
    pub fn aggregate(&self, _aggregate: &Aggregate) -> Result<Cursor> {
        Err(Error::unsupported("an aggregation"))
    }
}
