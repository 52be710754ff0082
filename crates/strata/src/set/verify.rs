//! Checking every checksum of every layer.

use super::shared::Shared;
use crate::layer::{KindError, LayerDescriptor, LayerKind};

/// What a check of one layer found.
#[derive(Debug)]
pub struct LayerVerification {
    /// The layer.
    pub descriptor: LayerDescriptor,
    /// Where it is.
    pub place: String,
    /// What is wrong with it, if anything.
    pub outcome: Result<(), KindError>,
}

impl<K: LayerKind> Shared<K> {
    /// Checks the layers of the current version one after the other, from their blobs, newly opened.
    pub(super) fn verify(&self) -> Vec<LayerVerification> {
        let version = self.current();
        let check = |layer: &std::sync::Arc<super::Layer<K>>| {
            let descriptor = layer.descriptor().clone();
            let place = self.storage.describe(&descriptor.blob_name());
            let outcome = match self.open_layer(&descriptor) {
                Ok(opened) => self.kind.verify(&opened),
                Err(error) => Err(error.into()),
            };
            LayerVerification { descriptor, place, outcome }
        };
        version.layers().map(check).collect()
    }
}
