//! A copy of the database in use that shares its files.

use std::path::Path;

use stroma_strata::storage::{LocalStorage, Storage};

use super::files::{check_empty, install};
use crate::Error;
use crate::database::Database;
use crate::entry::Sequence;

/// What a checkpoint or a restored backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckpointReport {
    /// The sequence of the last commit in it.
    pub sequence: Sequence,
    /// Tables and value files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Database {
    /// Makes a database in `path` that holds everything committed so far, and is independent of this one from then
    /// on. On the same file system the two share files by hard links, so that it takes a moment and next to no space.
    /// Writers go on meanwhile.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] if there is a database already; failure of the storage. Nothing stays behind then, but for
    /// a [`LOCK`](LocalStorage) file.
    pub fn checkpoint(&self, path: impl AsRef<Path>) -> Result<CheckpointReport, Error> {
        self.checkpoint_into(&LocalStorage::open(path.as_ref())?)
    }

    /// The same in any storage. One that cannot share files with this one's gets copies.
    ///
    /// # Errors
    /// As [`Database::checkpoint`].
    pub fn checkpoint_into(&self, target: &dyn Storage) -> Result<CheckpointReport, Error> {
        let _lock = target.lock()?;
        check_empty(target)?;
        let moment = self.core().freeze()?;
        let own = &*self.core().storage;
        let (files, bytes) = install(&moment.image, target, |name| Ok(target.share_from(own, name)?))?;
        Ok(CheckpointReport { sequence: moment.sequence, files, bytes })
    }
}
