//! Giving a finished file its name so that it is there wholly or not at all, and stays after a loss of power.

#![allow(clippy::disallowed_methods, reason = "this is the backend that owns the files")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::storage::show;
use crate::storage::StorageError;

/// Makes a directory and its parents, each synced into the one above it. The empty path is the present one.
pub(super) fn make_directory(path: &Path) -> Result<(), StorageError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_directory(parent)?;
    }
    let above = OpenDirectory::of(path)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(StorageError::from_io("create the directory", show(path), error)),
        Ok(()) => above.sync(),
    }
}

/// Gives the synced file `temporary` the name `target`, which must be free, and syncs the directory.
pub(super) fn publish(temporary: &Path, target: &Path) -> Result<(), StorageError> {
    if let Some(folder) = target.parent() {
        make_directory(folder).map_err(StorageError::before_publishing)?;
    }
    let directory = OpenDirectory::of(target).map_err(StorageError::before_publishing)?;
    match fs::hard_link(temporary, target) {
        Ok(()) => {
            // The second name is harmless: it is removed with the other leftovers at the next start.
            let _ = fs::remove_file(temporary);
        }
        Err(error) if has_no_hard_links(&error) => rename_if_free(temporary, target)?,
        Err(error) => return Err(StorageError::from_io("publish", show(target), error)),
    }
    directory.sync()
}

/// Gives the synced file `temporary` the name `target`, whatever has it, and syncs the directory.
pub(super) fn replace(temporary: &Path, target: &Path) -> Result<(), StorageError> {
    let directory = OpenDirectory::of(target).map_err(StorageError::before_publishing)?;
    fs::rename(temporary, target).map_err(|error| StorageError::from_io("publish", show(target), error))?;
    directory.sync()
}

/// Gives the published file `source` the name `target`, too, which must be free, and syncs the directory. Answers
/// whether that is possible: not across file systems, for one.
pub(super) fn share(source: &Path, target: &Path) -> Result<bool, StorageError> {
    if let Some(folder) = target.parent() {
        make_directory(folder)?;
    }
    let directory = OpenDirectory::of(target)?;
    match fs::hard_link(source, target) {
        Ok(()) => directory.sync().map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(StorageError::from_io("publish", show(target), error))
        }
        // Whatever else is wrong will be wrong for a copy as well, or it is not.
        Err(_) => Ok(false),
    }
}

/// Some file systems (FAT, a few network ones) know no second name for a file.
fn has_no_hard_links(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied)
}

/// Not atomic by itself: between the look and the rename only the directory's lock keeps others out.
fn rename_if_free(temporary: &Path, target: &Path) -> Result<(), StorageError> {
    if target.exists() {
        return Err(StorageError::AlreadyExists { place: show(target) });
    }
    fs::rename(temporary, target).map_err(|error| StorageError::from_io("publish", show(target), error))
}

/// A directory, opened before something in it gets a name: then there may be no file left to open, and nobody would
/// know what of the name survives a loss of power.
#[derive(Debug)]
pub(super) struct OpenDirectory {
    path: PathBuf,
    /// None where directories cannot be opened to be synced; the file system journals names itself there.
    file: Option<fs::File>,
}

impl OpenDirectory {
    /// The one that `path` is in.
    pub(super) fn of(path: &Path) -> Result<OpenDirectory, StorageError> {
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => OpenDirectory::open(parent),
            _ => OpenDirectory::open(Path::new(".")),
        }
    }

    fn open(path: &Path) -> Result<OpenDirectory, StorageError> {
        let opened = cfg!(unix).then(|| fs::File::open(path)).transpose();
        let file = opened.map_err(|error| StorageError::from_io("open the directory", show(path), error))?;
        Ok(OpenDirectory { path: path.to_owned(), file })
    }

    /// Makes all names in it survive a loss of power.
    pub(super) fn sync(&self) -> Result<(), StorageError> {
        let synced = self.file.as_ref().map_or(Ok(()), fs::File::sync_all);
        synced.map_err(|error| StorageError::Io {
            place: show(&self.path),
            action: "sync the directory",
            source: std::sync::Arc::new(error),
        })
    }
}

/// Makes all names in a directory survive a loss of power.
pub(super) fn sync_directory(path: &Path) -> Result<(), StorageError> {
    OpenDirectory::open(path)?.sync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_without_hard_links_replaces_nothing_either() {
        let directory = tempfile::tempdir().unwrap();
        let (temporary, target) = (directory.path().join("t"), directory.path().join("n"));
        fs::write(&temporary, b"new").unwrap();
        fs::write(&target, b"old").unwrap();
        assert!(matches!(rename_if_free(&temporary, &target), Err(StorageError::AlreadyExists { .. })));
        assert_eq!(fs::read(&target).unwrap(), b"old");
        fs::remove_file(&target).unwrap();
        rename_if_free(&temporary, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }
}
