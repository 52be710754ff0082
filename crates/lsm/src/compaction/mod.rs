//! Sealing and merging tables: what may be dropped, and the layer kind that `stroma-strata` merges.

mod retention;
mod survivors;
mod tables;

pub(crate) use retention::Retention;
pub(crate) use survivors::Survivors;
pub(crate) use tables::{TableOutput, write_table, write_tables};

#[cfg(test)]
mod tests;
