//! Secondary indexes: what they are declared as, the entries a document has in them, and how they are built.

mod build;
mod duplicate;
mod field;
mod keys;
mod maintain;
mod model;

pub(crate) use build::{build, undo_unfinished_builds};
pub(crate) use duplicate::duplicate_id;
pub(crate) use field::IndexField;
pub(crate) use maintain::{Change, apply};
pub use model::IndexModel;
