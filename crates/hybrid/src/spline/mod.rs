//! The radix spline layer: a table by leading bits, and straight lines from knot to knot.

mod builder;
mod corridor;
mod layer;
mod table;

pub use builder::RadixSplineLayerBuilder;
pub(crate) use builder::SplineGrowth;
pub use layer::RadixSplineLayer;
