//! Single files anywhere in the file system as blobs: what is shipped, and what is looked at by itself.

#![allow(clippy::disallowed_methods, reason = "this is the backend that owns the files")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blob::{LocalBlob, LocalBlobWriter};
use super::storage::show;
use crate::storage::{Blob, BlobWriter, StorageError};

/// What happens to a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IfExists {
    /// It stays, and the new one is refused.
    #[default]
    Refuse,
    /// It goes, in the moment in which the new one is whole and on the device.
    Replace,
}

/// Opens a file, mapped.
///
/// # Errors
/// [`StorageError::NotFound`] if there is none; failure of the system.
pub fn open_file(path: impl AsRef<Path>) -> Result<Arc<dyn Blob>, StorageError> {
    let path = path.as_ref();
    Ok(Arc::new(LocalBlob::open(path.to_owned(), &show(path), true, &Arc::default())?))
}

/// Starts a file. It is written under a name of its own, which begins with a dot, in the same folder, and gets its
/// name when it is sealed. What a process that ends before leaves there, it leaves.
///
/// # Errors
/// [`StorageError::AlreadyExists`]; failure of the system.
pub fn create_file(path: impl AsRef<Path>, if_exists: IfExists) -> Result<Box<dyn BlobWriter>, StorageError> {
    let target = path.as_ref();
    // As opposed to `exists`, this sees a link that leads nowhere.
    if if_exists == IfExists::Refuse && fs::symlink_metadata(target).is_ok() {
        return Err(StorageError::AlreadyExists { place: show(target) });
    }
    match LocalBlobWriter::beside(target.to_owned(), temporary_path(target), if_exists) {
        Ok(writer) => Ok(Box::new(writer)),
        // What is not there is the folder.
        Err(StorageError::NotFound { place }) => {
            Err(StorageError::NotFound { place: target.parent().map_or(place, show) })
        }
        Err(error) => Err(error),
    }
}

/// A name beside `target` that no other process uses.
fn temporary_path(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.partial", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_wholly_or_not_at_all_and_is_replaced_only_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let write = |bytes: &[u8], if_exists| {
            let mut writer = create_file(&path, if_exists)?;
            writer.write_all(bytes)?;
            writer.seal()
        };
        drop(create_file(&path, IfExists::Refuse).unwrap());
        assert_eq!(names(), 0);
        write(b"one", IfExists::Refuse).unwrap();
        let open = open_file(&path).unwrap();
        assert!(matches!(write(b"two", IfExists::Refuse), Err(StorageError::AlreadyExists { .. })));
        let mut late = create_file(&path, IfExists::Replace).unwrap();
        late.write_all(b"three").unwrap();
        assert_eq!(open_file(&path).unwrap().read_all().unwrap(), b"one");
        late.seal().unwrap();
        assert_eq!(open_file(&path).unwrap().read_all().unwrap(), b"three");
        assert_eq!(open.mapped(), Some(&b"one"[..]));
        assert_eq!(names(), 1);
        assert!(matches!(open_file(folder.path().join("none")), Err(StorageError::NotFound { .. })));
        let missing = folder.path().join("no folder");
        let told = create_file(missing.join("it"), IfExists::Refuse).unwrap_err();
        assert!(matches!(told, StorageError::NotFound { place } if place == show(&missing)));
    }
}
