//! Canonical k-mers as words of 64 or 128 bits, and the partition of the index that each belongs to.

mod base;
mod geometry;
mod minimizer;
mod rolling;
mod word;

pub use geometry::{Geometry, GeometryError, MAX_K, MIN_K};
pub use rolling::{KmerAt, Kmers};
pub use word::{Word, mixing};

pub(crate) use base::{NO_BASE, code};
pub(crate) use geometry::usual_minimizer_length;
pub(crate) use minimizer::{Minimizers, minimizer_hash};
pub(crate) use rolling::Strands;
