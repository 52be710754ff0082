//! Tables: sealed files of sorted entries with an index, a filter and their range tombstones.
//!
//! The layout is in `docs/formats/table.md`. [`TableBuilder`] writes one front to back; [`Table`] reads it.

mod block_set;
mod builder;
mod bytes;
mod compressed;
mod cursor;
mod cuts;
mod description;
mod estimate;
pub(crate) mod expectation;
mod footer;
mod get;
mod held;
mod in_table;
mod index;
mod lazy;
mod level;
mod options;
mod properties;
mod reader;
mod salvage;
mod verify;
mod walk;

pub(crate) use builder::{TableBuilder, TableSink, TableSummary};
pub use compressed::CompressedBlocks;
pub use description::TableDescription;
pub(crate) use footer::MAGIC as TABLE_MAGIC;
pub(crate) use get::Lookup;
pub(crate) use in_table::InTable;
pub use index::IndexKind;
pub(crate) use lazy::LazyTable;
pub(crate) use level::LevelCursor;
pub use options::IndexPolicy;
pub(crate) use options::TableOptions;
pub(crate) use properties::Properties;
pub(crate) use reader::{INGESTED_SEQUENCE, Table, TableKeys};
pub(crate) use salvage::BlockKeys;
pub(crate) use walk::{TableWalk, Walked};

#[cfg(test)]
mod measure;
#[cfg(test)]
pub(crate) mod tests;
