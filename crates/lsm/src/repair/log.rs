//! The log, as far as it can be read: each segment by itself.
//!
//! Recovery keeps a prefix: what follows a hole is left out, since it may build on what is missing. Here it is kept:
//! each segment says at which sequence it begins. Within a segment nothing behind a damaged record can be placed.

use std::io::Read as _;

use stroma_strata::encryption::FileCipher;
use stroma_strata::storage::StorageError;

use super::report::{LostLog, RepairReport};
use crate::Error;
use crate::entry::Sequence;
use crate::log::{
    HeaderOutcome, LogSource, Place, Record, SegmentHeader, StoredRecord, list_segments, open_segment_key,
    segment_name,
};

/// A segment's bytes.
struct Segment {
    number: u64,
    bytes: Vec<u8>,
    /// None if it is damaged; the cipher is none if the segment is not encrypted.
    start: Option<(SegmentHeader, Option<FileCipher>)>,
}

/// Reads the segments from `first_needed` on; `add` is given each record with operations after `after`, by ascending
/// sequence.
pub(super) fn salvage_log(
    source: LogSource<'_>,
    first_needed: u64,
    after: Sequence,
    report: &mut RepairReport,
    mut add: impl FnMut(&Record<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let storage = source.storage;
    let numbers = list_segments(storage)?.into_iter().filter(|number| *number >= first_needed);
    let segments = numbers.map(|number| read(source, number)).collect::<Result<Vec<_>, Error>>()?;
    let mut last = after;
    for (at, segment) in segments.iter().enumerate() {
        // What a later segment begins with was cut here by an earlier recovery.
        let later = segments[at + 1..].iter().filter_map(|segment| Some(segment.start.as_ref()?.0));
        let limit = later.map(|header| header.first_sequence).min().unwrap_or(Sequence::MAX);
        let (end, what) = read_records(segment, limit, &mut last, report, &mut add)?;
        let written = segment.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if end < written {
            report.lost_log.push(LostLog {
                file: storage.describe(&segment_name(segment.number)),
                offset: end as u64,
                bytes: (written - end) as u64,
                what: what.to_owned(),
            });
        }
    }
    report.last_sequence = report.last_sequence.max(last);
    Ok(())
}

/// Answers where the records end that could be read, and what is wrong there if something is.
fn read_records(
    segment: &Segment,
    limit: Sequence,
    last: &mut Sequence,
    report: &mut RepairReport,
    add: &mut impl FnMut(&Record<'_>) -> Result<(), Error>,
) -> Result<(usize, &'static str), Error> {
    let Some((header, cipher)) = &segment.start else { return Ok((0, "its header is damaged")) };
    let (mut at, mut sequence) = (header.records_at(), header.first_sequence);
    let mut unpacked = Vec::new();
    let mut room = Vec::new();
    loop {
        if sequence >= limit {
            // Void, and no loss.
            return Ok((usize::MAX, ""));
        }
        let place = Place { log_number: segment.number, offset: at as u64 };
        let rest = segment.bytes.get(at..).unwrap_or_default();
        let Ok(Some(stored)) = StoredRecord::read(rest, place, cipher.as_ref(), &mut room) else {
            return Ok((at, "a record is cut short or damaged, and what follows cannot be placed"));
        };
        let record = stored.unpack(sequence, &mut unpacked);
        if record.first_sequence > *last {
            add(&record)?;
            *last = record.last_sequence();
            report.log_records += 1;
        }
        sequence += u64::from(stored.operation_count());
        at += stored.encoded_bytes();
    }
}

fn read(source: LogSource<'_>, number: u64) -> Result<Segment, Error> {
    let LogSource { storage, encryption } = source;
    let name = segment_name(number);
    let mut bytes = Vec::new();
    storage
        .read_log(&name)?
        .read_to_end(&mut bytes)
        .map_err(|error| StorageError::from_io("read", storage.describe(&name), error))?;
    let start = match SegmentHeader::decode(&bytes) {
        HeaderOutcome::Valid(header) if header.log_number == number => {
            match open_segment_key(&header, &bytes, &storage.describe(&name), encryption) {
                Ok(cipher) => cipher.map(|cipher| (header, cipher)),
                Err(Error::Corrupt { .. }) => None,
                Err(other) => return Err(other),
            }
        }
        HeaderOutcome::Valid(_) | HeaderOutcome::Invalid => None,
        HeaderOutcome::OtherVersion { version } => {
            let what = format!("log format version {version}");
            return Err(Error::Unsupported { file: storage.describe(&name), what });
        }
    };
    Ok(Segment { number, bytes, start })
}
