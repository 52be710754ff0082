//! An append log as a file.

#![allow(clippy::disallowed_methods, reason = "this is the backend that owns the files")]

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use super::publish;
use super::storage::{Root, show};
use crate::storage::{LogReader, LogWriter, StorageError};

/// How many bytes are gathered before they are handed to the operating system unasked.
const BUFFER_BYTES: usize = 256 << 10;

/// The writer of a log file.
#[derive(Debug)]
pub(super) struct LocalLogWriter {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    length: u64,
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
        Ok(LocalLogWriter { path, file, buffer: Vec::new(), length: 0, failed: false })
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
        self.step("sync", |file, _| file.sync_data())
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
