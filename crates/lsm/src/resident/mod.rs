//! The resident layer: entries that stay in memory after their memtable, because they are being overwritten.
//!
//! A memtable much of which was overwritten while it was filled is not flushed. Its index is merged with that of the
//! resident layer ([`absorb`]), versions that nobody can see are dropped, and the others stay where they lie in
//! log-structured memory, until so little of a log is alive that its survivors are copied out of it. What is
//! overwritten again before its turn comes never reaches a table. (Bortnikov and others, "Accordion: Better Memory
//! Organization for LSM Key-Value Stores", PVLDB 2018.)
//!
//! What leaves memory are the entries written longest ago: all that one segment of the write-ahead log and those
//! before it hold ([`shed`]). So tables hold everything up to one sequence, the log holds everything after it, and
//! recovery needs to know nothing of the layer.

mod absorb;
mod cell;
mod cursor;
mod layer;
mod shed;
mod walk;

pub(crate) use absorb::{CleaningRoom, absorb};
pub(crate) use cursor::ResidentCursor;
pub(crate) use layer::Resident;
pub(crate) use walk::ResidentWalk;

#[cfg(test)]
mod tests;
