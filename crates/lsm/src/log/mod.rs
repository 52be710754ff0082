//! The write-ahead log: what was committed but is not in a table yet, so that it survives the process.

mod operations;
mod packed;
mod portion;
mod record;
mod records;
mod replay;
mod resync;
mod segment_header;
mod segment_key;
mod segments;
mod stretch;
mod unsynced;
mod writer;

pub(crate) use operations::{Operation, Operations};
pub(crate) use packed::{PackedChange, PackedOperation};
pub(crate) use portion::{Apply, OneByOne, Portion};
pub(crate) use record::{Place, Record, StoredRecord};
pub(crate) use records::Records;
pub use replay::LogCut;
pub(crate) use replay::{LogSource, Replay, ReplayStart, Replayed, first_sequences, key_ids, replay};
pub(crate) use segment_header::{HeaderOutcome, MAGIC as LOG_MAGIC, SegmentHeader};
pub(crate) use segment_key::{key_id as segment_key_id, open as open_segment_key};
pub(crate) use segments::{delete_segments_before, list_segments, segment_name};
pub(crate) use unsynced::UnsyncedSegments;
pub(crate) use writer::WriteAheadLog;
