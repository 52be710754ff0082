//! The lock on a directory, and the tidying that is only safe under it.

#![allow(clippy::disallowed_methods, reason = "this is the backend that owns the files")]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use super::storage::{LOCK_FILE, TEMPORARY_FOLDER, show};
use crate::storage::{StorageError, StorageLock};

/// Holds the lock of the operating system on `LOCK`; it ends with the process, however that ends.
#[derive(Debug)]
pub(super) struct LocalLock {
    _file: File,
}

impl StorageLock for LocalLock {}

impl LocalLock {
    /// Takes the lock, writes our process id into the file for others' error messages, and removes what a
    /// crash left in the temporary folder. Nothing is changed before the lock is ours.
    pub(super) fn take(directory: &Path) -> Result<LocalLock, StorageError> {
        let path = directory.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| StorageError::from_io("open the lock", show(&path), error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StorageError::Locked { place: show(directory), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => {
                return Err(StorageError::from_io("lock", show(&path), error));
            }
        }
        note_holder(&mut file)
            .map_err(|error| StorageError::from_io("write our process id to", show(&path), error))?;
        remove_leftovers(directory)?;
        Ok(LocalLock { _file: file })
    }
}

/// The process id in the file, if it is one. The holder writes it just after locking, so it may be missing.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn note_holder(file: &mut File) -> std::io::Result<()> {
    let text = format!("{}\n", std::process::id());
    let unchanged = {
        let mut held = String::new();
        file.rewind()?;
        file.take(32).read_to_string(&mut held).is_ok_and(|_| held == text)
    };
    if unchanged {
        return Ok(());
    }
    file.set_len(0)?;
    file.rewind()?;
    // A full disk must not keep anyone from opening a database: the id is only a help in messages.
    match file.write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
        outcome => outcome,
    }
}

fn remove_leftovers(directory: &Path) -> Result<(), StorageError> {
    let folder = directory.join(TEMPORARY_FOLDER);
    let failed = |error| StorageError::from_io("remove leftovers of a crash in", show(&folder), error);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
    }
    Ok(())
}
