//! The suites, each a file; `kv` and `logmem` have folders of their own because of their peers.

mod documents;
mod filter;
mod index;
mod list;
mod sequence;

pub(crate) use list::{find, known_name, names};
