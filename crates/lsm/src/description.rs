//! What a single file of a database is and whether it is whole: tables, value files and segments of the log.

use std::sync::Arc;

use stroma_strata::storage::{Blob, StorageError};
use stroma_strata::{FileDescription, magic_of};

use crate::log::{HeaderOutcome, LOG_MAGIC, Place, SEGMENT_HEADER_BYTES, SegmentHeader, StoredRecord};
use crate::table::{TABLE_MAGIC, Table};
use crate::values::{VALUE_MAGIC, ValueFile};

/// Describes a table, a value file or a segment of the log; `None` when the blob is none of them.
///
/// Reads the whole file.
///
/// # Errors
/// When the file cannot be read; damage is in the description.
pub fn describe_file(blob: &Arc<dyn Blob>) -> Result<Option<FileDescription>, StorageError> {
    match magic_of(&**blob)? {
        TABLE_MAGIC => Ok(Some(describe_table(blob))),
        VALUE_MAGIC => Ok(Some(describe_values(blob))),
        LOG_MAGIC => Ok(Some(describe_log(&blob.read_all()?))),
        _ => Ok(None),
    }
}

fn describe_table(blob: &Arc<dyn Blob>) -> FileDescription {
    let description = FileDescription::new("table of keys and values");
    let table = match Table::open(Arc::clone(blob)) {
        Ok(table) => table,
        Err(error) => return description.damaged(error),
    };
    let (properties, facts) = (table.properties(), table.describe(0, 0));
    let description = description
        .with("entries", properties.entries)
        .with("distinct keys", properties.keys)
        .with("deletes", properties.deletes)
        .with("range deletes", properties.range_deletes)
        .with("bytes of keys", properties.key_bytes)
        .with("bytes of values", properties.value_bytes)
        .with("sequences", format!("{} to {}", properties.smallest_sequence, properties.largest_sequence))
        .with("smallest key", properties.smallest_key.escape_ascii())
        .with("largest key", properties.largest_key.escape_ascii())
        .with("blocks", facts.blocks)
        .with("bytes of the index", facts.index_bytes)
        .with("kind of index", facts.index_kind)
        .with("index", &properties.index_explanation);
    match table.verify() {
        Ok(()) => description,
        Err(error) => description.damaged(error),
    }
}

fn describe_values(blob: &Arc<dyn Blob>) -> FileDescription {
    let description = FileDescription::new("value file");
    let file = match ValueFile::inspect(Arc::clone(blob)) {
        Ok(file) => file,
        Err(error) => return description.damaged(error),
    };
    let (values, value_bytes) = file.contents();
    let description =
        description.with("number", file.number()).with("values", values).with("bytes of values", value_bytes);
    match file.verify() {
        Ok(()) => description,
        Err(error) => description.damaged(error),
    }
}

/// A log is whole when its records follow one another to its end. A tail that is not a record is what a crash leaves;
/// opening the database cuts it, and tells whether anything acknowledged was in it.
fn describe_log(bytes: &[u8]) -> FileDescription {
    let description = FileDescription::new("segment of the write-ahead log");
    let header = match SegmentHeader::decode(bytes) {
        HeaderOutcome::Valid(header) => header,
        HeaderOutcome::OtherVersion { version } => {
            return description.damaged(format!("format {version} is not the one that this release reads"));
        }
        HeaderOutcome::Invalid => return description.damaged("the head is cut short or damaged"),
    };
    let (mut at, mut records, mut next) = (SEGMENT_HEADER_BYTES, 0_u64, header.first_sequence);
    let place = |at| Place { log_number: header.log_number, offset: at as u64 };
    while let Some(record) = bytes.get(at..).and_then(|rest| StoredRecord::read(rest, place(at))) {
        at += record.encoded_bytes();
        records += 1;
        next += u64::from(record.operation_count());
    }
    let rest = bytes.len() - at;
    let description = description
        .with("number", header.log_number)
        .with("first sequence", header.first_sequence)
        .with("records", records)
        .with("last sequence", if records == 0 { "none".to_owned() } else { (next - 1).to_string() });
    if rest == 0 || bytes[at..].iter().all(|byte| *byte == 0) {
        return description;
    }
    description.damaged(format!(
        "{rest} bytes after the last whole record, at offset {at}: opening the database cuts them and reports it"
    ))
}
