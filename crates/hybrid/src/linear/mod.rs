//! The learned layer: straight lines that are never further than a known error from the truth.

mod builder;
mod cone;
mod hull;
mod layer;
mod line;
mod optimal;
mod piece;
mod pieces;
mod points;
mod short_line;
mod tube;

pub(crate) use builder::LinearGrowth;
pub use builder::LinearLayerBuilder;
pub use layer::LinearLayer;
pub(crate) use line::Line;
pub use pieces::PieceKeys;
pub(crate) use points::{Point, PointStream};
pub(crate) use tube::{Thinner, half_width_in_positions};
