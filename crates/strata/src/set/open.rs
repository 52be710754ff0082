//! Opening a set: the lock first, then the manifest, then the layers, then what a crash left behind.

use std::sync::Arc;

use super::file::{LayerFile, Reclaim};
use super::shared::Shared;
use super::{Layer, SetOptions};
use crate::Error;
use crate::layer::{LAYER_FOLDER, LayerKind, id_of};
use crate::manifest::{self, Recovered};
use crate::storage::{BlobEntry, Storage};

/// What was found when a set was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// Whether there was nothing: the set is new.
    pub created: bool,
    /// How many writers this set has had, this one included.
    pub epoch: u64,
    /// How many edits were read after the last snapshot of the manifest.
    pub edits_replayed: u64,
    /// Layers in the set.
    pub layers: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Layers that no edit names, left by a crash or by a reader that outlived them, and now deleted.
    pub orphans_deleted: usize,
    /// Their bytes.
    pub orphan_bytes: u64,
}

impl<K: LayerKind> Shared<K> {
    pub(super) fn open(
        storage: Arc<dyn Storage>,
        kind: K,
        options: SetOptions,
    ) -> Result<(Shared<K>, OpenReport), Error> {
        let lock = storage.lock()?;
        // The writer before us may have been killed after it gave its last edit a name and before that name was on the
        // device. We shall read that edit all the same; were we to build on it, or to delete what it made superfluous,
        // and power were lost, the device might have what we did and not the edit.
        storage.sync_names(manifest::FOLDER)?;
        let recovered = manifest::read(&*storage, options.encryption.as_ref())?;
        check_recovered(&*storage, kind.name(), recovered.as_ref())?;
        let exclusive = lock.excludes_others();
        let encryption = options.encryption.clone();
        let mut manifest =
            manifest::Writer::new(storage.clone(), kind.name(), exclusive, recovered.as_ref(), encryption);
        if recovered.is_none() || !exclusive {
            // Claims the end of the chain: whoever wrote before us is fenced from here on, so that nothing we
            // take for an orphan can still be named by an edit of theirs.
            let state = manifest.state.clone();
            manifest.commit(manifest::Edit::default(), state)?;
        }
        let epoch = manifest.state.epoch;
        let shared = Shared::new(storage, kind, options, manifest, Some(lock));
        shared.open_layers()?;
        let orphans = shared.find_orphans()?;
        let stale = recovered.as_ref().map(|recovered| recovered.stale.as_slice()).unwrap_or_default();
        shared.delete_orphans(&orphans)?;
        shared.delete_stale(stale);
        let current = shared.current();
        let report = OpenReport {
            created: recovered.is_none(),
            epoch,
            edits_replayed: recovered.as_ref().map_or(0, |recovered| recovered.edits),
            layers: current.layers().count(),
            bytes: current.layers().map(|layer| layer.descriptor.bytes).sum(),
            orphans_deleted: orphans.len(),
            orphan_bytes: orphans.iter().map(|orphan| orphan.bytes).sum(),
        };
        Ok((shared, report))
    }

    fn open_layers(&self) -> Result<(), Error> {
        let writer = self.writer.lock();
        let state = &writer.manifest.state;
        let mut layers = Vec::with_capacity(state.layers.len());
        for descriptor in state.layers.values() {
            let layer = self.open_layer(descriptor)?;
            let reclaim = Reclaim::new(self.storage.clone(), descriptor, self.reclaimed.clone());
            let file = Arc::new(LayerFile { layer, reclaim });
            layers.push(Arc::new(Layer { descriptor: descriptor.clone(), file }));
        }
        // Only now that all of them could be opened.
        layers.iter().for_each(|layer: &Arc<Layer<K>>| self.kind.layer_named(layer.layer()));
        self.show(writer.manifest.last, layers, &state.records);
        Ok(())
    }

    /// Layers that no edit names. Blobs with other names are somebody else's and stay.
    fn find_orphans(&self) -> Result<Vec<BlobEntry>, Error> {
        let writer = self.writer.lock();
        let named = &writer.manifest.state.layers;
        let is_orphan = |entry: &BlobEntry| id_of(&entry.name).is_some_and(|id| !named.contains_key(&id));
        let mut orphans = self.storage.list(LAYER_FOLDER)?;
        orphans.retain(is_orphan);
        Ok(orphans)
    }

    fn delete_orphans(&self, orphans: &[BlobEntry]) -> Result<(), Error> {
        orphans.iter().try_for_each(|orphan| Ok(self.storage.delete(&orphan.name)?))
    }

    /// Removes manifest blobs that nobody needs; they do no harm if they stay.
    fn delete_stale(&self, stale: &[String]) {
        for name in stale {
            let _ = self.storage.delete(name);
        }
    }
}

/// Refuses what is not ours to write to, before anything is changed.
pub(super) fn check_recovered(
    storage: &dyn Storage,
    kind: &'static str,
    recovered: Option<&Recovered>,
) -> Result<(), Error> {
    let place = storage.describe("");
    match recovered {
        Some(recovered) if recovered.kind != kind => {
            Err(Error::WrongKind { found: recovered.kind.clone(), expected: kind.to_owned(), place })
        }
        Some(_) => Ok(()),
        None => {
            let is_layer = |entry: &&BlobEntry| id_of(&entry.name).is_some();
            let layers = storage.list(LAYER_FOLDER)?.iter().filter(is_layer).count();
            if layers == 0 { Ok(()) } else { Err(Error::ManifestMissing { place, layers }) }
        }
    }
}
