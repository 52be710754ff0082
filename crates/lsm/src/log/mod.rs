//! The write-ahead log: what was committed but is not in a table yet, so that it survives the process.

mod format;
mod operations;
mod replay;
mod resync;
mod segments;
mod unsynced;
mod writer;

pub(crate) use format::{HeaderOutcome, MAGIC as LOG_MAGIC, Record, SEGMENT_HEADER_BYTES, SegmentHeader};
pub(crate) use operations::{Operation, Operations};
pub use replay::LogCut;
pub(crate) use replay::{Replay, ReplayStart, replay};
pub(crate) use segments::{delete_segments_before, list_segments};
pub(crate) use unsynced::UnsyncedSegments;
pub(crate) use writer::WriteAheadLog;
