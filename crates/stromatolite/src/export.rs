//! The whole database in one file: documents and sequence indexes, to be shipped and read.

use std::path::Path;
use std::sync::Arc;

use stroma_lsm::IfExists;
use stroma_strata::storage::{PackedWriter, Storage, create_file};

use crate::error::Result;
use crate::layout::FORMAT_FILE;
use crate::{Stromatolite, marker};

impl Stromatolite {
    /// Writes everything as it is now into one file, which [`open`](Stromatolite::open) opens
    /// [to read](crate::Options::reading). The documents are merged into one run of tables without slack; the layers
    /// of sequence indexes are copied as they are. Nobody sees the file before it is whole and on the device.
    ///
    /// # Errors
    /// When there is such a file and it is not to be replaced; when something cannot be read or written. Nothing stays
    /// behind then, and a file that was there is there still.
    pub fn export_into(&self, path: impl AsRef<Path>, if_exists: IfExists) -> Result<()> {
        let path = path.as_ref();
        let file = PackedWriter::new(create_file(path, if_exists)?, path.display().to_string())?;
        file.put_if_absent(FORMAT_FILE, marker::DATABASE.line().as_bytes())?;
        self.engine().export_into_storage(&file.folder("documents"))?;
        for name in self.sequence_indexes()? {
            let index = self.sequence_index(&name)?;
            let target = Arc::new(file.folder("sequences").folder(&name));
            index.export_into(&self.layout().encrypted_index(target, &name))?;
            let indexes = file.folder(crate::registry::FOLDER);
            indexes.put_if_absent(&name, marker::SEQUENCE_INDEX.line().as_bytes())?;
        }
        file.finish()?;
        Ok(())
    }
}
