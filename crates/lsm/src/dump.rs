//! What a file of a database, or a keyspace, holds: every entry with its sequence and kind, also of damaged files up to
//! the damage.

use std::sync::Arc;

use stroma_strata::encryption::Encryption;
use stroma_strata::storage::{Blob, StorageError};
use stroma_strata::{DumpLine, DumpSink, magic_of};

use crate::Error;
use crate::cursor::Cursor as _;
use crate::database::Database;
use crate::entry::{EntryRef, Kind, MAX_SEQUENCE, Marked, NEVER, Sequence};
use crate::keyspace::{KeyRange, Keyspace, PREFIX_BYTES};
use crate::log::{
    HeaderOutcome, LOG_MAGIC, Operation, Operations, Place, SegmentHeader, StoredRecord, open_segment_key,
};
use crate::table::{TABLE_MAGIC, Table, TableKeys};
use crate::values::{PackedValue, ShortValue, VALUE_MAGIC, ValueFile, ValueReference};

/// Tells what a table, a value file or a segment of the log holds; answers whether the file is one of these.
///
/// Of a damaged table every whole block is told, of a log what comes before the damage. The entries of a table that was
/// ingested have the sequence with which they are stored, 1. Encrypted files are told with their keys alone.
///
/// # Errors
/// When the file cannot be read; damage is an item.
pub fn dump_file(
    blob: &Arc<dyn Blob>,
    encryption: Option<&Encryption>,
    sink: &mut DumpSink<'_>,
) -> Result<bool, StorageError> {
    match magic_of(&**blob)? {
        TABLE_MAGIC => dump_table(blob, encryption, sink),
        VALUE_MAGIC => dump_values(blob, encryption, sink),
        LOG_MAGIC => {
            let _ = dump_log(&blob.read_all()?, &blob.describe(), encryption, sink);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

impl Database {
    /// Tells every entry of `keyspace` there is, hidden and deleted ones included, newest first for each key, and its
    /// range deletes. What is in memory is told like the rest.
    ///
    /// # Errors
    /// [`Error::ForeignKeyspace`]; damage; failure of the storage.
    pub fn dump(&self, keyspace: &Keyspace, sink: &mut DumpSink<'_>) -> Result<(), Error> {
        keyspace.check_same(self.core())?;
        let range = KeyRange::new::<&[u8]>(keyspace.id(), &..);
        let (mut cursor, tombstones) = self.core().read_view().everything_in(&range);
        for set in tombstones {
            for fragment in set.clipped(Some(&range.start), Some(&range.end)).fragments() {
                for sequence in &fragment.sequences {
                    if !sink(range_delete(&fragment.start, &fragment.end, *sequence)) {
                        return Ok(());
                    }
                }
            }
        }
        let mut on = cursor.seek(&range.start, MAX_SEQUENCE)?;
        while on && cursor.entry().user_key < range.end.as_slice() {
            if !sink(entry_line(&cursor.entry())) {
                return Ok(());
            }
            on = cursor.next()?;
        }
        Ok(())
    }
}

/// An item about a key as it is stored.
fn keyed(what: &'static str, sequence: Sequence, key: &[u8]) -> DumpLine {
    let line = DumpLine::new(what).with("sequence", sequence);
    match key.split_first_chunk::<PREFIX_BYTES>() {
        Some((number, key)) => line.with("keyspace", u64::from(u32::from_be_bytes(*number))).with("key", key),
        None => line.with("stored key", key),
    }
}

fn entry_line(entry: &EntryRef<'_>) -> DumpLine {
    match entry.kind {
        Kind::Put => keyed("put", entry.sequence, entry.user_key).with("value", entry.value),
        Kind::Delete => keyed("delete", entry.sequence, entry.user_key),
        Kind::Stored => stored(entry.sequence, entry.user_key, entry.value),
        Kind::Marked => marked(entry.sequence, entry.user_key, entry.value),
    }
}

/// An operand, a put that expires, or what a filter left.
fn marked(sequence: Sequence, key: &[u8], value: &[u8]) -> DumpLine {
    match Marked::decode(value) {
        Ok(Marked::Operand { at, content }) => {
            let line = keyed("operand", sequence, key).with("operand", content);
            if at == NEVER { line } else { line.with("expires", at) }
        }
        Ok(Marked::Expiring { at, is_stored, content }) => {
            let line = if is_stored {
                stored(sequence, key, content)
            } else {
                keyed("put", sequence, key).with("value", content)
            };
            line.with("expires", at)
        }
        Ok(Marked::Filtered(filtered)) => {
            let line = keyed("filtered", sequence, key).with("merge", filtered.turn);
            let line = line.with("before", filtered.before.1);
            match filtered.after {
                Some((_, after)) => line.with("after", after),
                None => line,
            }
        }
        Ok(Marked::Packed { pieces }) => match PackedValue::new(pieces).unpack() {
            Ok(value) => keyed("put", sequence, key).with("value", value.as_slice()),
            Err(_) => keyed("put", sequence, key).with("malformed pieces", pieces),
        },
        Ok(Marked::Short { stored }) => match ShortValue::new(stored).and_then(ShortValue::unpack) {
            Ok(value) => keyed("put", sequence, key).with("value", value.as_slice()),
            Err(_) => keyed("put", sequence, key).with("malformed short value", stored),
        },
        Ok(Marked::Incompressible { content }) => keyed("put", sequence, key).with("value", content),
        Err(_) => keyed("put", sequence, key).with("malformed mark", value),
    }
}

/// A put of a value that lies in a value file.
fn stored(sequence: Sequence, key: &[u8], reference: &[u8]) -> DumpLine {
    let line = keyed("put", sequence, key);
    match ValueReference::decode(reference) {
        Ok(reference) => line
            .with("value file", reference.file)
            .with("at", reference.offset)
            .with("bytes", reference.length),
        Err(_) => line.with("malformed reference", reference),
    }
}

fn range_delete(start: &[u8], end: &[u8], sequence: Sequence) -> DumpLine {
    let end = end.get(PREFIX_BYTES..).unwrap_or_default();
    keyed("range delete", sequence, start).with("up to", end)
}

fn damage(error: &Error) -> DumpLine {
    match error {
        Error::Corrupt { offset, what, .. } => DumpLine::damage(*offset, what),
        other => DumpLine::damage(0, other),
    }
}

fn dump_table(blob: &Arc<dyn Blob>, encryption: Option<&Encryption>, sink: &mut DumpSink<'_>) {
    let number = blob.name().rsplit('/').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let keys = TableKeys { encryption: encryption.cloned(), number };
    let table = match Table::open_with(Arc::clone(blob), keys, None, 0) {
        Ok(table) => table,
        Err(error) => {
            sink(damage(&error));
            return;
        }
    };
    for fragment in table.tombstones().fragments() {
        for sequence in &fragment.sequences {
            if !sink(range_delete(&fragment.start, &fragment.end, *sequence)) {
                return;
            }
        }
    }
    for block in 0..table.block_count() {
        let mut wants_more = true;
        let read = table.read_entries(block, |entry| wants_more = wants_more && sink(entry_line(entry)));
        let goes_on = match read {
            Ok(()) => wants_more,
            Err(error) => wants_more && sink(damage(&error).with("block at", table.block_offset(block))),
        };
        if !goes_on {
            return;
        }
    }
}

fn dump_values(blob: &Arc<dyn Blob>, encryption: Option<&Encryption>, sink: &mut DumpSink<'_>) {
    let walked = ValueFile::inspect(Arc::clone(blob), encryption).and_then(|file| {
        file.walk(|value| {
            let line = DumpLine::new("value").with("at", value.offset).with("bytes", value.length);
            sink(line.with("stored bytes", value.stored_bytes()))
        })
    });
    if let Err(error) = walked {
        sink(damage(&error));
    }
}

/// Answers nothing of use: `None` once the sink wants no more.
fn dump_log(
    bytes: &[u8],
    place: &str,
    encryption: Option<&Encryption>,
    sink: &mut DumpSink<'_>,
) -> Option<()> {
    let mut tell = |line| sink(line).then_some(());
    let header = match SegmentHeader::decode(bytes) {
        HeaderOutcome::Valid(header) => header,
        HeaderOutcome::OtherVersion { version } => {
            return tell(DumpLine::damage(
                8,
                format!("format {version} is not the one that this release reads"),
            ));
        }
        HeaderOutcome::Invalid => return tell(DumpLine::damage(0, "the head is cut short or damaged")),
    };
    tell(
        DumpLine::new("segment")
            .with("number", header.log_number)
            .with("first sequence", header.first_sequence)
            .with("durable through", header.durable_through),
    )?;
    let cipher = match open_segment_key(&header, bytes, place, encryption) {
        Ok(Some(cipher)) => cipher,
        Ok(None) => return tell(DumpLine::damage(0, "the envelope of its key is cut short or damaged")),
        Err(error) => return tell(damage(&error)),
    };
    let (mut at, mut sequence) = (header.records_at(), header.first_sequence);
    let (mut unpacked, mut room) = (Vec::new(), Vec::new());
    loop {
        let place = Place { log_number: header.log_number, offset: at as u64 };
        let rest = bytes.get(at..).unwrap_or_default();
        let Ok(Some(stored_record)) = StoredRecord::read(rest, place, cipher.as_ref(), &mut room) else {
            let is_end = rest.iter().all(|byte| *byte == 0);
            return if is_end { Some(()) } else { tell(DumpLine::damage(at as u64, "no whole record")) };
        };
        let record = stored_record.unpack(sequence, &mut unpacked);
        let operations = u64::from(record.operations);
        tell(DumpLine::new("commit").with("offset", at as u64).with("operations", operations))?;
        for (sequence, operation) in (sequence..).zip(Operations::new(record.payload).map_while(Result::ok)) {
            tell(match operation {
                Operation::Put { key, value } => keyed("put", sequence, key).with("value", value),
                Operation::PutStored { key, reference } => stored(sequence, key, reference),
                Operation::PutMarked { key, value } => marked(sequence, key, value),
                Operation::Delete { key } => keyed("delete", sequence, key),
                Operation::DeleteRange { start, end } => range_delete(start, end, sequence),
            })?;
        }
        sequence += operations;
        at += stored_record.encoded_bytes();
    }
}
