//! One collection: a file per operation on it.

mod aggregate;
mod bulk;
mod count;
mod create_indexes;
mod delete;
mod distinct;
mod drop_indexes;
mod explain;
mod find;
mod find_and_modify;
mod handle;
mod identity;
mod index_uses;
mod insert;
mod list_indexes;
mod modify;
mod shape;
mod stats;
mod target;
mod update;
mod update_first;

pub use aggregate::Aggregate;
pub use count::Count;
pub use create_indexes::CreateIndexesOutcome;
pub use delete::{DeleteOutcome, DeleteStatement};
pub use distinct::Distinct;
pub use drop_indexes::IndexSelection;
pub use explain::{Explained, Verbosity};
pub use find::Find;
pub use find_and_modify::{FindAndModify, FindAndModifyOutcome, Modification};
pub use handle::Collection;
pub use index_uses::IndexUse;
pub use insert::InsertOutcome;
pub use stats::CollectionStats;
pub use update::{UpdateOutcome, UpdateStatement, Upserted};

pub(crate) use index_uses::IndexUses;
