//! Inserts documents.

use bson::Document;

use super::Collection;
use super::modify::{Prepared, Writing};
use crate::documents::Attempt;
use crate::error::{Code, Result, WriteError};

/// How many documents one transaction inserts.
const CHUNK_DOCUMENTS: usize = 1000;

/// What an insert came to.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct InsertOutcome {
    /// How many documents were inserted.
    pub inserted: u64,
    /// The documents that were not, by their place in the request.
    pub errors: Vec<WriteError>,
}

impl Collection {
    /// Inserts documents, and creates the collection if it does not exist. A document without an `_id`
    /// gets a new object id as its first field.
    ///
    /// `ordered` stops at the first document that fails; otherwise the rest is inserted. The documents are
    /// committed in chunks of bounded size: each is in the collection with all its index entries or not at
    /// all, but a crash may leave a front part of the request.
    ///
    /// # Errors
    /// Of the store or of the request as a whole; what is wrong with single documents is in the outcome:
    /// `DuplicateKey` (11000), `BSONObjectTooLarge` (10334), `InvalidIdField` (53) and others.
    pub fn insert_many(&self, documents: Vec<Document>, ordered: bool) -> Result<InsertOutcome> {
        let mut outcome = InsertOutcome::default();
        let mut chunk = Vec::new();
        let mut bytes = 0;
        let most_bytes = self.inner.chunk_bytes();
        for (index, document) in documents.into_iter().enumerate() {
            let prepared = Prepared::new(&self.inner, document);
            let size = prepared.as_ref().map_or(0, |prepared| prepared.bytes.len());
            let is_last = ordered && prepared.is_err();
            if is_last || chunk.len() >= CHUNK_DOCUMENTS || bytes + size > most_bytes {
                self.insert_chunk(&chunk, ordered, &mut outcome)?;
                if ordered && !outcome.errors.is_empty() {
                    return Ok(outcome);
                }
                chunk.clear();
                bytes = 0;
            }
            match prepared {
                Ok(prepared) => chunk.push((index, prepared)),
                Err(error) => outcome.errors.push(WriteError { index, error }),
            }
            bytes += size;
            if is_last {
                return Ok(outcome);
            }
        }
        self.insert_chunk(&chunk, ordered, &mut outcome)?;
        outcome.errors.sort_by_key(|error| error.index);
        Ok(outcome)
    }

    fn insert_chunk(
        &self,
        chunk: &[(usize, Prepared)],
        ordered: bool,
        outcome: &mut InsertOutcome,
    ) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        let (inserted, errors) = self.inner.transact(self.is_synced, |transaction| {
            let entry = self.inner.find_or_create(transaction, &self.namespace)?;
            let mut writing = Writing { inner: &self.inner, transaction, entry };
            let mut inserted = 0;
            let mut errors = Vec::new();
            for (index, prepared) in chunk {
                match writing.insert(prepared) {
                    Ok(()) => inserted += 1,
                    Err(error) if !is_of_document(error.kind()) => return Err(error),
                    Err(error) => {
                        errors.push(WriteError { index: *index, error });
                        if ordered {
                            break;
                        }
                    }
                }
            }
            Ok(Attempt::Commit((inserted, errors)))
        })?;
        outcome.inserted += inserted;
        outcome.errors.extend(errors);
        Ok(())
    }
}

/// Puts the failure of a statement into the outcome; tells whether there was none.
///
/// # Errors
/// The failure itself if it is not about the statement, so that the others would fail as well.
pub(super) fn note_failure(done: Result<()>, index: usize, errors: &mut Vec<WriteError>) -> Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if is_of_document(error.kind()) || error.kind() == Code::WriteConflict => {
            errors.push(WriteError { index, error });
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether an error is about the one document, so that the others of the request can still be written.
fn is_of_document(code: Code) -> bool {
    !matches!(
        code,
        Code::WriteConflict
            | Code::NotWritablePrimary
            | Code::OutOfDiskSpace
            | Code::OperationFailed
            | Code::ShutdownInProgress
            | Code::InternalError
            | Code::Interrupted
            | Code::MaxTimeMSExpired
    )
}
