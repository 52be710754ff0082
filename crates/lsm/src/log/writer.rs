//! Writing the log: one open segment, and those before it whose bytes nobody asked to sync yet.
//!
//! A memtable and a segment begin and end together. A segment that is followed by another is not synced at that
//! moment: when its memtable reaches a table its bytes are not needed any more. Only a commit that asks for a sync
//! before that pays for it, and then for all older segments too, since it promises everything before it; or a flush of
//! a part of what is in memory, which leaves the rest to the log.

use std::sync::Arc;

use stroma_strata::encryption::{Encryption, FileCipher};
use stroma_strata::storage::{LogStorage, LogWriter, StorageError};

use super::record::{Place, Record, StoredRecord};
use super::records::Records;
use super::segment_header::SegmentHeader;
use super::segment_key;
use super::segments::{delete_for_good, segment_name};
use super::unsynced::{Segment, UnsyncedSegments};
use crate::Error;

/// Why no segment was begun.
#[derive(Debug)]
pub(crate) struct NotBegun {
    pub(crate) cause: Error,
    /// Whether its header may be in the storage all the same. Then nothing may follow in the segment before it: what
    /// has a sequence from that header's on would be void.
    pub(crate) may_be_there: bool,
}

impl From<Error> for NotBegun {
    /// Of what fails before anything of it is written.
    fn from(cause: Error) -> Self {
        NotBegun { cause, may_be_there: false }
    }
}

/// The writing end of the log. Used by one thread at a time: who holds the writer's lock.
#[derive(Debug)]
pub(crate) struct WriteAheadLog {
    storage: Arc<dyn LogStorage>,
    encryption: Option<Encryption>,
    active: Segment,
    /// Seals the records of the active segment, if they are encrypted.
    cipher: Option<FileCipher>,
    /// The number that was last given to a segment, or meant for one: where making it failed its name may be taken.
    last_number: u64,
    /// Segments before the active one; shared with the flush.
    unsynced: Arc<UnsyncedSegments>,
    /// The last sequence appended.
    appended_through: u64,
    /// Everything up to this sequence is on the device, in the log or in tables.
    durable_through: u64,
    /// As far as the manifest says the same. Beyond it each record has to say it: that is the evidence by which
    /// recovery tells damage from a torn tail.
    recorded_through: u64,
    /// Segments with smaller numbers are not needed, as far as this was told.
    first_needed: u64,
}

impl WriteAheadLog {
    /// Starts segment `log_number`. `last_sequence` is the last one committed, `durable_through` the last one
    /// known to be on the device, as the manifest says.
    pub(crate) fn start(
        storage: Arc<dyn LogStorage>,
        log_number: u64,
        last_sequence: u64,
        durable_through: u64,
        encryption: Option<Encryption>,
    ) -> Result<Self, Error> {
        let header =
            SegmentHeader { log_number, first_sequence: last_sequence + 1, durable_through, key_bytes: 0 };
        // Where this fails nothing follows in the segments before it.
        let (active, cipher) =
            create_segment(&*storage, header, encryption.as_ref()).map_err(|failed| failed.cause)?;
        Ok(WriteAheadLog {
            storage,
            encryption,
            active,
            cipher,
            last_number: log_number,
            unsynced: Arc::default(),
            appended_through: last_sequence,
            durable_through,
            recorded_through: durable_through,
            first_needed: 0,
        })
    }

    /// A log that takes nothing: that of a database to be read.
    pub(crate) fn read_only(storage: Arc<dyn LogStorage>) -> Self {
        WriteAheadLog {
            storage,
            encryption: None,
            cipher: None,
            active: Segment { log_number: 0, writer: Box::new(NoLog) },
            last_number: 0,
            unsynced: Arc::default(),
            appended_through: 0,
            durable_through: 0,
            recorded_through: 0,
            first_needed: 0,
        }
    }

    /// The segments before the active one that hold bytes not known to be on the device.
    pub(crate) fn unsynced(&self) -> &Arc<UnsyncedSegments> {
        &self.unsynced
    }

    /// Bytes of the segment being written.
    pub(crate) fn active_bytes(&self) -> u64 {
        self.active.writer.len()
    }

    /// The number of the segment being written.
    pub(crate) fn log_number(&self) -> u64 {
        self.active.log_number
    }

    /// A number for the segment after this one. None is given twice.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Encodes a record to stand behind the `records` that are to be appended next.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it is too long to be encrypted.
    pub(crate) fn encode(&self, record: &Record<'_>, records: &mut Records) -> Result<(), Error> {
        let place =
            Place { log_number: self.active.log_number, offset: self.active_bytes() + records.len() as u64 };
        let durable_through = self.durable_through.min(record.first_sequence - 1);
        let evidence = if durable_through > self.recorded_through { durable_through } else { 0 };
        let bytes = record.payload.len() as u64;
        let into = records.place_for(record.payload);
        StoredRecord::write(record.payload, evidence, place, self.cipher.as_ref(), into)
            .map_err(|_| Error::TooLarge { what: "batch", bytes, limit: 64 << 30 })
    }

    /// Appends encoded records that end with `last_sequence`; they may stay in this process's memory.
    pub(crate) fn append(&mut self, records: &Records, last_sequence: u64) -> Result<(), StorageError> {
        self.active.writer.append(records.bytes())?;
        self.appended_through = last_sequence;
        Ok(())
    }

    /// Hands everything appended to the operating system.
    pub(crate) fn flush(&mut self) -> Result<(), StorageError> {
        self.unsynced.flush()?;
        self.active.writer.flush()
    }

    /// Puts everything appended on the device, older segments first.
    pub(crate) fn sync(&mut self) -> Result<(), StorageError> {
        self.unsynced.sync_through(u64::MAX)?;
        self.active.writer.sync()?;
        self.durable_through = self.appended_through;
        Ok(())
    }

    /// Ends the active segment and starts `log_number`. If that fails the active segment stays as it was.
    pub(crate) fn rotate(&mut self, log_number: u64) -> Result<(), NotBegun> {
        let (next, cipher) = self.create(log_number, self.appended_through)?;
        self.cipher = cipher;
        let ended = std::mem::replace(&mut self.active, next);
        if self.durable_through < self.appended_through {
            self.unsynced.push(ended);
        }
        Ok(())
    }

    /// Drops the active segment, which takes no more bytes, and starts `log_number` after `last_sequence`. Nothing
    /// may be promised again before the memtable of the dropped segment is in a table. If it fails the log stays
    /// as it was.
    pub(crate) fn abandon_for(&mut self, log_number: u64, last_sequence: u64) -> Result<(), NotBegun> {
        (self.active, self.cipher) = self.create(log_number, last_sequence)?;
        self.appended_through = last_sequence;
        Ok(())
    }

    /// Makes segment `log_number`, to follow `last_sequence`.
    fn create(&self, log_number: u64, last_sequence: u64) -> Result<(Segment, Option<FileCipher>), NotBegun> {
        let (first_sequence, durable_through) = (last_sequence + 1, self.durable_through);
        let header = SegmentHeader { log_number, first_sequence, durable_through, key_bytes: 0 };
        create_segment(&*self.storage, header, self.encryption.as_ref())
    }

    /// Tells the log that by the manifest everything up to `durable_through` is on the device, in tables or in segments
    /// that the flush has synced, and that segments below `first_needed` may go.
    pub(crate) fn note_flush(&mut self, durable_through: u64, first_needed: u64) {
        self.durable_through = self.durable_through.max(durable_through);
        self.recorded_through = durable_through;
        if first_needed > self.first_needed {
            self.first_needed = first_needed;
            self.unsynced.forget_before(first_needed);
        }
    }
}

/// Takes no bytes.
#[derive(Debug)]
struct NoLog;

impl NoLog {
    fn refuse() -> Result<(), StorageError> {
        Err(StorageError::ReadOnly { place: "the log".to_owned() })
    }
}

impl LogWriter for NoLog {
    fn append(&mut self, _: &[u8]) -> Result<(), StorageError> {
        NoLog::refuse()
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        NoLog::refuse()
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        NoLog::refuse()
    }

    fn len(&self) -> u64 {
        0
    }
}

fn create_segment(
    storage: &dyn LogStorage,
    header: SegmentHeader,
    encryption: Option<&Encryption>,
) -> Result<(Segment, Option<FileCipher>), NotBegun> {
    let log_number = header.log_number;
    let name = segment_name(log_number);
    // Before the file is made: a provider that does not answer leaves none behind.
    let place = || storage.describe(&name);
    let key = crate::encryption::new_file_key(encryption, segment_key::identity(log_number), place)?;
    let start = segment_key::encode(header, key.as_ref())?;
    let mut writer = storage.create_log(&name).map_err(Error::from)?;
    if let Err(error) = writer.append(&start) {
        drop(writer);
        let may_be_there = delete_for_good(storage, log_number).is_err();
        return Err(NotBegun { cause: error.into(), may_be_there });
    }
    Ok((Segment { log_number, writer }, key.map(|key| key.cipher)))
}
