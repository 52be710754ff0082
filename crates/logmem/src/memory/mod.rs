//! The only place with `unsafe`: raw memory that is appended to while others read it, and its safe faces.
//!
//! - [`chunk`]: one allocation, written front to back, read below a watermark.
//! - [`epoch_cell`]: a value that is exchanged while others read it; the old one is dropped later.
//! - [`pinned`]: bytes together with the guard that keeps them from being dropped.

#![allow(unsafe_code)]

mod chunk;
mod epoch_cell;
mod pinned;

pub(crate) use chunk::Chunk;
pub(crate) use epoch_cell::EpochCell;
pub(crate) use pinned::Pinned;
