//! The write-ahead log: what was committed but is not in a table yet, so that it survives the process.

mod operations;
mod packed;
mod record;
mod replay;
mod resync;
mod segment_header;
mod segments;
mod unsynced;
mod window;
mod writer;

pub(crate) use operations::{Operation, Operations};
pub(crate) use packed::{PackedChange, PackedOperation};
pub(crate) use record::{Place, Record, StoredRecord};
pub use replay::LogCut;
pub(crate) use replay::{Replay, ReplayStart, Replayed, replay};
pub(crate) use segment_header::{HeaderOutcome, MAGIC as LOG_MAGIC, SEGMENT_HEADER_BYTES, SegmentHeader};
pub(crate) use segments::{delete_segments_before, list_segments};
pub(crate) use unsynced::UnsyncedSegments;
pub(crate) use writer::WriteAheadLog;
