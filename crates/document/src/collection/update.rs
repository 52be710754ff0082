//! Updates documents.

use bson::{Bson, Document};

use super::Collection;
use crate::error::{Error, Result, WriteError};
use crate::planner::Hint;

/// Which documents to change, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateStatement {
    /// Which documents.
    pub filter: Document,
    /// Update operators, a replacement, or a pipeline.
    pub update: Bson,
    /// All that match, not only the first.
    pub multi: bool,
    /// Insert a document if none matches.
    pub upsert: bool,
    /// Which array elements the update's `$[name]` stand for.
    pub array_filters: Vec<Document>,
    /// Which of several matching documents to change, if not `multi`.
    pub sort: Option<Document>,
    /// Which index to use.
    pub hint: Option<Hint>,
    /// Variables for `$expr` and pipelines, already values.
    pub constants: Document,
}

impl UpdateStatement {
    /// Changes the first document that matches.
    pub fn one(filter: Document, update: impl Into<Bson>) -> UpdateStatement {
        UpdateStatement {
            filter,
            update: update.into(),
            multi: false,
            upsert: false,
            array_filters: Vec::new(),
            sort: None,
            hint: None,
            constants: Document::new(),
        }
    }

    /// Changes all documents that match.
    pub fn many(filter: Document, update: impl Into<Bson>) -> UpdateStatement {
        UpdateStatement { multi: true, ..UpdateStatement::one(filter, update) }
    }

    /// Inserts a document if none matches.
    #[must_use]
    pub fn or_insert(mut self) -> UpdateStatement {
        self.upsert = true;
        self
    }
}

/// A document that an update inserted.
#[derive(Debug, Clone, PartialEq)]
pub struct Upserted {
    /// Which statement, from 0.
    pub index: usize,
    /// The new document's `_id`.
    pub id: Bson,
}

/// What an update came to.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct UpdateOutcome {
    /// How many documents matched; inserted ones are not among them.
    pub matched: u64,
    /// How many of them changed.
    pub modified: u64,
    /// The documents inserted.
    pub upserted: Vec<Upserted>,
    /// The statements that failed, by their place in the request.
    pub errors: Vec<WriteError>,
}

impl Collection {
    /// Updates documents; `ordered` stops at the first statement that fails.
    ///
    /// # Errors
    /// Of the store; what is wrong with single statements is in the outcome.
    pub fn update(&self, _statements: &[UpdateStatement], _ordered: bool) -> Result<UpdateOutcome> {
        Err(Error::unsupported("an update"))
    }
}
