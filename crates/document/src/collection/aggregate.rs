//! Runs aggregation pipelines.

use bson::{Bson, Document};

use super::{Collection, Find};
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::planner::Hint;

/// A pipeline.
#[derive(Debug, Clone, Default, PartialEq)]
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

    /// The find that feeds the pipeline: its leading `$match` and `$sort`, which an index may serve.
    pub(super) fn source_of(&self, aggregate: &Aggregate) -> Result<Find> {
        let mut find =
            Find { hint: aggregate.hint.clone(), constants: aggregate.constants.clone(), ..Find::default() };
        let mut stages = aggregate.pipeline.iter().filter_map(|stage| stage.iter().next());
        let mut next = stages.next();
        if let Some((name, Bson::Document(filter))) = next
            && name == "$match"
        {
            find.filter = filter.clone();
            next = stages.next();
        }
        if let Some((name, Bson::Document(sort))) = next
            && name == "$sort"
        {
            find.sort = Some(sort.clone());
        }
        Ok(find)
    }
}
