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
use std::sync::Arc;

use stroma_lsm::Encryption;
use stroma_strata::magic_of;
use stroma_strata::storage::{
    EncryptedStorage, LocalStorage, LogStorage, PACKED_MAGIC, PackedStorage, ReadOnlyStorage, Storage,
    StorageError, StorageLock, open_file,
};

use crate::error::{Error, Result};
use crate::marker;

pub(crate) const FORMAT_FILE: &str = "FORMAT";

/// A folder that holds a database, locked unless it is only read; or a file that holds one.
#[derive(Debug)]
pub(crate) struct Layout {
    directory: PathBuf,
    root: Arc<dyn Storage>,
    /// If it is a file.
    file: Option<PackedStorage>,
    /// None of a database that is only read.
    lock: Option<Box<dyn StorageLock>>,
    /// The keys, if the database is encrypted.
    encryption: Option<Encryption>,
}

impl Layout {
    /// Locks the folder and checks its format; `create` says whether a database may be made in it.
    pub(crate) fn open(directory: &Path, create: bool, encryption: Option<Encryption>) -> Result<Layout> {
        check_content(directory, create)?;
        let root = LocalStorage::open(directory)?;
        let lock = root.lock()?;
        check_or_write_format(&root)?;
        let directory = directory.to_path_buf();
        Ok(Layout { directory, root: Arc::new(root), file: None, lock: Some(lock), encryption })
    }

    /// Checks the format of a folder whose database is to be read, whoever may have it open, or of a file that holds
    /// one.
    pub(crate) fn open_read_only(directory: &Path, encryption: Option<Encryption>) -> Result<Layout> {
        if let Some(file) = open_packed(directory)? {
            match verify_format(&file) {
                Err(Error::Storage(StorageError::NotFound { .. })) => {
                    let folder = directory.display().to_string();
                    return Err(Error::NotADatabase { folder });
                }
                verified => verified?,
            }
            let (directory, root) = (directory.to_path_buf(), Arc::new(file.clone()));
            return Ok(Layout { directory, root, file: Some(file), lock: None, encryption });
        }
        check_content(directory, false)?;
        let root = ReadOnlyStorage::new(Arc::new(LocalStorage::open_existing(directory)?));
        verify_format(&root)?;
        let directory = directory.to_path_buf();
        Ok(Layout { directory, root: Arc::new(root), file: None, lock: None, encryption })
    }

    /// Whether nothing may be written.
    pub(crate) fn is_read_only(&self) -> bool {
        self.lock.is_none()
    }

    /// The blobs at the top of the folder.
    pub(crate) fn root(&self) -> &dyn Storage {
        &*self.root
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The storage of the documents.
    pub(crate) fn documents(&self) -> Result<Arc<dyn LogStorage>> {
        if let Some(file) = &self.file {
            return Ok(Arc::new(file.folder("documents")));
        }
        Ok(Arc::new(self.storage(&self.directory.join("documents"))?))
    }

    /// The storage of a sequence index.
    pub(crate) fn sequence_index(&self, name: &str) -> Result<Arc<EncryptedStorage>> {
        let storage: Arc<dyn Storage> = match &self.file {
            Some(file) => Arc::new(file.folder("sequences").folder(name)),
            None => Arc::new(self.storage(&self.sequences(name))?),
        };
        Ok(Arc::new(self.encrypted_index(storage, name)))
    }

    /// The keys, if the database is encrypted.
    pub(crate) fn encryption(&self) -> Option<&Encryption> {
        self.encryption.as_ref()
    }

    /// What a sequence index of this name writes to `storage`, and reads there, encrypted if the database is.
    pub(crate) fn encrypted_index(&self, storage: Arc<dyn Storage>, name: &str) -> EncryptedStorage {
        encrypted_index(storage, self.encryption.clone(), name)
    }

    fn storage(&self, folder: &Path) -> Result<LocalStorage> {
        let open = if self.is_read_only() { LocalStorage::open_existing } else { LocalStorage::open };
        Ok(open(folder)?)
    }

    pub(crate) fn sequences(&self, index: &str) -> PathBuf {
        self.directory.join("sequences").join(index)
    }
}

/// The storage of the sequence index of this name over one that may hold encrypted blobs.
pub(crate) fn encrypted_index(
    storage: Arc<dyn Storage>,
    encryption: Option<Encryption>,
    name: &str,
) -> EncryptedStorage {
    EncryptedStorage::new(storage, encryption, index_owner(name))
}

/// What the blobs of a sequence index belong to.
pub(crate) fn index_owner(name: &str) -> String {
    format!("sequences/{name}")
}

/// A file of blobs, if it begins as one; a folder, and any other file, is none.
fn open_packed(path: &Path) -> Result<Option<PackedStorage>> {
    if !path.is_file() {
        return Ok(None);
    }
    let file = open_file(path)?;
    if &magic_of(&*file)? != PACKED_MAGIC {
        return Ok(None);
    }
    Ok(Some(PackedStorage::open(file)?))
}

/// Refuses a place for a new database that holds something.
pub(crate) fn check_free(directory: &Path) -> Result<()> {
    let folder = directory.display().to_string();
    match content_of(directory) {
        Content::Nothing => Ok(()),
        Content::File => Err(Error::NotAFolder { folder }),
        Content::Other => Err(Error::NotADatabase { folder }),
        Content::Database | Content::Unmarked => Err(stroma_lsm::Error::NotEmpty { place: folder }.into()),
    }
}

/// Refuses a folder that does not hold a database, or, if one may be made in it, that holds something else.
fn check_content(directory: &Path, create: bool) -> Result<()> {
    let folder = directory.display().to_string();
    match content_of(directory) {
        Content::Database => Ok(()),
        Content::File => Err(Error::NotAFolder { folder }),
        Content::Other => Err(Error::NotADatabase { folder }),
        Content::Unmarked => {
            let file = directory.join(FORMAT_FILE).display().to_string();
            let expected = marker::DATABASE.line().trim_end().to_owned();
            Err(Error::MissingFormat { file, expected })
        }
        Content::Nothing if !create => Err(Error::NoDatabase { folder }),
        Content::Nothing => Ok(()),
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

fn check_or_write_format(root: &dyn Storage) -> Result<()> {
    match verify_format(root) {
        Err(Error::Storage(StorageError::NotFound { .. })) => {
            Ok(root.put_if_absent(FORMAT_FILE, marker::DATABASE.line().as_bytes())?)
        }
        verified => verified,
    }
}

fn verify_format(root: &dyn Storage) -> Result<()> {
    marker::DATABASE.verify(&*root.open(FORMAT_FILE)?, &root.describe(FORMAT_FILE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests make and damage files by hand")]

    use super::{Error, Layout};

    #[test]
    fn a_folder_is_made_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        assert!(matches!(Layout::open(&path, false, None), Err(Error::NoDatabase { .. })));
        assert!(!path.exists());
        drop(Layout::open(&path, true, None).unwrap());
        drop(Layout::open(&path, false, None).unwrap());
    }

    #[test]
    fn what_is_no_database_or_a_newer_one_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.tex"), "x").unwrap();
        assert!(matches!(Layout::open(folder.path(), true, None), Err(Error::NotADatabase { .. })));
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
            let error = Layout::open(folder.path(), true, None).unwrap_err();
            assert_eq!(matches!(error, Error::NewerFormat { found: 99, .. }), is_newer, "{error}");
            assert_eq!(std::fs::read_to_string(folder.path().join("FORMAT")).unwrap(), text);
        }
    }

    #[test]
    fn a_file_and_a_database_without_its_marker_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.txt");
        std::fs::write(&file, "x").unwrap();
        assert!(matches!(Layout::open(&file, true, None), Err(Error::NotAFolder { .. })));

        let path = folder.path().join("data");
        drop(Layout::open(&path, true, None).unwrap());
        std::fs::create_dir_all(path.join("documents/manifest")).unwrap();
        std::fs::remove_file(path.join("FORMAT")).unwrap();
        assert!(matches!(Layout::open(&path, true, None), Err(Error::MissingFormat { .. })));
        assert!(!path.join("FORMAT").exists());
    }

    #[test]
    fn only_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Layout::open(folder.path(), true, None).unwrap();
        assert!(Layout::open(folder.path(), true, None).unwrap_err().to_string().contains("locked"));
        drop(first);
        Layout::open(folder.path(), true, None).unwrap();
    }
}
