//! An append log as a file.
//!
//! A sync that finds its file grown has to wait for the file system's journal too, since the new length is there. So
//! the first of many small syncs writes zeros behind what it syncs: room, into which the next ones write without
//! changing anything but bytes. Whoever reads the log of a process that died finds those zeros at its end.

#![allow(clippy::disallowed_methods, reason = "this is the backend that owns the files")]

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::publish;
use super::storage::{Root, show};
use crate::storage::{LogReader, LogWriter, StorageError};

/// How many bytes are gathered before they are handed to the operating system unasked.
const BUFFER_BYTES: usize = 256 << 10;
/// How much room is made at once.
const ROOM_BYTES: u64 = 64 << 10;
/// Room is made when no more than this was appended since the last sync: for larger appends it would not last.
const SMALL_SYNC_BYTES: u64 = ROOM_BYTES / 8;
/// It is written in pieces of a page: what is written at once may be cached as one large page, and then every sync of a
/// few bytes looks at all of it.
const PAGE: [u8; 4096] = [0; 4096];

/// The writer of a log file.
#[derive(Debug)]
pub(super) struct LocalLogWriter {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    length: u64,
    /// The length at the last sync.
    synced: u64,
    /// Where the zeros end that were written behind the log; not beyond `length` if there are none.
    room_end: u64,
    failed: bool,
}

impl LocalLogWriter {
    pub(super) fn create(root: &Root, name: &str) -> Result<LocalLogWriter, StorageError> {
        let path = root.path(name);
        if let Some(folder) = path.parent() {
            publish::make_directory(folder)?;
        }
        let file = File::create_new(&path)
            .map_err(|error| StorageError::from_io("create the log", show(&path), error))?;
        publish::sync_parent(&path)?;
        Ok(LocalLogWriter {
            path,
            file,
            buffer: Vec::new(),
            length: 0,
            synced: 0,
            room_end: 0,
            failed: false,
        })
    }

    /// Runs a step on the file; its failure is the log's last.
    fn step(
        &mut self,
        action: &'static str,
        body: impl FnOnce(&mut File, &[u8]) -> io::Result<()>,
    ) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Poisoned { place: show(&self.path) });
        }
        body(&mut self.file, &self.buffer).map_err(|error| {
            self.failed = true;
            StorageError::from_io(action, show(&self.path), error)
        })
    }

    /// Writes zeros behind everything appended, which was flushed, if there is no room left and the next syncs are
    /// likely to be as small as this one.
    fn make_room(&mut self) -> Result<(), StorageError> {
        if self.length <= self.room_end || self.length - self.synced > SMALL_SYNC_BYTES {
            return Ok(());
        }
        let (start, end) = (self.length, (self.length + ROOM_BYTES) / PAGE.len() as u64 * PAGE.len() as u64);
        let mut at = start;
        while at < end {
            let piece = (end - at).min(PAGE.len() as u64 - at % PAGE.len() as u64);
            // Room is not needed: where there is no space for it, syncs take longer.
            if self.file.write_all(&PAGE[..piece as usize]).is_err() {
                break;
            }
            at += piece;
        }
        self.room_end = at;
        self.step("go back in", |file, _| file.seek(SeekFrom::Start(start)).map(drop))
    }
}

impl Drop for LocalLogWriter {
    fn drop(&mut self) {
        let written = self.length - self.buffer.len() as u64;
        if self.room_end > written && !self.failed {
            // Where it fails, zeros stay: those are no records.
            let _ = self.file.set_len(written);
        }
    }
}

impl LogWriter for LocalLogWriter {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Poisoned { place: show(&self.path) });
        }
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        if bytes.len() > BUFFER_BYTES {
            self.step("append to", |file, _| file.write_all(bytes))?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        self.step("append to", |file, buffer| file.write_all(buffer))?;
        self.buffer.clear();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.flush()?;
        self.make_room()?;
        self.step("sync", |file, _| file.sync_data())?;
        self.synced = self.length;
        Ok(())
    }

    fn len(&self) -> u64 {
        self.length
    }
}

/// A log file open for reading.
#[derive(Debug)]
pub(super) struct LocalLogReader {
    path: PathBuf,
    file: File,
    length: u64,
}

impl LocalLogReader {
    pub(super) fn open(path: &Path) -> Result<LocalLogReader, StorageError> {
        let failed = |error| StorageError::from_io("open", show(path), error);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Ok(LocalLogReader { path: path.to_owned(), file, length })
    }
}

impl Read for LocalLogReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            io::Error::new(error.kind(), format!("cannot read {}: {error}", show(&self.path)))
        })
    }
}

impl LogReader for LocalLogReader {
    fn len(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{LocalStorage, LogStorage as _};

    fn bytes_of(storage: &LocalStorage) -> Vec<u8> {
        let mut bytes = Vec::new();
        storage.read_log("logs/1").unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn small_syncs_write_into_room_which_is_gone_when_the_log_is_done() {
        let directory = tempfile::tempdir().unwrap();
        let storage = LocalStorage::open(directory.path()).unwrap();
        let mut log = storage.create_log("logs/1").unwrap();
        let mut expected = Vec::new();
        let mut lengths = std::collections::BTreeSet::new();
        for number in 0..2000_u32 {
            let record = [number as u8 | 1; 100];
            log.append(&record).unwrap();
            expected.extend_from_slice(&record);
            log.sync().unwrap();
            assert_eq!(log.len(), expected.len() as u64);
            if number % 100 == 0 {
                let bytes = bytes_of(&storage);
                assert!(bytes.starts_with(&expected));
                assert!(bytes[expected.len()..].iter().all(|byte| *byte == 0));
                lengths.insert(bytes.len());
            }
        }
        assert!((3..=5).contains(&lengths.len()), "the file grew often: {lengths:?}");
        drop(log);
        assert_eq!(bytes_of(&storage), expected);
    }

    #[test]
    fn a_log_that_is_seldom_synced_gets_no_room() {
        let directory = tempfile::tempdir().unwrap();
        let storage = LocalStorage::open(directory.path()).unwrap();
        let mut log = storage.create_log("logs/1").unwrap();
        for _ in 0..3 {
            log.append(&[7; 20_000]).unwrap();
            log.sync().unwrap();
        }
        assert_eq!(bytes_of(&storage), [7; 60_000]);
    }
}
