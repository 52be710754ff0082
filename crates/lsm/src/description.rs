//! What a single file of a database is and whether it is whole: tables, value files and segments of the log.

use std::sync::Arc;

use stroma_strata::encryption::Encryption;
use stroma_strata::storage::{Blob, StorageError};
use stroma_strata::{FileDescription, magic_of};

use crate::log::{
    HeaderOutcome, LOG_MAGIC, Place, SegmentHeader, StoredRecord, open_segment_key, segment_key_id,
};
use crate::table::{TABLE_MAGIC, Table, TableKeys};
use crate::values::{VALUE_MAGIC, ValueFile};

/// Describes a table, a value file or a segment of the log; `None` when the blob is none of them.
///
/// Reads the whole file.
///
/// # Errors
/// When the file cannot be read; damage is in the description.
pub fn describe_file(blob: &Arc<dyn Blob>) -> Result<Option<FileDescription>, StorageError> {
    describe_file_with(blob, None)
}

/// The same with the keys of an encrypted database, if there are any. Without them, or if the file does not bear the
/// name that it was written under, an encrypted file is described as damaged.
///
/// # Errors
/// As [`describe_file`].
pub fn describe_file_with(
    blob: &Arc<dyn Blob>,
    encryption: Option<&Encryption>,
) -> Result<Option<FileDescription>, StorageError> {
    match magic_of(&**blob)? {
        TABLE_MAGIC => Ok(Some(describe_table(blob, encryption))),
        VALUE_MAGIC => Ok(Some(describe_values(blob, encryption))),
        LOG_MAGIC => Ok(Some(describe_log(&blob.read_all()?, &blob.describe(), encryption))),
        _ => Ok(None),
    }
}

/// The number in a name, which files are authenticated with.
fn number_of(name: &str) -> u64 {
    name.rsplit('/').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// What is said of a file's key.
fn told(key_id: Option<&str>) -> &str {
    key_id.unwrap_or("not encrypted")
}

fn describe_table(blob: &Arc<dyn Blob>, encryption: Option<&Encryption>) -> FileDescription {
    let description = FileDescription::new("table of keys and values");
    let keys = TableKeys { encryption: encryption.cloned(), number: number_of(blob.name()) };
    let table = match Table::open_with(Arc::clone(blob), keys, None, 0) {
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
        .with("compression", facts.compressed)
        .with("bytes of blocks before compression", facts.payload_bytes)
        .with("bytes of the dictionary", facts.dictionary_bytes)
        .with("bytes of the index", facts.index_bytes)
        .with("kind of index", facts.index_kind)
        .with("index", &properties.index_explanation)
        .with("key", told(table.key_id()));
    match table.verify() {
        Ok(()) => description,
        Err(error) => description.damaged(error),
    }
}

fn describe_values(blob: &Arc<dyn Blob>, encryption: Option<&Encryption>) -> FileDescription {
    let description = FileDescription::new("value file");
    let file = match ValueFile::inspect(Arc::clone(blob), encryption) {
        Ok(file) => file,
        Err(error) => return description.damaged(error),
    };
    let (values, value_bytes) = file.contents();
    let description = description
        .with("number", file.number())
        .with("values", values)
        .with("bytes of values", value_bytes)
        .with("bytes that they take", file.stored_bytes())
        .with("key", told(file.key_id()));
    match file.verify() {
        Ok(()) => description,
        Err(error) => description.damaged(error),
    }
}

/// A log is whole when its records follow one another to its end. A tail that is not a record is what a crash leaves;
/// opening the database cuts it, and tells whether anything acknowledged was in it.
fn describe_log(bytes: &[u8], place: &str, encryption: Option<&Encryption>) -> FileDescription {
    let description = FileDescription::new("segment of the write-ahead log");
    let header = match SegmentHeader::decode(bytes) {
        HeaderOutcome::Valid(header) => header,
        HeaderOutcome::OtherVersion { version } => {
            return description.damaged(format!("format {version} is not the one that this release reads"));
        }
        HeaderOutcome::Invalid => return description.damaged("the head is cut short or damaged"),
    };
    let key_id = segment_key_id(bytes).flatten();
    let description = description.with("key", told(key_id.as_deref()));
    let cipher = match open_segment_key(&header, bytes, place, encryption) {
        Ok(Some(cipher)) => cipher,
        Ok(None) => return description.damaged("the envelope of its key is cut short or damaged"),
        Err(error) => return description.damaged(error),
    };
    let mut room = Vec::new();
    let (mut at, mut records, mut next) = (header.records_at(), 0_u64, header.first_sequence);
    let place = |at| Place { log_number: header.log_number, offset: at as u64 };
    while let Ok(Some(record)) =
        StoredRecord::read(bytes.get(at..).unwrap_or_default(), place(at), cipher.as_ref(), &mut room)
    {
        at += record.encoded_bytes();
        records += 1;
        next += u64::from(record.operation_count());
    }
    let rest = bytes.len().saturating_sub(at);
    let description = description
        .with("number", header.log_number)
        .with("first sequence", header.first_sequence)
        .with("records", records)
        .with("last sequence", if records == 0 { "none".to_owned() } else { (next - 1).to_string() });
    if rest == 0 || bytes[bytes.len() - rest..].iter().all(|byte| *byte == 0) {
        return description;
    }
    description.damaged(format!(
        "{rest} bytes after the last whole record, at offset {at}: opening the database cuts them and reports it"
    ))
}
