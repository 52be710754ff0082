//! Making an edit: checked, written to the manifest, and only then seen by readers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::file::{LayerFile, Reclaim};
use super::shared::{Shared, Writer};
use super::{Layer, Version};
use crate::Error;
use crate::layer::{FinishedLayer, LayerDescriptor, LayerKind};
use crate::manifest::{self, State};
use crate::storage::{Storage, StorageError};

/// A change to the set, ready to be written.
#[derive(Debug)]
pub(super) struct Change<K: LayerKind> {
    pub(super) edit: manifest::Edit,
    /// The layers that are new, sealed and open.
    pub(super) new: Vec<NewLayer<K>>,
    /// Whether what it adds at level 0 was just sealed, and so must be newer than all that was merged.
    pub(super) is_seal: bool,
}

impl<K: LayerKind> Change<K> {
    /// The layers it adds.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = &LayerDescriptor> {
        self.edit.added.iter().chain(self.new.iter().map(|new| &new.finished.descriptor))
    }
}

/// A sealed layer, open, but not yet named by the manifest.
pub(super) struct NewLayer<K: LayerKind> {
    // Dropped before `finished`, so that nobody reads the blob when it is deleted.
    layer: K::Layer,
    finished: FinishedLayer,
}

impl<K: LayerKind> std::fmt::Debug for NewLayer<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NewLayer").field(&self.finished.descriptor).finish()
    }
}

impl<K: LayerKind> Shared<K> {
    /// Opens layers that were just finished, which proves that they can be read.
    pub(super) fn open_finished(&self, finished: Vec<FinishedLayer>) -> Result<Vec<NewLayer<K>>, Error> {
        let open = |finished: FinishedLayer| {
            let layer = self.open_layer(&finished.descriptor)?;
            Ok(NewLayer { layer, finished })
        };
        finished.into_iter().map(open).collect()
    }

    /// Opens the blob of a layer.
    pub(super) fn open_layer(&self, descriptor: &LayerDescriptor) -> Result<K::Layer, Error> {
        open_layer(&*self.storage, &self.kind, descriptor)
    }

    /// Makes the change durable and visible. On an error nothing has changed, unless it is
    /// [`Error::Poisoned`] from then on.
    pub(super) fn commit(&self, mut change: Change<K>) -> Result<Arc<Version<K>>, Error> {
        let mut writer = self.writer.lock();
        writer.check()?;
        change.edit.epoch = writer.manifest.state.epoch;
        change.edit.added.extend(change.new.iter().map(|new| new.finished.descriptor.clone()));
        let next = next_state(&writer.manifest.state, &change)?;
        let written = writer.manifest.commit(change.edit, next);
        if written.is_ok() || writer.manifest.check().is_err() {
            // Named, or perhaps named: the blobs must stay.
            for new in &mut change.new {
                new.finished.keep();
                self.kind.layer_named(&new.layer);
            }
        }
        written?;
        let version = self.install(&writer, change.new);
        drop(writer);
        self.changed.notify();
        Ok(version)
    }

    /// Replaces the current version by one that shows the manifest's state.
    fn install(&self, writer: &Writer, new: Vec<NewLayer<K>>) -> Arc<Version<K>> {
        let before = self.current();
        let mut files: BTreeMap<u64, Arc<LayerFile<K::Layer>>> =
            before.layers().map(|layer| (layer.descriptor.id, layer.file.clone())).collect();
        for NewLayer { layer, finished } in new {
            let descriptor = &finished.descriptor;
            let reclaim = Reclaim::new(self.storage.clone(), descriptor, self.reclaimed.clone());
            files.insert(descriptor.id, Arc::new(LayerFile { layer, reclaim }));
        }
        let state = &writer.manifest.state;
        let mut layers = Vec::with_capacity(state.layers.len());
        for descriptor in state.layers.values() {
            if let Some(file) = files.remove(&descriptor.id) {
                layers.push(Arc::new(Layer { descriptor: descriptor.clone(), file }));
            }
        }
        let version = self.show(writer.manifest.last, layers, &state.records);
        for file in files.values() {
            file.reclaim.mark_obsolete();
            self.kind.layer_retired(&file.layer);
        }
        version
    }
}

/// Opens the blob of a layer of `storage`.
pub(super) fn open_layer<K: LayerKind>(
    storage: &dyn Storage,
    kind: &K,
    descriptor: &LayerDescriptor,
) -> Result<K::Layer, Error> {
    let name = descriptor.blob_name();
    let file = storage.describe(&name);
    let blob = match storage.open(&name) {
        Err(StorageError::NotFound { .. }) => return Err(Error::LayerMissing { file }),
        blob => blob?,
    };
    if blob.len() != descriptor.bytes {
        let offset = blob.len().min(descriptor.bytes);
        let what = format!("it has {} bytes, the manifest says {}", blob.len(), descriptor.bytes);
        return Err(Error::Corrupt { file, offset, what });
    }
    kind.open(blob, descriptor).map_err(|source| Error::Kind { action: "open", place: file, source })
}

impl Writer {
    /// Whether commits are possible.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.closed {
            return Err(Error::Closed);
        }
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        self.manifest.check()
    }
}

/// The state after the change, if that keeps what readers rely on.
fn next_state<K: LayerKind>(state: &State, change: &Change<K>) -> Result<State, Error> {
    for id in &change.edit.removed {
        if !state.layers.contains_key(id) {
            return Err(Error::UnknownLayer { id: *id });
        }
    }
    if change.is_seal {
        check_order(state, &change.edit.added)?;
    }
    let next =
        state.clone().apply(&change.edit).map_err(|misfit| Error::Poisoned { cause: misfit.to_string() })?;
    let touched: BTreeSet<(u32, u64)> =
        change.edit.added.iter().map(|layer| (layer.level, layer.recency)).collect();
    for (level, recency) in touched {
        check_run(&next, level, recency)?;
    }
    Ok(next)
}

/// What is sealed must be newer than everything that left level 0.
fn check_order(state: &State, added: &[LayerDescriptor]) -> Result<(), Error> {
    let merged = state.layers.values().filter(|layer| layer.level > 0).map(|layer| layer.recency).max();
    let late = |layer: &&LayerDescriptor| layer.level == 0 && Some(layer.recency) <= merged;
    match (added.iter().find(late), merged) {
        (Some(layer), Some(merged)) => Err(Error::OutOfOrder { recency: layer.recency, merged }),
        _ => Ok(()),
    }
}

/// Layers of a run must not overlap.
fn check_run(state: &State, level: u32, recency: u64) -> Result<(), Error> {
    let mut run: Vec<&LayerDescriptor> =
        state.layers.values().filter(|layer| layer.level == level && layer.recency == recency).collect();
    run.sort_by(|one, other| one.smallest.cmp(&other.smallest));
    match run.windows(2).find(|pair| pair[0].overlaps(pair[1])) {
        Some(pair) => Err(Error::Overlap { level, first: pair[0].id, second: pair[1].id }),
        None => Ok(()),
    }
}
