//! Removing a sample: its record goes at once, its colour when its layer is merged.

use std::sync::Arc;

use super::SequenceIndex;
use crate::Error;
use crate::samples::{Sample, SampleTable};

impl SequenceIndex {
    /// Removes a sample: no search sees it any more. The space it takes in layers shared with other samples is
    /// freed when they are merged; [`compact`](Self::compact) does that at once.
    ///
    /// # Errors
    /// [`Error::UnknownSample`], and failures of the storage.
    pub fn remove_sample(&self, name: &str) -> Result<(), Error> {
        let _writer = self.writer.lock();
        let mut table: SampleTable = self.samples.read().as_ref().clone();
        let id = table.id_of(name).ok_or_else(|| Error::UnknownSample { name: name.to_owned() })?;
        table.remove(id);
        match self.commit_removal(id, self.layers_without(&table)) {
            // A merge replaced one of those layers meanwhile: whatever it wrote is left to the next merge.
            Err(Error::Set(stroma_strata::Error::UnknownLayer { .. })) => {
                self.commit_removal(id, Vec::new())?
            }
            outcome => outcome?,
        }
        *self.samples.write() = Arc::new(table);
        Ok(())
    }

    /// Layers none of whose samples is in the table: nobody needs them.
    fn layers_without(&self, table: &SampleTable) -> Vec<u64> {
        let version = self.set.current();
        let layers = version.layers();
        layers
            .filter(|layer| layer.layer().samples().iter().all(|&id| table.rank_of(id).is_none()))
            .map(|layer| layer.descriptor().id)
            .collect()
    }

    fn commit_removal(&self, id: u32, layers: Vec<u64>) -> Result<(), Error> {
        let mut edit = self.set.edit();
        edit.delete_record(Sample::record_name(id));
        for layer in layers {
            edit.remove(layer);
        }
        edit.commit()?;
        Ok(())
    }
}
