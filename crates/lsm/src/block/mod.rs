//! Blocks: runs of sorted entries with shared key prefixes left out, the unit that tables read and check.
//!
//! A block's *payload* is what searches and cursors work on ([`BlockView`]); what lies in the file is its
//! *stored* form: the payload, perhaps compressed, a tag that says how, and a checksum ([`frame`]).

mod builder;
mod compression;
pub(crate) mod frame;
mod header;
mod interpolation;
mod position;
mod search;
mod tags;
mod view;

pub(crate) use builder::{BlockBuilder, common_prefix};
pub use compression::Compression;
pub(crate) use position::BlockPosition;
pub(crate) use view::{BlockView, Damage};

#[cfg(test)]
mod measure;
#[cfg(test)]
mod tests;
