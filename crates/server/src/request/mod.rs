//! Commands as they arrive, read field by field with MongoDB's errors for what is missing, wrong or unknown.

mod arguments;
mod generic;
mod scale;
mod shared;
mod write_concern;

pub(crate) use arguments::Arguments;
pub(crate) use generic::Generic;
pub(crate) use scale::Scale;
