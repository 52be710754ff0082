//! The byte budget: segments are taken from it and given back, and nothing exceeds it.
//!
//! - [`options`] and [`statistics`]: how a pool is set up, and what it tells.
//! - [`budget`]: what is taken and what is left: the rules of admission, under one lock.
//! - [`handle`]: the pool itself, with [`segment`] and [`charge`], what it lends.
//! - [`reclaim`]: those who give memory back when others need it.

mod budget;
mod charge;
mod handle;
mod options;
mod reclaim;
mod segment;
mod statistics;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::wait_until_unused;

pub use charge::Charge;
pub use handle::Pool;
pub use options::PoolOptions;
pub use reclaim::Reclaim;
pub(crate) use segment::Segment;
pub use statistics::{PoolStatistics, SegmentStatistics};
