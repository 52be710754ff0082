//! Figures for monitoring: what the server counts, the text that Prometheus reads, and the map of memory.

mod counters;
mod memory;
mod server;
mod text;

pub(crate) use counters::Counters;
pub use memory::{MemoryPart, MemoryReport, MemorySegment};
pub(crate) use server::{collect, memory};
pub use text::{Metrics, MetricsSource};
