//! Opening files under a lock of the operating system; nothing is changed before the lock is held.

#![allow(
    clippy::disallowed_methods,
    reason = "this crate stands below the storage seam and owns these files"
)]

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::MappedError;
use super::error::show;

/// Opens a file to be read, and shares it with other readers until the file is closed.
pub(super) fn open_shared(path: &Path) -> Result<File, MappedError> {
    let file = File::open(path).map_err(|source| MappedError::io("open", path, source))?;
    let holder = "somebody is writing it";
    held(file.try_lock_shared(), path, holder)?;
    Ok(file)
}

/// Opens a file to be read and written, made if `create` and missing, and keeps everybody else out until
/// it is closed. What the file holds is left as it is.
pub(super) fn open_exclusive(path: &Path, create: bool) -> Result<File, MappedError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .open(path)
        .map_err(|source| MappedError::io("open", path, source))?;
    let holder = "somebody has it mapped or is writing it";
    held(file.try_lock(), path, holder)?;
    Ok(file)
}

fn held(outcome: Result<(), TryLockError>, path: &Path, holder: &'static str) -> Result<(), MappedError> {
    match outcome {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(MappedError::Locked { place: show(path), holder }),
        Err(TryLockError::Error(source)) => Err(MappedError::io("lock", path, source)),
    }
}
