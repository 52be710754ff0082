//! One file that maps k-mers to the samples holding them: written whole, mapped, searched and merged.
//!
//! Byte by byte in `docs/formats/kmer-layer.md`.

mod buckets;
mod colours;
#[cfg(test)]
mod comparison;
mod description;
mod encode;
mod error;
mod file;
mod filtered;
#[cfg(test)]
mod forged;
mod format;
mod kind;
mod merge;
mod open;
pub(crate) mod packed;
pub(crate) mod paged;
mod partition;
mod renumber;
mod resources;
mod sample;
mod section;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use description::describe_file;
pub use error::LayerError;
pub use file::Layer;
pub use kind::KmerLayerKind;
pub use partition::{PartitionIter, PartitionView};
pub use resources::{ColdLayers, LeftHot};

pub(crate) use colours::{ColourSet, Met};
pub(crate) use encode::EncodedKmers;
pub(crate) use kind::summary;
pub(crate) use renumber::copy_renumbered;
pub(crate) use resources::Resources;
pub(crate) use sample::{SamplePartition, SampleWriter};
