//! The only place with `unsafe`: raw memory that is appended to while others read it, and its safe faces.
//!
//! - [`mapping`]: memory from the operating system, and how pages go back.
//! - [`cell`]: one segment's books, and the view through which its bytes are written and read.
//! - [`cells`]: the table of all segments over their region, and the tokens of the unused ones.
//! - [`owner`] and [`holding`]: who has which segment, and so who may view it.
//! - [`lines`]: cache lines of atomic words, made resident only as they are touched.
//! - [`scan`]: which words of two such lines begin with certain bits.
//! - [`prefetch`]: asking the processor for memory before it is needed.
//! - [`pins`]: how a reader keeps one segment for longer, and nothing else.

#![allow(unsafe_code)]

mod cell;
mod cells;
mod holding;
mod lines;
mod mapping;
mod owner;
mod pins;
mod prefetch;
mod scan;

pub(crate) use cell::{Cell, View};
pub(crate) use cells::{Cells, Chunk};
pub(crate) use holding::{Holding, Leaving, SharedHolding};
pub(crate) use lines::{LINE_WORDS, Line, Lines, PIECE_BYTES};
pub use owner::SegmentOwner;
pub(crate) use pins::Pinned;
pub(crate) use prefetch::{prefetch, prefetch_bytes, prefetch_next_lines};
pub(crate) use scan::{Beginning, beginning_so};
