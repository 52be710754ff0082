//! A document database with MongoDB's query language on any ordered transactional store

mod catalog;
mod collection;
mod cursor;
mod documents;
pub mod error;
mod execution;
mod explain;
mod index;
pub mod language;
pub mod namespace;
mod planner;
mod record;
pub mod store;

pub use collection::{
    Aggregate, Collection, CollectionStats, Count, CreateIndexesOutcome, DeleteOutcome, DeleteStatement,
    Distinct, Explained, Find, FindAndModify, FindAndModifyOutcome, IndexSelection, InsertOutcome,
    Modification, UpdateOutcome, UpdateStatement, Upserted, Verbosity,
};
pub use cursor::Cursor;
pub use documents::{CollectionInfo, CollectionOptions, DatabaseInfo, Documents, Options, SourceStage};
pub use error::{Code, Error, Result, WriteError};
pub use index::IndexModel;
pub use namespace::Namespace;
pub use planner::Hint;
