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
mod walk;
#[cfg(not(feature = "zstd"))]
mod without_zstandard;
#[cfg(feature = "zstd")]
mod zstandard;

pub(crate) use builder::{BlockBuilder, common_prefix};
pub use compression::{Compression, LevelCompression};
pub(crate) use compression::{Compressor, Failure, Tag, decompress_into};
pub(crate) use position::BlockPosition;
pub(crate) use view::{BlockView, Damage};
pub(crate) use walk::BlockWalk;
#[cfg(not(feature = "zstd"))]
pub(crate) use without_zstandard::{Dictionary, MAX_DICTIONARY_BYTES};
#[cfg(feature = "zstd")]
pub(crate) use zstandard::{Dictionary, MAX_DICTIONARY_BYTES, train};

#[cfg(test)]
pub(crate) mod measure;
#[cfg(test)]
mod tests;
