//! A database in one file: reading it.

use std::path::Path;
use std::sync::Arc;

use stroma_strata::storage::{PackedStorage, open_file};

use crate::Error;
use crate::database::Database;
use crate::options::Options;

impl Database {
    /// Opens a database in one file, as [`export_into`](Database::export_into) writes it, to be read only. The file is
    /// mapped; its ends, its directory and its manifest are read. A table is opened when something in it is looked for,
    /// and verified block by block as any other. So it takes microseconds, however long the file.
    ///
    /// # Errors
    /// [`Error::Storage`] with `NotFound`, `Damaged`, `NewerFormat`; [`Error::NoDatabase`] if the file holds something
    /// else; as [`Database::open_read_only`].
    pub fn open_file(path: impl AsRef<Path>, options: Options) -> Result<Database, Error> {
        let storage = PackedStorage::open(open_file(path)?)?;
        Database::open_storage_read_only(Arc::new(storage), options)
    }
}
