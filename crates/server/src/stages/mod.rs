//! Aggregation stages that tell of the server: `$collStats`, `$currentOp`, `$indexStats`. The shell asks through them.

mod coll_stats;
mod current_op;
mod index_stats;
mod register;

pub(crate) use coll_stats::storage_stats;
pub(crate) use register::register;
