//! An edit: layers and records that change together or not at all.

use std::sync::Arc;

use super::Version;
use super::commit::{Change, NewLayer};
use super::progress::JobProgress;
use super::shared::Shared;
use crate::Error;
use crate::layer::{KindError, LayerKind, LayerSummary, LayerWriter};
use crate::manifest;

/// A change being put together. Nothing of it is seen before [`commit`](Edit::commit); dropped, it never was.
#[derive(Debug)]
#[must_use = "an edit changes nothing until it is committed"]
pub struct Edit<'a, K: LayerKind> {
    shared: &'a Shared<K>,
    edit: manifest::Edit,
    new: Vec<NewLayer<K>>,
}

impl<'a, K: LayerKind> Edit<'a, K> {
    pub(super) fn new(shared: &'a Shared<K>) -> Edit<'a, K> {
        Edit { shared, edit: manifest::Edit::default(), new: Vec::new() }
    }

    /// Writes a layer and returns its id. The layer is durable when this returns, but nobody sees it before
    /// the edit is committed. `write` fills the writer and tells what it wrote.
    ///
    /// Layers of one level and recency must not overlap. A layer of level 0 must be more recent than whatever
    /// was merged into deeper levels: commit in the order of recency. Larger than any before is
    /// [`LayeredSet::next_recency`](crate::LayeredSet::next_recency).
    ///
    /// # Errors
    /// What `write` returns comes back as [`Error::Kind`], unless it is an [`Error`] itself.
    pub fn write_layer(
        &mut self,
        level: u32,
        recency: u64,
        write: impl FnOnce(&mut LayerWriter) -> Result<LayerSummary, KindError>,
    ) -> Result<u64, Error> {
        if self.shared.writer.lock().read_only {
            return Err(Error::ReadOnly);
        }
        let progress = Arc::new(JobProgress::default());
        let factory = self.shared.factory(progress);
        let mut writer = factory.start(level, recency)?;
        let id = writer.id();
        let place = || self.shared.storage.describe(&crate::layer::blob_name(id));
        let summary = write(&mut writer).map_err(|error| from_kind("write", place, error))?;
        let descriptor = writer.finish(summary)?;
        self.new.extend(self.shared.open_finished(factory.take_finished())?);
        let mut totals = self.shared.totals.lock();
        totals.sealed_layers += 1;
        totals.sealed_bytes += descriptor.bytes;
        Ok(id)
    }

    /// Sets a record.
    pub fn put_record(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> &mut Self {
        let name = name.into();
        self.edit.deleted_records.retain(|other| *other != name);
        self.edit.put_records.retain(|(other, _)| *other != name);
        self.edit.put_records.push((name, bytes.into()));
        self
    }

    /// Removes a record, if it is there.
    pub fn delete_record(&mut self, name: impl Into<String>) -> &mut Self {
        let name = name.into();
        self.edit.put_records.retain(|(other, _)| *other != name);
        self.edit.deleted_records.push(name);
        self
    }

    /// Removes a layer. A merge that works on it is given up.
    pub fn remove(&mut self, id: u64) -> &mut Self {
        self.edit.removed.push(id);
        self
    }

    /// Makes the edit durable, then visible, and returns the version that shows it.
    ///
    /// # Errors
    /// [`Error::UnknownLayer`], [`Error::Overlap`], [`Error::OutOfOrder`], [`Error::TooLarge`],
    /// [`Error::Closed`] and a full disk leave the set as it was. [`Error::Fenced`]: another writer took
    /// over. Any other failure of the storage leaves open whether the edit was written; all later edits fail
    /// with [`Error::Poisoned`].
    pub fn commit(self) -> Result<Arc<Version<K>>, Error> {
        self.shared.commit(Change { edit: self.edit, new: self.new, is_seal: true })
    }
}

/// An error of ours that passed through a layer kind comes out as it was.
pub(super) fn from_kind(action: &'static str, place: impl FnOnce() -> String, error: KindError) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(source) => Error::Kind { action, place: place(), source },
    }
}
