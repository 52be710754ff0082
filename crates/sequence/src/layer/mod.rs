//! One file that maps k-mers to the samples holding them: written whole, mapped, searched and merged.
//!
//! Byte by byte in `docs/formats/kmer-layer.md`.

mod colours;
mod error;
mod file;
mod format;
mod kind;
mod merge;
mod packed;
mod section;
mod writer;

pub use error::LayerError;
pub use file::{Layer, PartitionView};
pub use kind::KmerLayerKind;

pub(crate) use colours::{ColourSet, ColourTableBuilder};
pub(crate) use kind::{RetiredSamples, write_sample};
pub(crate) use writer::{LayerBuilder, LayerTotals, Sink};
