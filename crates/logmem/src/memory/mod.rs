//! The only place with `unsafe`: raw memory that is appended to while others read it, and its safe faces.
//!
//! - [`chunk`]: one allocation, written front to back, read below a watermark.

#![allow(unsafe_code)]

mod chunk;

pub(crate) use chunk::Chunk;
