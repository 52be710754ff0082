//! Reading the log after a restart: exactly the committed prefix, and an account of what was left out.
//!
//! Sequences are dense: each record starts where the one before it ended, across segments too. Replay goes on as
//! long as that chain holds. Where it breaks there is a *hole*: bytes that are cut short, damaged or missing. A
//! hole is one of two things:
//!
//! 1. **A torn tail.** Bytes that were never promised to survive (a commit with a lesser durability, or one that
//!    was never acknowledged) were lost with the power. The device may have kept later bytes and lost earlier
//!    ones, so even sound records behind the hole do not make it more than that. The tail is cut and reported.
//! 2. **Damage.** Some record or segment header behind the hole says that the missing sequence had been synced
//!    (`durable_through`). That is loss of promised data: an error, or, if [`RecoveryMode::KeepPrefix`] was
//!    asked for, reported as such and the prefix kept.
//!
//! What cannot be told apart, by any log: damage to the very last synced bytes, with nothing behind them, looks
//! like a torn tail. It is cut and reported.

use std::io::Read as _;
use std::sync::Arc;

use stroma_strata::encryption::{Encryption, FileCipher};
use stroma_strata::storage::{LogReader, LogStorage, StorageError};

use super::portion::{Ahead, Apply, Counted};
use super::record::{Place, StoredRecord};
use super::resync::{self, Behind};
use super::segment_header::{HeaderOutcome, SEGMENT_HEADER_BYTES, SegmentHeader, VERSION};
use super::segment_key::{self, MAX_START_BYTES};
use super::segments::{list_segments, segment_name};
use super::stretch::{Stretch, StretchReader};
use crate::Error;
use crate::options::RecoveryMode;

/// What recovery left out of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCut {
    /// The segment in which the kept prefix ends.
    pub segment: String,
    /// Where in it the kept prefix ends, in bytes.
    pub offset: u64,
    /// The first sequence that is missing.
    pub first_missing: u64,
    /// Bytes left out, in this segment and later ones, but for zeros at the end of a segment.
    pub bytes: u64,
    /// Sound records among them, left out because something before them is missing.
    pub records: u64,
    /// Whether anything left out had been promised as synced: that is damage, not a torn tail.
    pub promised: bool,
}

#[cfg(test)]
impl ReplayStart {
    /// When tables hold everything up to `sequence` and nothing is known of the log.
    fn after(sequence: u64) -> Self {
        ReplayStart { flushed_through: sequence, durable_through: sequence }
    }
}

impl LogCut {
    /// When the log ends after `last_sequence`, at the end of its last segment.
    fn nothing_after(last_segment: Option<u64>, last_sequence: u64) -> LogCut {
        LogCut {
            segment: segment_name(last_segment.unwrap_or(0)),
            offset: 0,
            first_missing: last_sequence + 1,
            bytes: 0,
            records: 0,
            promised: false,
        }
    }
}

/// How a replay ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Replay {
    /// The last sequence of the kept prefix.
    pub(crate) last_sequence: u64,
    /// Records replayed.
    pub(crate) records: u64,
    /// What was left out, if anything.
    pub(crate) cut: Option<LogCut>,
}

/// A record of the log, and where in the history it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replayed<'a> {
    /// The segment it lies in.
    pub(crate) log_number: u64,
    /// The sequence of its first operation; the others follow one by one.
    pub(crate) first_sequence: u64,
    /// The record.
    pub(crate) record: StoredRecord<'a>,
}

impl Replayed<'_> {
    /// The sequence of its last operation.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.first_sequence + u64::from(self.record.operation_count()) - 1
    }
}

/// A segment's bytes with what its header says.
struct Segment {
    name: String,
    log_number: u64,
    bytes: Vec<u8>,
    start: Option<Arc<SegmentStart>>,
}

/// What the start of a segment says.
pub(super) struct SegmentStart {
    header: SegmentHeader,
    /// Opens the records, if they are encrypted.
    cipher: Option<FileCipher>,
}

impl SegmentStart {
    /// The record at the start of `bytes`, which stand at `offset` of the segment; none if it is not whole and sound.
    pub(super) fn read_record<'a>(
        &self,
        bytes: &'a [u8],
        offset: u64,
        room: &'a mut Vec<u8>,
    ) -> Option<StoredRecord<'a>> {
        let place = Place { log_number: self.header.log_number, offset };
        // What is forged is behind a hole; it is looked at there.
        StoredRecord::read(bytes, place, self.cipher.as_ref(), room).ok().flatten()
    }
}

impl Segment {
    /// Where the zeros begin that end it. They may have been written ahead of records, so that each sync need not
    /// lengthen the file; a record never consists of zeros alone.
    fn written_bytes(&self) -> u64 {
        self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
    }

    /// How many bytes from `at` on are not those zeros.
    fn written_behind(&self, at: u64) -> u64 {
        self.written_bytes().saturating_sub(at)
    }
}

/// What is known before the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReplayStart {
    /// Everything up to this sequence is in tables.
    pub(crate) flushed_through: u64,
    /// Everything up to this sequence was on the device, in tables or in the log.
    pub(crate) durable_through: u64,
}

/// Where segments are, and the keys of those that are encrypted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogSource<'a> {
    pub(crate) storage: &'a dyn LogStorage,
    pub(crate) encryption: Option<&'a Encryption>,
}

/// Replays the segments `log_numbers` (ascending), giving `apply` each record whose operations come after what tables
/// hold, in order.
///
/// # Errors
/// [`Error::Corrupt`] for damage (see the module) unless `mode` keeps the prefix; [`Error::Unsupported`] for a
/// segment of another version of the format; [`Error::Encryption`]; errors of reading and of `apply`.
pub(crate) fn replay(
    source: LogSource<'_>,
    log_numbers: &[u64],
    start: ReplayStart,
    mode: RecoveryMode,
    apply: &mut impl Apply,
) -> Result<Replay, Error> {
    let storage = source.storage;
    let starts = read_starts(source, log_numbers)?;
    let mut progress = Replay { last_sequence: start.flushed_through, ..Replay::default() };
    for (index, &log_number) in log_numbers.iter().enumerate() {
        let name = segment_name(log_number);
        let failed = |error| StorageError::from_io("read", storage.describe(&name), error);
        // What a later segment starts with was cut here by an earlier recovery.
        let limit = starts[index + 1..].iter().flatten().map(|start| start.header.first_sequence).min();
        let reader = storage.read_log(&name)?;
        let end = match &starts[index] {
            Some(start) => replay_segment((reader, start), limit, &mut progress, apply),
            None if limit.is_some() => Ok(End { at: 0, is_empty: false }),
            None => {
                let mut bytes = StretchReader::new(reader, 0, false).map_err(failed)?;
                bytes.has_only_zeros().map_err(Stopped::Read).map(|is_empty| End { at: 0, is_empty })
            }
        };
        let End { at, is_empty } = end.map_err(|stopped| stopped.into_error(failed))?;
        let expected = progress.last_sequence + 1;
        if limit.map_or(is_empty, |limit| limit <= expected) {
            continue;
        }
        let segment = read_segment(source, log_number)?;
        progress.cut = describe_hole(source, &segment, at, &log_numbers[index + 1..], expected)?;
        break;
    }
    if progress.last_sequence < start.durable_through {
        let nothing = || LogCut::nothing_after(log_numbers.last().copied(), progress.last_sequence);
        progress.cut.get_or_insert_with(nothing).promised = true;
    }
    match &progress.cut {
        Some(cut) if cut.promised && mode == RecoveryMode::Strict => Err(Error::Corrupt {
            file: storage.describe(&cut.segment),
            offset: cut.offset,
            what: format!(
                "the log was synced past sequence {} but the record that starts there is damaged; \
                 to open with what comes before it, set the recovery mode to KeepPrefix, or",
                cut.first_missing
            ),
        }),
        _ => Ok(progress),
    }
}

/// Why the replay of a segment ended before the chain of its records did.
enum Stopped {
    Read(std::io::Error),
    Apply(Error),
}

impl Stopped {
    fn into_error(self, read: impl Fn(std::io::Error) -> StorageError) -> Error {
        match self {
            Stopped::Read(error) => read(error).into(),
            Stopped::Apply(error) => error,
        }
    }
}

/// Where the chain of records ends in a segment.
struct End {
    at: u64,
    /// Whether there is nothing but zeros from there on; looked at only in the last segment.
    is_empty: bool,
}

/// Applies the records of one segment as far as the chain holds.
fn replay_segment<A: Apply>(
    (reader, start): (Box<dyn LogReader>, &Arc<SegmentStart>),
    limit: Option<u64>,
    progress: &mut Replay,
    apply: &mut A,
) -> Result<End, Stopped> {
    let records_at = start.header.records_at();
    let stretches = StretchReader::new(reader, records_at, start.cipher.is_some()).map_err(Stopped::Read)?;
    let mut at = stretches.offset();
    let mut ahead = Ahead::<A::Portion>::new(start.clone(), stretches, apply.crew().cloned());
    let mut chain = Chain { start, next: start.header.first_sequence, limit: limit.unwrap_or(u64::MAX) };
    while chain.goes_on(progress) {
        let Some(mut prepared) = ahead.next().map_err(Stopped::Read)? else { break };
        let end = prepared.stretch.bytes().len();
        let is_applied = match &mut prepared.portion {
            Some(portion) => chain.apply_portion(portion, progress, apply).map_err(Stopped::Apply)?,
            None => false,
        };
        let applied = match is_applied {
            true => end,
            false => chain.apply_records(&prepared.stretch, progress, apply).map_err(Stopped::Apply)?,
        };
        at += applied as u64;
        if applied < end {
            // A record has a length, so that this is not all zeros.
            return Ok(End { at, is_empty: false });
        }
        ahead.give_back(prepared);
    }
    let is_empty = limit.is_none() && ahead.has_only_zeros().map_err(Stopped::Read)?;
    Ok(End { at, is_empty })
}

/// The chain of records in a segment.
struct Chain<'a> {
    start: &'a SegmentStart,
    /// The sequence of the first operation of the next record.
    next: u64,
    /// Records from this sequence on are void.
    limit: u64,
}

impl Chain<'_> {
    /// Whether the next record is one of those that count, as far as can be told before it is read.
    fn goes_on(&self, progress: &Replay) -> bool {
        self.next <= progress.last_sequence + 1 && self.next < self.limit
    }

    /// Applies a portion as a whole if all of it comes next.
    fn apply_portion<A: Apply>(
        &mut self,
        counted: &mut Counted<A::Portion>,
        progress: &mut Replay,
        apply: &mut A,
    ) -> Result<bool, Error> {
        let Counted { portion, records, operations } = counted;
        let behind = self.next + *operations;
        let is_next = self.next == progress.last_sequence + 1 && behind <= self.limit;
        if !is_next || !apply.apply_portion(self.start.header.log_number, self.next, portion)? {
            return Ok(false);
        }
        self.next = behind;
        progress.last_sequence = behind - 1;
        progress.records += *records;
        Ok(true)
    }

    /// Applies the records of a stretch one by one; answers where in it the chain ends.
    fn apply_records(
        &mut self,
        stretch: &Stretch,
        progress: &mut Replay,
        apply: &mut impl Apply,
    ) -> Result<usize, Error> {
        let (bytes, mut at, mut room) = (stretch.bytes(), 0, Vec::new());
        while at < bytes.len() && self.goes_on(progress) {
            let offset = stretch.offset() + at as u64;
            let Some(record) = self.start.read_record(&bytes[at..], offset, &mut room) else { break };
            if self.next == progress.last_sequence + 1 {
                let log_number = self.start.header.log_number;
                let replayed = Replayed { log_number, first_sequence: self.next, record };
                apply.apply(replayed)?;
                progress.last_sequence = replayed.last_sequence();
                progress.records += 1;
            }
            self.next += u64::from(record.operation_count());
            at += record.encoded_bytes();
        }
        Ok(at)
    }
}

/// Says what is missing from `at` on, judged by everything that stands behind it.
fn describe_hole(
    source: LogSource<'_>,
    segment: &Segment,
    at: u64,
    later: &[u64],
    expected: u64,
) -> Result<Option<LogCut>, Error> {
    // Zeros may be what is left of records, too.
    let mut bytes = segment.bytes.len() as u64 - at;
    let mut written = segment.written_behind(at);
    // From the hole on there are no more operations than bytes.
    let latest = |bytes: u64| expected.saturating_add(bytes);
    let cipher = segment.start.as_ref().and_then(|start| start.cipher.as_ref());
    let mut behind = resync::scan(&segment.bytes, at as usize, segment.log_number, latest(bytes), cipher);
    for &log_number in later {
        let segment = read_segment(source, log_number)?;
        bytes += segment.bytes.len() as u64;
        written += segment.written_bytes();
        let (mut from, mut cipher) = (SEGMENT_HEADER_BYTES, None);
        if let Some(start) = &segment.start {
            behind.durable_through = behind.durable_through.max(start.header.durable_through);
            (from, cipher) = (start.header.records_at(), start.cipher.as_ref());
        }
        let found: Behind = resync::scan(&segment.bytes, from, log_number, latest(bytes), cipher);
        behind = behind.join(found);
    }
    Ok(Some(LogCut {
        segment: segment.name.clone(),
        offset: at,
        first_missing: expected,
        bytes: written,
        records: behind.records,
        promised: behind.durable_through >= expected || behind.is_forged,
    }))
}

/// With which sequence each segment begins, as far as its start can be read.
///
/// # Errors
/// [`Error::Unsupported`]; [`Error::Encryption`]; errors of reading.
pub(crate) fn first_sequences(source: LogSource<'_>, log_numbers: &[u64]) -> Result<Vec<Option<u64>>, Error> {
    let starts = read_starts(source, log_numbers)?;
    Ok(starts.into_iter().map(|start| Some(start?.header.first_sequence)).collect())
}

fn read_starts(source: LogSource<'_>, log_numbers: &[u64]) -> Result<Vec<Option<Arc<SegmentStart>>>, Error> {
    let mut starts = Vec::with_capacity(log_numbers.len());
    for &log_number in log_numbers {
        let name = segment_name(log_number);
        let bytes = read_start(source.storage, &name)?;
        starts.push(check_start(source, &name, log_number, &bytes)?);
    }
    Ok(starts)
}

/// The first bytes of a segment, as many as header and key may take.
fn read_start(storage: &dyn LogStorage, name: &str) -> Result<Vec<u8>, StorageError> {
    let mut bytes = Vec::with_capacity(MAX_START_BYTES);
    let reader = storage.read_log(name)?;
    reader
        .take(MAX_START_BYTES as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| StorageError::from_io("read", storage.describe(name), error))?;
    Ok(bytes)
}

/// The name of the key of each segment, oldest first; `None` for one that is not encrypted.
pub(crate) fn key_ids(storage: &dyn LogStorage) -> Result<Vec<Option<String>>, Error> {
    let mut key_ids = Vec::new();
    for log_number in list_segments(storage)? {
        match read_start(storage, &segment_name(log_number)) {
            Ok(bytes) => key_ids.extend(segment_key::key_id(&bytes)),
            // Deleted by a flush meanwhile.
            Err(StorageError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(key_ids)
}

fn check_start(
    source: LogSource<'_>,
    name: &str,
    log_number: u64,
    bytes: &[u8],
) -> Result<Option<Arc<SegmentStart>>, Error> {
    let LogSource { storage, encryption } = source;
    match SegmentHeader::decode(bytes) {
        HeaderOutcome::Valid(header) if header.log_number == log_number => {
            let cipher = segment_key::open(&header, bytes, &storage.describe(name), encryption)?;
            Ok(cipher.map(|cipher| Arc::new(SegmentStart { header, cipher })))
        }
        HeaderOutcome::Valid(_) | HeaderOutcome::Invalid => Ok(None),
        HeaderOutcome::OtherVersion { version } => Err(Error::Unsupported {
            file: storage.describe(name),
            what: format!("log format version {version} (this build reads version {VERSION})"),
        }),
    }
}

fn read_segment(source: LogSource<'_>, log_number: u64) -> Result<Segment, Error> {
    let storage = source.storage;
    let name = segment_name(log_number);
    let mut reader = storage.read_log(&name)?;
    let mut bytes = Vec::with_capacity(reader.len() as usize);
    reader
        .read_to_end(&mut bytes)
        .map_err(|error| StorageError::from_io("read", storage.describe(&name), error))?;
    let start = check_start(source, &name, log_number, &bytes)?;
    Ok(Segment { name, log_number, bytes, start })
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
