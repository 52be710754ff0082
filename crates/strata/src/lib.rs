//! A layered set: immutable layers, an atomic manifest, versions, merges and reclamation
