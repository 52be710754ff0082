//! Large values, kept apart from the tables: value files, references into them, and when a file goes.
//!
//! A value at least as long as [`Options::value_threshold`](crate::Options::value_threshold) is written to a *value
//! file* when its memtable is flushed; the table holds a reference of a few bytes in its place. So merges move
//! references, not values (Lu et al., "WiscKey", FAST 2016). A streamed value goes into a file of its own before its
//! commit, and never through the log and memory.
//!
//! Values are cut into pieces, each compressed by itself if that pays: any part of one is read without the rest.
//!
//! Who needs a file is counted in the manifest: of each table it tells how many bytes of which files the table refers
//! to. A file goes when no table and no unflushed commit refers to it and nobody reads it any more. When less than
//! half of one is referred to, merges that come by copy what is left of it into a new one.

mod file;
mod format;
mod lookup;
mod packed;
mod packer;
mod piece;
mod pieces;
mod planned;
mod reader;
mod reading;
mod reference;
mod rules;
mod separator;
mod short;
mod store;
mod stream;
mod table_layer;
mod uses;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use file::ValueFile;
pub(crate) use format::VALUE_MAGIC;
pub(crate) use lookup::{Found, Located, Overtaken, plain_value};
pub(crate) use packed::{PackedValue, append_marked};
pub(crate) use planned::{PlannedValues, ValueCopy, reference_of};
pub use reader::ValueReader;
pub(crate) use reference::ValueReference;
pub(crate) use rules::ValueRules;
pub(crate) use separator::{PlacedNotes, ValueSeparator};
pub(crate) use short::{Packing, PackingAttempts, ShortValue};
pub(crate) use store::{ValueStore, blob_name};
pub(crate) use stream::StoredStream;
pub(crate) use table_layer::TableLayer;
pub(crate) use uses::ValueUse;
