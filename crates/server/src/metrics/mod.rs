//! Figures for monitoring: what the server counts, and the text that Prometheus reads.

mod counters;
mod server;
mod text;

pub(crate) use counters::Counters;
pub(crate) use server::collect;
pub use text::{Metrics, MetricsSource};
