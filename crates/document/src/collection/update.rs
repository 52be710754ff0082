//! Updates documents.

use bson::{Bson, Document};

use super::insert::note_failure;
use super::update_first::{UpdatedFirst, change};
use super::{Collection, Find};
use crate::error::{Error, Result, WriteError};
use crate::language::expression::ParseScope;
use crate::language::update::{Changed, Update};
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
    /// A statement for many documents commits in chunks of bounded size; if it fails, the chunks before the
    /// one it failed in stay. Each document is changed once, and only if it still matches by then.
    ///
    /// # Errors
    /// Of the store; what is wrong with single statements is in the outcome.
    pub fn update(&self, statements: &[UpdateStatement], ordered: bool) -> Result<UpdateOutcome> {
        let mut outcome = UpdateOutcome::default();
        for (index, statement) in statements.iter().enumerate() {
            let done = self.update_by(statement, index, &mut outcome);
            if !note_failure(done, index, &mut outcome.errors)? && ordered {
                break;
            }
        }
        Ok(outcome)
    }

    fn update_by(
        &self,
        statement: &UpdateStatement,
        index: usize,
        outcome: &mut UpdateOutcome,
    ) -> Result<()> {
        let scope = ParseScope::with_names(statement.constants.keys().map(String::as_str));
        let update = Update::parse_in(&statement.update, &statement.array_filters, &scope)?;
        let find = statement.to_find();
        if statement.multi {
            if update.is_replacement() {
                return Err(Error::failed_to_parse(
                    "multi update is not supported for replacement-style update",
                ));
            }
            if statement.sort.is_some() {
                return Err(Error::failed_to_parse("Cannot specify sort with multi=true"));
            }
            return self.update_all(&find, &update, statement.upsert, index, outcome);
        }
        let updated = self.update_first(&find, &update, statement.upsert, |updated, _| Ok(updated))?;
        outcome.add(updated, index);
        Ok(())
    }

    fn update_all(
        &self,
        find: &Find,
        update: &Update,
        upsert: bool,
        index: usize,
        outcome: &mut UpdateOutcome,
    ) -> Result<()> {
        loop {
            let matched = outcome.matched;
            self.on_all(
                find,
                |writing, found, query| Ok(change(writing, found, update, query)?.1),
                |changed| outcome.count(changed),
            )?;
            if !upsert || outcome.matched > matched {
                return Ok(());
            }
            // If a document that matches has come meanwhile, all that match by now are updated.
            if let Some(inserted) = self.insert_if_absent(find, update)? {
                outcome.add(UpdatedFirst::Inserted(inserted), index);
                return Ok(());
            }
        }
    }
}

impl UpdateOutcome {
    fn add(&mut self, updated: UpdatedFirst, index: usize) {
        match updated {
            UpdatedFirst::None => {}
            UpdatedFirst::Updated { changed, .. } => self.count(changed),
            UpdatedFirst::Inserted(document) => {
                let id = document.get("_id").cloned().unwrap_or(Bson::Null);
                self.upserted.push(Upserted { index, id });
            }
        }
    }

    fn count(&mut self, changed: Changed) {
        self.matched += 1;
        self.modified += u64::from(changed == Changed::Yes);
    }
}

impl UpdateStatement {
    fn to_find(&self) -> Find {
        Find {
            filter: self.filter.clone(),
            sort: self.sort.clone(),
            hint: self.hint.clone(),
            constants: self.constants.clone(),
            ..Find::default()
        }
    }
}
