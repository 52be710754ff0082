//! The folder of a database: which file says its format, and where each part lives.
//!
//! ```text
//! DIR/LOCK                 held while a process has the database open
//! DIR/FORMAT               `stromatolite 1`
//! DIR/documents/           the storage engine of the documents
//! DIR/indexes/NAME         one small blob for each sequence index
//! DIR/sequences/NAME/      the layers of that index
//! ```

use std::path::{Path, PathBuf};

use stroma_strata::storage::{LocalStorage, Storage, StorageError, StorageLock};

use crate::error::{Error, Result};

/// The newest format of the folder that this release reads, and the one it writes.
pub(crate) const FORMAT: u32 = 1;
const FORMAT_FILE: &str = "FORMAT";

/// A locked folder that holds a database.
#[derive(Debug)]
pub(crate) struct Layout {
    directory: PathBuf,
    root: LocalStorage,
    _lock: Box<dyn StorageLock>,
}

impl Layout {
    /// Locks the folder and checks its format; `create` says whether a database may be made in it.
    pub(crate) fn open(directory: &Path, create: bool) -> Result<Layout> {
        let folder = directory.display().to_string();
        match content_of(directory) {
            Content::Database => {}
            Content::Other => return Err(Error::NotADatabase { folder }),
            Content::Nothing if !create => return Err(Error::NoDatabase { folder }),
            Content::Nothing => {}
        }
        let root = LocalStorage::open(directory)?;
        let lock = root.lock()?;
        check_or_write_format(&root)?;
        Ok(Layout { directory: directory.to_path_buf(), root, _lock: lock })
    }

    /// The blobs at the top of the folder.
    pub(crate) fn root(&self) -> &LocalStorage {
        &self.root
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn documents(&self) -> PathBuf {
        self.directory.join("documents")
    }

    pub(crate) fn sequences(&self, index: &str) -> PathBuf {
        self.directory.join("sequences").join(index)
    }
}

enum Content {
    /// No folder, an empty one, or one in which making a database was begun.
    Nothing,
    Database,
    Other,
}

/// What the folder holds, told without touching it.
#[expect(
    clippy::disallowed_methods,
    reason = "looks before the storage is opened, which would make the folder"
)]
fn content_of(directory: &Path) -> Content {
    if directory.join(FORMAT_FILE).exists() {
        return Content::Database;
    }
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Content::Nothing;
    };
    let is_ours = |name: std::ffi::OsString| name == "LOCK" || name.to_string_lossy().starts_with('.');
    if entries.flatten().all(|entry| is_ours(entry.file_name())) { Content::Nothing } else { Content::Other }
}

fn check_or_write_format(root: &LocalStorage) -> Result<()> {
    let file = root.describe(FORMAT_FILE);
    let bytes = match root.open(FORMAT_FILE) {
        Ok(blob) if blob.len() < 1024 => blob.read_all()?,
        Ok(_) => return Err(Error::DamagedFormat { file }),
        Err(StorageError::NotFound { .. }) => {
            return Ok(root.put_if_absent(FORMAT_FILE, format!("stromatolite {FORMAT}\n").as_bytes())?);
        }
        Err(error) => return Err(error.into()),
    };
    let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_prefix("stromatolite "));
    match number.and_then(|number| number.trim_end().parse::<u32>().ok()) {
        Some(FORMAT) => Ok(()),
        Some(found) if found > FORMAT => Err(Error::NewerFormat { file, found, supported: FORMAT }),
        _ => Err(Error::DamagedFormat { file }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests make and damage files by hand")]

    use super::{Error, Layout};

    #[test]
    fn a_folder_is_made_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        assert!(matches!(Layout::open(&path, false), Err(Error::NoDatabase { .. })));
        assert!(!path.exists());
        drop(Layout::open(&path, true).unwrap());
        drop(Layout::open(&path, false).unwrap());
    }

    #[test]
    fn what_is_no_database_or_a_newer_one_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.tex"), "x").unwrap();
        assert!(matches!(Layout::open(folder.path(), true), Err(Error::NotADatabase { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

        for (text, is_newer) in [("stromatolite 99\n", true), ("stromatolite\n", false), ("", false)] {
            std::fs::write(folder.path().join("FORMAT"), text).unwrap();
            let error = Layout::open(folder.path(), true).unwrap_err();
            assert_eq!(matches!(error, Error::NewerFormat { found: 99, .. }), is_newer, "{error}");
            assert_eq!(std::fs::read_to_string(folder.path().join("FORMAT")).unwrap(), text);
        }
    }

    #[test]
    fn only_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Layout::open(folder.path(), true).unwrap();
        assert!(Layout::open(folder.path(), true).unwrap_err().to_string().contains("locked"));
        drop(first);
        Layout::open(folder.path(), true).unwrap();
    }
}
