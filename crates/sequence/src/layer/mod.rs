//! One file that maps k-mers to the samples holding them: written whole, mapped, searched and merged.
//!
//! Byte by byte in `docs/formats/kmer-layer.md`.

mod colours;
mod description;
mod error;
mod file;
mod format;
mod kind;
mod merge;
pub(crate) mod packed;
mod section;
#[cfg(test)]
mod tests;
mod writer;

pub use description::describe_file;
pub use error::LayerError;
pub use file::{Layer, PartitionView};
pub use kind::KmerLayerKind;

pub(crate) use colours::ColourSet;
pub(crate) use kind::{summary, write_sample};
