//! The learned layer: straight lines that are never further than a known error from the truth.

mod fit;
mod layer;
mod line;
mod points;

pub use layer::LinearLayer;
pub(crate) use line::LINE_BYTES;
