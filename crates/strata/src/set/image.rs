//! A set at one moment as data: what it takes to make a copy of it elsewhere.

use crate::Error;
use crate::encryption::Encryption;
use crate::layer::{LAYERS_PER_EPOCH, LayerDescriptor};
use crate::manifest::{self, State};
use crate::storage::Storage;

/// Which layers and records a set had at one moment. The layers' blobs are not in it: whoever makes a copy brings
/// those to their place first, then [installs](SetImage::install) the image, which is encrypted as the set is.
#[derive(Debug, Clone)]
pub struct SetImage {
    kind: String,
    state: State,
    encryption: Option<Encryption>,
}

impl SetImage {
    pub(super) fn new(kind: &str, state: State, encryption: Option<Encryption>) -> Self {
        SetImage { kind: kind.to_owned(), state, encryption }
    }

    /// The image of a new set of layers of this kind, without any, as the writer of this epoch leaves it;
    /// encrypted with `encryption` if there is one.
    pub fn empty(kind: &str, epoch: u64, encryption: Option<Encryption>) -> Self {
        SetImage::new(kind, State { epoch, next_recency: 1, ..State::default() }, encryption)
    }

    /// The id that the next layer is to have.
    pub fn next_layer_id(&self) -> u64 {
        let first = self.state.epoch.saturating_mul(LAYERS_PER_EPOCH);
        self.state.layers.last_key_value().map_or(first, |(last, _)| last + 1)
    }

    /// Adds a layer, or replaces the one of its id.
    pub fn add_layer(&mut self, layer: LayerDescriptor) {
        self.state.next_recency = self.state.next_recency.max(layer.recency.saturating_add(1));
        self.state.layers.insert(layer.id, layer);
    }

    /// The layers, by ascending id.
    pub fn layers(&self) -> impl Iterator<Item = &LayerDescriptor> {
        self.state.layers.values()
    }

    /// One record.
    pub fn record(&self, name: &str) -> Option<&[u8]> {
        self.state.records.get(name)
    }

    /// Which writer left it.
    pub fn epoch(&self) -> u64 {
        self.state.epoch
    }

    /// Sets a record.
    pub fn put_record(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.state.records.insert(name.into(), bytes.into());
    }

    /// The image as bytes: those of blob `number` of a manifest, a snapshot.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Encryption`].
    pub fn encode(&self, number: u64) -> Result<Vec<u8>, Error> {
        manifest::encode_snapshot(number, &self.kind, &self.state, self.encryption.as_ref())
    }

    /// Reads what [`encode`](SetImage::encode) made; `file` names it in errors.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::NewerFormat`], [`Error::Encryption`].
    pub fn decode(
        bytes: &[u8],
        number: u64,
        file: &str,
        encryption: Option<&Encryption>,
    ) -> Result<SetImage, Error> {
        let (kind, state) = manifest::decode_snapshot(bytes, number, file, encryption)?;
        Ok(SetImage { kind, state, encryption: encryption.cloned() })
    }

    /// Makes `storage`, where the layers are already, a set like this one.
    ///
    /// # Errors
    /// [`Error::Storage`] with `AlreadyExists` if it has a manifest.
    pub fn install(&self, storage: &dyn Storage) -> Result<(), Error> {
        Ok(storage.put_if_absent(&manifest::blob_name(1), &self.encode(1)?)?)
    }

    /// Takes back an [`install`](SetImage::install) that failed, which may have been made all the same. The layers can
    /// be deleted once this has succeeded.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn uninstall(&self, storage: &dyn Storage) -> Result<(), Error> {
        Ok(storage.delete(&manifest::blob_name(1))?)
    }
}
