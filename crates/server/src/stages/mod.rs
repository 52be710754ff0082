//! Aggregation stages that tell of the server: `$collStats`, `$currentOp`. The shell asks through them.

mod coll_stats;
mod current_op;
mod register;

pub(crate) use coll_stats::storage_stats;
pub(crate) use register::register;
