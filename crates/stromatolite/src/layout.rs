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
use crate::marker;

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
            Content::File => return Err(Error::NotAFolder { folder }),
            Content::Other => return Err(Error::NotADatabase { folder }),
            Content::Unmarked => {
                let file = directory.join(FORMAT_FILE).display().to_string();
                return Err(Error::MissingFormat {
                    file,
                    expected: marker::DATABASE.line().trim_end().to_owned(),
                });
            }
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
    /// The parts of a database without the file that says so.
    Unmarked,
    Other,
    /// No folder at all.
    File,
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
    if directory.is_file() {
        return Content::File;
    }
    if directory.join("documents").join("manifest").is_dir() {
        return Content::Unmarked;
    }
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Content::Nothing;
    };
    let is_ours = |name: std::ffi::OsString| name == "LOCK" || name.to_string_lossy().starts_with('.');
    if entries.flatten().all(|entry| is_ours(entry.file_name())) { Content::Nothing } else { Content::Other }
}

fn check_or_write_format(root: &LocalStorage) -> Result<()> {
    match root.open(FORMAT_FILE) {
        Ok(blob) => marker::DATABASE.verify(&*blob, &root.describe(FORMAT_FILE)),
        Err(StorageError::NotFound { .. }) => {
            Ok(root.put_if_absent(FORMAT_FILE, marker::DATABASE.line().as_bytes())?)
        }
        Err(error) => Err(error.into()),
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

        let cases = [
            ("stromatolite 99\n", true),
            ("stromatolite 1", false),
            ("stromatolite +1\n", false),
            ("stromatolite 1\n\n", false),
            ("stromatolite\n", false),
            ("", false),
        ];
        for (text, is_newer) in cases {
            std::fs::write(folder.path().join("FORMAT"), text).unwrap();
            let error = Layout::open(folder.path(), true).unwrap_err();
            assert_eq!(matches!(error, Error::NewerFormat { found: 99, .. }), is_newer, "{error}");
            assert_eq!(std::fs::read_to_string(folder.path().join("FORMAT")).unwrap(), text);
        }
    }

    #[test]
    fn a_file_and_a_database_without_its_marker_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.txt");
        std::fs::write(&file, "x").unwrap();
        assert!(matches!(Layout::open(&file, true), Err(Error::NotAFolder { .. })));

        let path = folder.path().join("data");
        drop(Layout::open(&path, true).unwrap());
        std::fs::create_dir_all(path.join("documents/manifest")).unwrap();
        std::fs::remove_file(path.join("FORMAT")).unwrap();
        assert!(matches!(Layout::open(&path, true), Err(Error::MissingFormat { .. })));
        assert!(!path.join("FORMAT").exists());
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
