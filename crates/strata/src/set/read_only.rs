//! Opening a set to read it: one version, without the lock, while somebody else may go on writing.
//!
//! A reader holds no lock, so the writer may delete a blob between the time the reader learns of it and the time it
//! opens it. But the writer deletes a layer only after an edit that drops it, and a blob of the manifest only after a
//! later snapshot. So a reader that finds something missing looks whether the manifest has grown, and begins anew from
//! its new end if so; if not, what is missing is damage. Once its layers are open, none of this concerns it any more
//! where, as on Unix, open files outlive their names.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::file::{LayerFile, Reclaim};
use super::open::check_recovered;
use super::shared::Shared;
use super::{Layer, OpenReport, SetOptions, Version};
use crate::Error;
use crate::encryption::Encryption;
use crate::layer::LayerKind;
use crate::manifest::{self, Recovered};
use crate::storage::Storage;

/// How often a reader begins anew because the writer was faster.
const MOST_ATTEMPTS: u32 = 100;

impl<K: LayerKind> Shared<K> {
    /// The set as the manifest has it now; layers that `before` has open are not opened again.
    pub(super) fn open_read_only(
        storage: Arc<dyn Storage>,
        kind: K,
        options: SetOptions,
        before: Option<&Version<K>>,
    ) -> Result<(Shared<K>, OpenReport), Error> {
        let mut attempts = 1;
        let (recovered, files) = loop {
            let seen = manifest::last_number(&*storage)?;
            match find(&*storage, &kind, before, options.encryption.as_ref()) {
                Err(_) if attempts < MOST_ATTEMPTS && manifest::last_number(&*storage)? != seen => {
                    attempts += 1
                }
                found => break found?,
            }
        };
        let manifest = manifest::Writer::new(
            storage.clone(),
            kind.name(),
            true,
            Some(&recovered),
            options.encryption.clone(),
        );
        let shared = Shared::new(storage, kind, options, manifest, None);
        let layers = shared.layers_of(&recovered, files);
        let report = OpenReport {
            created: false,
            epoch: recovered.state.epoch,
            edits_replayed: recovered.edits,
            layers: layers.len(),
            bytes: layers.iter().map(|layer| layer.descriptor.bytes).sum(),
            orphans_deleted: 0,
            orphan_bytes: 0,
        };
        shared.show(recovered.last, layers, &recovered.state.records);
        Ok((shared, report))
    }

    fn layers_of(&self, recovered: &Recovered, mut files: Found<K>) -> Vec<Arc<Layer<K>>> {
        let mut layers = Vec::with_capacity(recovered.state.layers.len());
        for descriptor in recovered.state.layers.values() {
            let file = match files.remove(&descriptor.id) {
                Some(LayerSource::Shared(file)) => file,
                Some(LayerSource::Opened(layer)) => {
                    self.kind.layer_named(&layer);
                    // Never marked obsolete, so it deletes nothing.
                    let reclaim = Reclaim::new(self.storage.clone(), descriptor, self.reclaimed.clone());
                    Arc::new(LayerFile { layer, reclaim })
                }
                // All of them were found.
                None => continue,
            };
            layers.push(Arc::new(Layer { descriptor: descriptor.clone(), file }));
        }
        layers
    }
}

/// An open layer, by its id.
type Found<K> = BTreeMap<u64, LayerSource<K>>;

enum LayerSource<K: LayerKind> {
    /// From an earlier version.
    Shared(Arc<LayerFile<K::Layer>>),
    Opened(K::Layer),
}

/// One attempt.
fn find<K: LayerKind>(
    storage: &dyn Storage,
    kind: &K,
    before: Option<&Version<K>>,
    encryption: Option<&Encryption>,
) -> Result<(Recovered, Found<K>), Error> {
    let recovered = manifest::read(storage, encryption)?;
    check_recovered(storage, kind.name(), recovered.as_ref())?;
    let recovered = recovered.ok_or_else(|| Error::NoSet { place: storage.describe("") })?;
    let known: BTreeMap<u64, &Arc<Layer<K>>> =
        before.into_iter().flat_map(Version::layers).map(|layer| (layer.descriptor.id, layer)).collect();
    let mut found = Found::new();
    for descriptor in recovered.state.layers.values() {
        let source = match known.get(&descriptor.id) {
            Some(layer) => LayerSource::Shared(layer.file.clone()),
            None => LayerSource::Opened(super::commit::open_layer(storage, kind, descriptor)?),
        };
        found.insert(descriptor.id, source);
    }
    Ok((recovered, found))
}
