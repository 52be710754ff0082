//! The only place with `unsafe`: raw memory that is appended to while others read it, and its safe faces.
//!
//! - [`mapping`]: memory from the operating system, and how pages go back.
//! - [`cell`]: one segment's books, and the view through which its bytes are written and read.
//! - [`cells`]: the table of all segments over their region, and the tokens of the unused ones.
//! - [`owner`] and [`holding`]: who has which segment, and so who may view it.
//! - [`epoch_cell`]: a value that is exchanged while others read it; the old one is dropped later.
//! - [`pinned`]: bytes together with the guard that keeps them from being dropped.

#![allow(unsafe_code)]

mod cell;
mod cells;
mod epoch_cell;
mod holding;
mod mapping;
mod owner;
mod pinned;

pub(crate) use cell::{Cell, View};
pub(crate) use cells::{Cells, Chunk};
pub(crate) use epoch_cell::EpochCell;
pub(crate) use holding::{Holding, SharedHolding};
pub use owner::SegmentOwner;
pub(crate) use pinned::Pinned;
