//! A file under a temporary name: locked, removed when dropped, renamed when it is whole.

#![allow(
    clippy::disallowed_methods,
    reason = "this crate stands below the storage seam and owns these files"
)]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::mapped::MappedError;
use crate::mapped::error::show;
use crate::mapped::lock::open_exclusive;

/// A file that is being built beside `target`; nobody sees it under that name before [`publish`](Self::publish).
#[derive(Debug)]
pub(in crate::mapped) struct BuildFile {
    file: File,
    /// Its present name, as long as it has to be removed.
    temporary: Option<PathBuf>,
    /// How many more bytes the disk takes, for tests of a full one.
    #[cfg(test)]
    room: u64,
}

#[cfg(test)]
thread_local! {
    /// What files built by this thread from now on find room for.
    pub(in crate::mapped) static ROOM: std::cell::Cell<u64> = const { std::cell::Cell::new(u64::MAX) };
}

impl BuildFile {
    /// Makes the file `.NAME.building` (`number` 0) or `.NAME.building-N` in the folder of `target`.
    ///
    /// One that an interrupted build left is taken over; it is emptied only under the lock, so that two builds
    /// of one target cannot meet in it.
    pub(in crate::mapped) fn create(target: &Path, number: usize) -> Result<Self, MappedError> {
        let Some(name) = target.file_name() else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path does not end in a file name");
            return Err(MappedError::io("build", target, source));
        };
        let mut own_name = std::ffi::OsString::from(".");
        own_name.push(name);
        own_name.push(if number == 0 { ".building".to_owned() } else { format!(".building-{number}") });
        let path = target.with_file_name(own_name);
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            let source = io::Error::new(io::ErrorKind::AlreadyExists, "it is no ordinary file; remove it");
            return Err(MappedError::io("write", &path, source));
        }
        let file = open_exclusive(&path, true)?;
        // Between opening and locking, whoever held the lock may have renamed the file to its target: then it is
        // published and not ours to empty.
        if !is_named(&file, &path) {
            let holder = "another build of the same file has just ended; try again";
            return Err(MappedError::Locked { place: show(&path), holder });
        }
        file.set_len(0).map_err(|source| MappedError::io("empty", &path, source))?;
        Ok(Self {
            file,
            temporary: Some(path),
            #[cfg(test)]
            room: ROOM.get(),
        })
    }

    pub(in crate::mapped) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Syncs the file and gives it the name `target`, in place of whatever had that name.
    pub(super) fn publish(mut self, target: &Path) -> Result<(), MappedError> {
        self.file.sync_all().map_err(|source| MappedError::io("sync", target, source))?;
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, target).map_err(|source| MappedError::io("publish", target, source))?;
        }
        self.temporary = None;
        sync_folder(target).map_err(|source| MappedError::io("sync the folder of", target, source))
    }
}

impl io::Write for BuildFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(test)]
        let bytes = match &mut self.room {
            0 => return Err(io::ErrorKind::StorageFull.into()),
            room => {
                let fitting = usize::try_from(*room).map_or(bytes.len(), |room| room.min(bytes.len()));
                *room -= fitting as u64;
                &bytes[..fitting]
            }
        };
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for BuildFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // What cannot be removed now is taken over by the next build of the same target.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Whether `path` still leads to `file`.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(named)) => (ours.dev(), ours.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Elsewhere a file has no number that std tells: the name must at least not be free.
#[cfg(not(unix))]
fn is_named(_file: &File, path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Makes the new name survive a loss of power.
#[cfg(unix)]
fn sync_folder(target: &Path) -> io::Result<()> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere a folder cannot be opened to be synced; the file system journals names itself.
#[cfg(not(unix))]
fn sync_folder(_target: &Path) -> io::Result<()> {
    Ok(())
}
