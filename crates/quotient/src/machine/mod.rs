//! What the machine offers beyond safe Rust: later instructions, prefetching, memory that threads share.
//!
//! All `unsafe` of this crate is in here.

mod memory;
mod processor;
mod regions;
mod sight;

pub use memory::Memory;
pub(crate) use processor::{Cpu, Level, Work, prefetch};
pub(crate) use regions::{Regions, Window};
pub(crate) use sight::Sight;
