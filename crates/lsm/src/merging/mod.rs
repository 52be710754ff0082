//! Many sources as one: the merging cursor, and the view of it that one snapshot sees.

mod merge;
mod visibility;
mod visible;

pub(crate) use merge::MergingCursor;
pub(crate) use visibility::{OWN_WRITES, Visibility};
pub(crate) use visible::{Taker, VisibleCursor};

#[cfg(test)]
mod tests;
