//! Sealing and merging tables: what may be dropped, and the layer kind that `stroma-strata` merges.

mod filtering;
mod forward;
mod hidden;
mod inputs;
mod kind;
mod operands;
mod retention;
mod summary;
mod survivors;
mod tables;

pub(crate) use kind::{TABLE_KIND, TableKind};
pub(crate) use retention::Retention;
pub(crate) use summary::{TableNotes, layer_summary};
use survivors::Survivors;
pub(crate) use tables::{TableOutput, write_table, write_tables};

#[cfg(test)]
mod set_tests;
#[cfg(test)]
mod tests;
