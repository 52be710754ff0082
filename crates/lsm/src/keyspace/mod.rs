//! Keyspaces: named, separate ordered maps in the one ordered key space of the engine.
//!
//! Every key is stored behind the four bytes of its keyspace's number, big-endian, so that a keyspace is a range
//! of keys: creating one writes a line into the catalog, dropping one is a range delete. Keyspace 0 is the
//! catalog itself.

mod catalog;
mod description;
mod handle;
mod range;

pub(crate) use catalog::{Catalog, is_in_catalog, name_lost_keyspaces};
pub use description::KeyspaceDescription;
pub use handle::Keyspace;
pub(crate) use range::{KeyRange, PREFIX_BYTES, number_of, with_stored_key};
