//! A layered set: immutable layers, an atomic manifest, versions, merges and reclamation.

pub mod runtime;
pub mod storage;
