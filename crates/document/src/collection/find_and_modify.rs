//! Changes or removes one document and gives it back.

use bson::{Bson, Document};

use super::Collection;
use crate::error::{Error, Result};
use crate::planner::Hint;

/// What becomes of the document.
#[derive(Debug, Clone, PartialEq)]
pub enum Modification {
    /// It is removed.
    Remove,
    /// It is changed.
    Update {
        /// Update operators, a replacement, or a pipeline.
        update: Bson,
        /// Insert a document if none matches.
        upsert: bool,
        /// Which array elements the update's `$[name]` stand for.
        array_filters: Vec<Document>,
        /// Give back the document as it is after the update.
        returns_new: bool,
    },
}

/// One document to change and give back.
#[derive(Debug, Clone, PartialEq)]
pub struct FindAndModify {
    /// Which document.
    pub filter: Document,
    /// What becomes of it.
    pub modification: Modification,
    /// Which one, if several match.
    pub sort: Option<Document>,
    /// Which of its fields to give back.
    pub projection: Option<Document>,
    /// Which index to use.
    pub hint: Option<Hint>,
    /// Variables for `$expr` and pipelines, already values.
    pub constants: Document,
}

impl FindAndModify {
    /// Does this to the first document that matches.
    pub fn new(filter: Document, modification: Modification) -> FindAndModify {
        FindAndModify {
            filter,
            modification,
            sort: None,
            projection: None,
            hint: None,
            constants: Document::new(),
        }
    }
}

/// What a find-and-modify came to.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct FindAndModifyOutcome {
    /// The document, before or after; none if none matched, or it was inserted and the one before is asked for.
    pub value: Option<Document>,
    /// How many documents were changed, removed or inserted: 0 or 1.
    pub affected: u64,
    /// Whether a document that was there was updated.
    pub updated_existing: bool,
    /// The `_id` of the document that was inserted.
    pub upserted: Option<Bson>,
}

impl Collection {
    /// Changes or removes the first document that matches, in one step, and gives it back.
    ///
    /// # Errors
    /// As [`Collection::update`], and for the projection as [`Collection::find`].
    pub fn find_and_modify(&self, _request: &FindAndModify) -> Result<FindAndModifyOutcome> {
        Err(Error::unsupported("findAndModify"))
    }
}
