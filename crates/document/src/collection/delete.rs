//! Deletes documents.

use bson::Document;

use super::insert::note_failure;
use super::target::Target;
use super::{Collection, Find};
use crate::error::{Result, WriteError};
use crate::planner::Hint;

/// Which documents to delete.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeleteStatement {
    /// Which documents.
    pub filter: Document,
    /// All that match, not only the first.
    pub multi: bool,
    /// Which index to use.
    pub hint: Option<Hint>,
    /// Variables for `$expr`, already values.
    pub constants: Document,
}

impl DeleteStatement {
    /// The first document that matches.
    pub fn one(filter: Document) -> DeleteStatement {
        DeleteStatement { filter, ..DeleteStatement::default() }
    }

    /// All documents that match.
    pub fn many(filter: Document) -> DeleteStatement {
        DeleteStatement { filter, multi: true, ..DeleteStatement::default() }
    }
}

/// What a delete came to.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct DeleteOutcome {
    /// How many documents were deleted.
    pub deleted: u64,
    /// The statements that failed, by their place in the request.
    pub errors: Vec<WriteError>,
}

impl Collection {
    /// Deletes documents; `ordered` stops at the first statement that fails.
    ///
    /// A statement for many documents commits in chunks of bounded size.
    ///
    /// # Errors
    /// Of the store; what is wrong with single statements is in the outcome.
    pub fn delete(&self, statements: &[DeleteStatement], ordered: bool) -> Result<DeleteOutcome> {
        let mut outcome = DeleteOutcome::default();
        for (index, statement) in statements.iter().enumerate() {
            let done = if statement.multi {
                self.delete_many(statement, &mut outcome.deleted)
            } else {
                self.delete_one(statement).map(|deleted| outcome.deleted += u64::from(deleted))
            };
            if !note_failure(done, index, &mut outcome.errors)? && ordered {
                break;
            }
        }
        Ok(outcome)
    }

    fn delete_one(&self, statement: &DeleteStatement) -> Result<bool> {
        let find = statement.to_find();
        self.on_first(
            || self.prepare(&find),
            false,
            |_| Ok(false),
            |writing, target, _| match target {
                Target::Found(found) => {
                    writing.remove(&found.id, &found.document)?;
                    Ok(true)
                }
                Target::Absent => Ok(false),
            },
        )
    }

    fn delete_many(&self, statement: &DeleteStatement, deleted: &mut u64) -> Result<()> {
        self.on_all(
            &statement.to_find(),
            |writing, found, _| writing.remove(&found.id, &found.document),
            |()| *deleted += 1,
        )
    }
}

impl DeleteStatement {
    fn to_find(&self) -> Find {
        Find {
            filter: self.filter.clone(),
            hint: self.hint.clone(),
            constants: self.constants.clone(),
            ..Find::default()
        }
    }
}
