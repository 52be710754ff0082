//! Layers: what describes one, what kind it is of, and how one is written.

mod descriptor;
mod kind;
mod writer;

pub(crate) use descriptor::{LAYER_FOLDER, blob_name, id_of, overlaps};
pub use descriptor::{LayerDescriptor, LayerSummary};
pub use kind::{KeyRange, KindError, LayerKind, LayerOutput, MergeJob};
pub use writer::LayerWriter;
pub(crate) use writer::{FinishedLayer, LAYERS_PER_EPOCH, LayerFactory};
