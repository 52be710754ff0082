//! The HTTP port: figures for Prometheus, and whether the server lives.

mod accept;
mod respond;

pub(crate) use accept::accept;
