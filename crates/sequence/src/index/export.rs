//! Copying an index to another storage, such as one file of blobs.

use stroma_strata::storage::Storage;

use super::SequenceIndex;
use crate::Error;

impl SequenceIndex {
    /// Copies the index as it is now to `target`, which has none. Layers are copied as they are: after
    /// [`compact`](SequenceIndex::compact) there is one. Others may go on adding samples meanwhile.
    ///
    /// # Errors
    /// Failure of a storage. Blobs that nothing names may stay behind then.
    pub fn export_into(&self, target: &dyn Storage) -> Result<(), Error> {
        let version = self.set.current();
        for layer in version.layers() {
            let copied = target.copy_from(&*self.storage, &layer.descriptor().blob_name());
            copied.map_err(stroma_strata::Error::from)?;
        }
        Ok(self.set.image(&version).install(target)?)
    }
}
