//! The S+-tree layer: a whole static B+-tree whose nodes suit cache lines and vector instructions.

mod builder;
mod layer;
mod shape;

pub use builder::SPlusLayerBuilder;
pub use layer::SPlusLayer;
pub(crate) use shape::NODE_KEYS;
