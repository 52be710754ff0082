//! The suites, each a file; `kv`, `logmem` and `index` have folders of their own because of their peers.

mod documents;
mod filter;
mod filter_peer;
mod list;
mod sequence;

pub(crate) use list::{find, known_name, names};
