//! What a single layer file is and whether it is whole.

use std::sync::Arc;

use stroma_strata::storage::{Blob, StorageError};
use stroma_strata::{FileDescription, magic_of};

use super::Layer;
use super::format::MAGIC;

/// Describes a layer of a sequence index; `None` when the blob is none.
///
/// Reads the whole file.
///
/// # Errors
/// When the file cannot be read; damage is in the description.
pub fn describe_file(blob: &Arc<dyn Blob>) -> Result<Option<FileDescription>, StorageError> {
    let is_layer = magic_of(&**blob)? == MAGIC;
    Ok(is_layer.then(|| describe_layer(blob)))
}

fn describe_layer(blob: &Arc<dyn Blob>) -> FileDescription {
    let description = FileDescription::new("layer of a sequence index");
    let layer = match Layer::open(Arc::clone(blob)) {
        Ok(layer) => layer,
        Err(error) => return description.damaged(error),
    };
    let geometry = layer.geometry();
    let description = description
        .with("k", geometry.k())
        .with("partitions", geometry.partitions())
        .with("samples", layer.samples().len())
        .with("distinct k-mers", layer.kmers())
        .with("k-mers kept as", if layer.is_cold() { "strings" } else { "filters and buckets" })
        .with("colour sets", layer.colour_sets())
        .with("bytes of colour sets", layer.colour_bytes());
    match layer.verify() {
        Ok(()) => description,
        Err(error) => description.damaged(error),
    }
}
