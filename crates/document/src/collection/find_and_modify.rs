//! Changes or removes one document and gives it back.

use bson::{Bson, Document};

use super::shape::Shape;
use super::target::Target;
use super::update_first::UpdatedFirst;
use super::{Collection, Find};
use crate::error::Result;
use crate::language::expression::ParseScope;
use crate::language::update::Update;
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
    /// The document, before or after; none if none matched, or if it was inserted and the one before is
    /// asked for.
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
    /// As [`Collection::update`], and for the projection as [`Collection::find`]. Nothing is changed then.
    pub fn find_and_modify(&self, request: &FindAndModify) -> Result<FindAndModifyOutcome> {
        let find = request.to_find();
        match &request.modification {
            Modification::Remove => self.find_and_remove(&find),
            Modification::Update { update, upsert, array_filters, returns_new } => {
                let scope = ParseScope::with_names(request.constants.keys().map(String::as_str));
                let update = Update::parse_in(update, array_filters, &scope)?;
                self.update_first(&find, &update, *upsert, |updated, query| {
                    outcome(updated, *returns_new, &Shape::of(&find, query)?)
                })
            }
        }
    }

    fn find_and_remove(&self, find: &Find) -> Result<FindAndModifyOutcome> {
        self.on_first(
            || self.prepare(find),
            false,
            |_| Ok(FindAndModifyOutcome::default()),
            |writing, target, query| {
                let Target::Found(found) = target else { return Ok(FindAndModifyOutcome::default()) };
                writing.remove(&found.id, &found.document)?;
                let value = Some(Shape::of(find, query)?.apply(found.document.clone())?);
                Ok(FindAndModifyOutcome { value, affected: 1, ..FindAndModifyOutcome::default() })
            },
        )
    }
}

fn outcome(updated: UpdatedFirst, returns_new: bool, shape: &Shape) -> Result<FindAndModifyOutcome> {
    let mut outcome = FindAndModifyOutcome::default();
    match updated {
        UpdatedFirst::None => {}
        UpdatedFirst::Updated { before, after, .. } => {
            outcome.affected = 1;
            outcome.updated_existing = true;
            outcome.value = Some(shape.apply(if returns_new { after } else { before })?);
        }
        UpdatedFirst::Inserted(document) => {
            outcome.affected = 1;
            outcome.upserted = document.get("_id").cloned();
            if returns_new {
                outcome.value = Some(shape.apply(document)?);
            }
        }
    }
    Ok(outcome)
}

impl FindAndModify {
    fn to_find(&self) -> Find {
        Find {
            filter: self.filter.clone(),
            projection: self.projection.clone(),
            sort: self.sort.clone(),
            hint: self.hint.clone(),
            constants: self.constants.clone(),
            ..Find::default()
        }
    }
}
