//! An append log as a file.
//!
//! A sync that finds its file grown has to wait for the file system's journal too, since the new length is there. So
//! the first of many small syncs writes zeros behind what it syncs: room, into which the next ones write without
//! changing anything but bytes.
//!
//! A log that is flushed often and synced seldom, on the other hand, pays most for calling the operating system. After
//! some bytes without a sync its end is therefore a mapped *window* ([`LogWindow`]), into which records are copied;
//! from then on they outlive this process. Records of some pages are written all the same: to touch each page of a
//! mapping for the first time takes longer than a call that writes them all.
//!
//! Whoever reads the log of a process that died finds zeros at its end, by the one way or the other.

#![allow(clippy::disallowed_methods, reason = "this is the backend that owns the files")]

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::publish::{self, OpenDirectory};
use super::storage::{Root, show};
use super::window::LogWindow;
use crate::storage::{LogReader, LogWriter, StorageError};

/// How many bytes are gathered before they are handed to the operating system unasked.
const BUFFER_BYTES: usize = 256 << 10;
/// How much room is made at once.
const ROOM_BYTES: u64 = 64 << 10;
/// Room is made when no more than this was appended since the last sync: for larger appends it would not last.
const SMALL_SYNC_BYTES: u64 = ROOM_BYTES / 8;
/// A window is opened when so much was appended and flushed since the last sync.
const WINDOW_AFTER_BYTES: u64 = 64 << 10;
/// Records at least this long are written past a window.
const WRITTEN_BYTES: usize = 8 << 10;
/// Room is written in pieces of a page: what is written at once may be cached as one large page, and then every sync of
/// a few bytes looks at all of it.
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
    /// What takes the bytes that are appended, if there is one; then `buffer` is empty.
    window: Option<LogWindow>,
    /// Whether there may be one.
    has_windows: bool,
    /// Whether what was appended last is too long for a window to be of use.
    is_long: bool,
    /// How far windows have lengthened the file.
    allocated_end: u64,
    failed: bool,
}

impl LocalLogWriter {
    pub(super) fn create(root: &Root, name: &str) -> Result<LocalLogWriter, StorageError> {
        let path = root.path(name);
        if let Some(folder) = path.parent() {
            publish::make_directory(folder)?;
        }
        let directory = OpenDirectory::of(&path)?;
        let file = File::create_new(&path)
            .map_err(|error| StorageError::from_io("create the log", show(&path), error))?;
        directory.sync()?;
        Ok(LocalLogWriter {
            path,
            file,
            buffer: Vec::new(),
            length: 0,
            synced: 0,
            room_end: 0,
            window: None,
            has_windows: root.options.map,
            is_long: false,
            allocated_end: 0,
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

    /// Copies bytes to windows; answers those that are left because there is none.
    fn append_to_window<'a>(&mut self, mut bytes: &'a [u8]) -> Result<&'a [u8], StorageError> {
        while let Some(window) = &mut self.window {
            let taken = window.write(self.length, bytes);
            self.length += taken as u64;
            bytes = &bytes[taken..];
            if bytes.is_empty() {
                break;
            }
            self.open_window();
            if self.window.is_none() {
                self.go_to_end()?;
            }
        }
        Ok(bytes)
    }

    /// Has what is appended from now on copied to a window. Where that cannot be, it is written as before.
    fn open_window(&mut self) {
        debug_assert!(self.buffer.is_empty(), "a window takes what comes behind all that was written");
        self.window = LogWindow::open(&self.file, self.length).ok();
        match &self.window {
            Some(window) => self.allocated_end = window.end(),
            None => {
                self.has_windows = false;
                // What failed may have lengthened the file.
                let length = self.file.metadata().map(|metadata| metadata.len());
                self.allocated_end = self.allocated_end.max(length.unwrap_or_default());
            }
        }
    }

    /// Has what is appended from now on written, behind what was appended.
    fn close_window(&mut self) -> Result<(), StorageError> {
        match self.window.take() {
            Some(_) => self.go_to_end(),
            None => Ok(()),
        }
    }

    /// Writes bytes behind what was appended, all of which was flushed. A window that reaches further stays.
    fn write_past_window(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        if self.window.is_some() {
            self.go_to_end()?;
        }
        self.step("append to", |file, _| file.write_all(bytes))?;
        self.length += bytes.len() as u64;
        if self.window.as_ref().is_some_and(|window| window.end() <= self.length) {
            // The file stands at its end.
            self.window = None;
        }
        Ok(())
    }

    fn go_to_end(&mut self) -> Result<(), StorageError> {
        let end = SeekFrom::Start(self.length);
        self.step("go on in", |file, _| file.seek(end).map(drop))
    }

    /// Writes zeros behind everything appended, which was flushed, if there is no room left and the next syncs are
    /// likely to be as small as this one.
    fn make_room(&mut self) -> Result<(), StorageError> {
        if self.length - self.synced > SMALL_SYNC_BYTES {
            return Ok(());
        }
        self.close_window()?;
        if self.length <= self.room_end {
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
        self.go_to_end()
    }
}

impl Drop for LocalLogWriter {
    fn drop(&mut self) {
        self.window = None;
        let written = self.length - self.buffer.len() as u64;
        if self.room_end.max(self.allocated_end) > written && !self.failed {
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
        self.is_long = bytes.len() >= WRITTEN_BYTES;
        if self.is_long && self.window.is_some() {
            return self.write_past_window(bytes);
        }
        let mut bytes = self.append_to_window(bytes)?;
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
            // It may have opened a window, and where there is one nothing waits in the buffer.
            bytes = self.append_to_window(bytes)?;
        }
        if bytes.len() > BUFFER_BYTES {
            return self.write_past_window(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        self.step("append to", |file, buffer| file.write_all(buffer))?;
        self.buffer.clear();
        let wants_window = self.has_windows && !self.is_long && self.window.is_none();
        if wants_window && self.length - self.synced > WINDOW_AFTER_BYTES {
            self.open_window();
        }
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
    use crate::storage::{LocalOptions, LocalStorage, LogStorage as _};

    fn new_log(options: LocalOptions) -> (tempfile::TempDir, LocalStorage, Box<dyn LogWriter>) {
        let directory = tempfile::tempdir().unwrap();
        let storage = LocalStorage::open_with(directory.path(), options).unwrap();
        let log = storage.create_log("logs/1").unwrap();
        (directory, storage, log)
    }

    /// The log is in the file, and behind it there are zeros at most. Answers the file's length.
    fn expect_in_file(storage: &LocalStorage, expected: &[u8]) -> usize {
        let bytes = bytes_of(storage);
        assert!(bytes.starts_with(expected));
        assert!(bytes[expected.len()..].iter().all(|byte| *byte == 0));
        bytes.len()
    }

    fn bytes_of(storage: &LocalStorage) -> Vec<u8> {
        let mut bytes = Vec::new();
        storage.read_log("logs/1").unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn small_syncs_write_into_room_which_is_gone_when_the_log_is_done() {
        let (_directory, storage, mut log) = new_log(LocalOptions::default());
        let mut expected = Vec::new();
        let mut lengths = std::collections::BTreeSet::new();
        for number in 0..2000_u32 {
            let record = [number as u8 | 1; 100];
            log.append(&record).unwrap();
            expected.extend_from_slice(&record);
            log.sync().unwrap();
            assert_eq!(log.len(), expected.len() as u64);
            if number % 100 == 0 {
                lengths.insert(expect_in_file(&storage, &expected));
            }
        }
        assert!((3..=5).contains(&lengths.len()), "the file grew often: {lengths:?}");
        drop(log);
        assert_eq!(bytes_of(&storage), expected);
    }

    #[test]
    fn a_log_flushed_and_seldom_synced_is_in_the_file_at_once_by_windows() {
        let (_directory, storage, mut log) = new_log(LocalOptions::default());
        let mut expected = Vec::new();
        for number in 0..40_000_u32 {
            let record: Vec<u8> = (0..number % 150).map(|at| (number + at) as u8 | 1).collect();
            log.append(&record).unwrap();
            expected.extend_from_slice(&record);
            log.flush().unwrap();
            // Syncs of much and of little, which end a window.
            if number % 9_000 == 8_999 || (20_000..20_010).contains(&number) {
                log.sync().unwrap();
            }
            if number % 1_000 == 0 {
                expect_in_file(&storage, &expected);
            }
        }
        assert_eq!(log.len(), expected.len() as u64);
        drop(log);
        assert_eq!(bytes_of(&storage), expected);
    }

    #[test]
    fn a_log_that_nobody_flushes_has_no_hole_where_its_windows_begin() {
        let (_directory, storage, mut log) = new_log(LocalOptions::default());
        let mut expected = Vec::new();
        for number in 0..3000_u32 {
            let record: Vec<u8> = (0..1000).map(|at| (number + at) as u8 | 1).collect();
            log.append(&record).unwrap();
            expected.extend_from_slice(&record);
        }
        assert_eq!(log.len(), expected.len() as u64);
        if cfg!(target_os = "linux") {
            assert!(bytes_of(&storage).len() > expected.len() + 1000, "there is a window");
        }
        drop(log);
        let bytes = bytes_of(&storage);
        assert!(expected.starts_with(&bytes), "a hole");
        assert!(bytes.len() + BUFFER_BYTES >= expected.len());
    }

    #[test]
    fn long_records_are_written_past_a_window_and_short_ones_go_on_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let storage = LocalStorage::open(directory.path()).unwrap();
        let mut log = LocalLogWriter::create(&storage.root, "logs/1").unwrap();
        let mut filled = 0;
        let mut expected = Vec::new();
        for number in 0..200_usize {
            // Some end within a window, some at its end, some a window or more beyond.
            let length = match number % 5 {
                0 => number * 3701 % 400_000,
                1 => WRITTEN_BYTES + number,
                3 if let Some(window) = &log.window => {
                    filled += 1;
                    (window.end() - log.length) as usize
                }
                4 if number % 50 == 49 => 3 << 19,
                _ => number % 3000,
            };
            let record: Vec<u8> = (0..length).map(|at| (number + at) as u8 | 1).collect();
            log.append(&record).unwrap();
            expected.extend_from_slice(&record);
            if number % 7 < 5 {
                log.flush().unwrap();
            }
            if number % 60 == 59 {
                log.sync().unwrap();
            }
            if number % 7 == 0 || number % 60 == 59 {
                expect_in_file(&storage, &expected);
            }
        }
        assert!(filled > 20, "windows were to be filled to the end");
        assert_eq!(log.len(), expected.len() as u64);
        log.flush().unwrap();
        drop(log);
        assert_eq!(bytes_of(&storage), expected);
    }

    #[test]
    fn a_log_of_long_records_gets_no_window() {
        let (_directory, storage, mut log) = new_log(LocalOptions::default());
        for _ in 0..100 {
            log.append(&[7; WRITTEN_BYTES]).unwrap();
            log.flush().unwrap();
        }
        assert_eq!(bytes_of(&storage), [7; 100 * WRITTEN_BYTES], "no zeros behind it");
    }

    #[test]
    fn without_mapping_a_log_has_no_windows() {
        let (_directory, storage, mut log) = new_log(LocalOptions { map: false });
        for _ in 0..100 {
            log.append(&[7; 2_000]).unwrap();
            log.flush().unwrap();
        }
        assert_eq!(bytes_of(&storage), [7; 200_000], "no zeros behind it");
    }

    #[test]
    fn a_log_that_is_seldom_synced_gets_no_room() {
        let (_directory, storage, mut log) = new_log(LocalOptions::default());
        for _ in 0..3 {
            log.append(&[7; 20_000]).unwrap();
            log.sync().unwrap();
        }
        assert_eq!(bytes_of(&storage), [7; 60_000]);
    }
}
