//! Canonical k-mers as 64-bit words, and the partition of the index that each belongs to.

mod base;
mod geometry;
mod minimizer;
mod rolling;

pub use geometry::{Geometry, GeometryError, MAX_K, MIN_K};
pub use rolling::{KmerAt, Kmers};

pub(crate) use base::{NO_BASE, code};
pub(crate) use geometry::{WORD_BYTES, usual_minimizer_length};
pub(crate) use minimizer::minimizer_hash;
