//! The suites, each a file; `kv` has a folder of its own because of its peers.

mod documents;
mod filter;
mod index;
mod list;
pub(crate) mod logmem;
mod sequence;

pub(crate) use list::{find, known_name, names};
