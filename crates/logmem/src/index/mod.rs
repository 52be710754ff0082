//! From the hash of a key to the location of its entry: what [`Store`](crate::Store) and
//! [`Cache`](crate::Cache) share.
//!
//! - [`word`]: what a word of the index holds, [`address`] which buckets a hash belongs in.
//! - [`table`]: the index as a whole: finding, locking, when it grows.
//! - [`keys`]: how it learns the hashes of keys that it must move.
//! - [`shard`]: a part of it under one lock: inserting, exchanging, removing; [`displace`] makes room.
//! - [`resize`]: one bucket more or one bucket less.

mod address;
mod displace;
mod keys;
mod resize;
mod shard;
mod table;
mod word;

#[cfg(all(test, shuttle))]
mod models;
#[cfg(test)]
mod tests;

pub(crate) use keys::Keys;
pub(crate) use shard::{Crowded, Place, ShardWriter};
pub(crate) use table::{Index, Probe};
pub(crate) use word::{heat_of, with_heat};
