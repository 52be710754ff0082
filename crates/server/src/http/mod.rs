//! The HTTP port: figures for Prometheus, the map of memory, and whether the server lives.

mod accept;
mod respond;

pub(crate) use accept::accept;
