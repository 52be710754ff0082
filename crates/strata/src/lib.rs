//! A layered set: immutable layers, an atomic manifest, versions, merges and reclamation.

#![deny(unsafe_code)]

mod error;
#[cfg(test)]
mod golden;
mod layer;
mod manifest;
pub mod picker;
pub mod runtime;
mod set;
pub mod storage;

pub use error::Error;
pub use layer::{KindError, LayerDescriptor, LayerKind, LayerOutput, LayerSummary, LayerWriter, MergeJob};
pub use manifest::FORMAT_VERSION;
pub use picker::MergePolicy;
pub use set::{
    Edit, JobStatistics, Layer, LayerVerification, LayeredSet, Level, LevelStatistics, MergeFailure,
    MergePause, MergeReport, OpenReport, Run, SetOptions, SetStatistics, Version,
};
