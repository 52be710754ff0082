//! Short values, each made smaller by itself before it is logged, and got back whenever it is read.
//!
//! Blocks of tables are read in place, which compressing blocks would end. A value that is compressed alone leaves them
//! as they are: keys are compared where they lie, and of a block one value is unpacked, which takes as long as a few
//! reads from near memory. So the log, memory, every merge and the device have less to carry. What repeats from value
//! to value is not found: see `docs/decisions/058-short-values.md`.

mod attempts;
mod decoder;
mod encoder;
mod format;
mod packing;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use attempts::PackingAttempts;
pub(crate) use packing::Packing;
pub(crate) use value::ShortValue;
