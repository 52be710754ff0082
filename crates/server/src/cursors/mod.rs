//! Open cursors: kept between requests, read batch by batch, forgotten when nobody asks any more.

mod batch;
mod size;
mod store;
mod sweep;

pub(crate) use batch::{FIRST_BATCH, OpenCursor};
pub(crate) use store::{Cursors, Opening};
pub(crate) use sweep::sweep;
