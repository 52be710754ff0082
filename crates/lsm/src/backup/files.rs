//! Which files a copy of a database consists of.

use std::collections::BTreeSet;

use stroma_strata::SetImage;
use stroma_strata::storage::Storage;

use crate::Error;
use crate::compaction::TableNotes;
use crate::values::blob_name;

/// The folders in which a database keeps files.
const FOLDERS: [&str; 4] = ["manifest", "layers", "values", "log"];

/// The names of the tables and value files of an image.
///
/// # Errors
/// [`Error::Corrupt`] if the image is not one of a database.
pub(super) fn names(image: &SetImage) -> Result<BTreeSet<String>, Error> {
    let mut names = BTreeSet::new();
    for layer in image.layers() {
        names.insert(layer.blob_name());
        let notes = TableNotes::decode(&layer.metadata).ok_or_else(|| {
            Error::corrupt(&layer.blob_name(), 0, "the manifest's notes on it are malformed")
        })?;
        names.extend(notes.value_uses.iter().map(|each| blob_name(each.file)));
    }
    Ok(names)
}

/// Refuses a storage that holds a database, or a part of one.
///
/// # Errors
/// [`Error::NotEmpty`]; failure of the storage.
pub(crate) fn check_empty(storage: &dyn Storage) -> Result<(), Error> {
    for folder in FOLDERS {
        if !storage.list(folder)?.is_empty() {
            return Err(Error::NotEmpty { place: storage.describe("") });
        }
    }
    Ok(())
}

/// Brings every file to `target` with `bring`, then makes it a database; answers files and bytes. If that fails,
/// what was brought goes again.
///
/// # Errors
/// Failure of a storage.
pub(super) fn install(
    image: &SetImage,
    target: &dyn Storage,
    mut bring: impl FnMut(&str) -> Result<u64, Error>,
) -> Result<(usize, u64), Error> {
    let names = names(image)?;
    let mut bytes = 0;
    let mut outcome = Ok(());
    for name in &names {
        match bring(name) {
            Ok(length) => bytes += length,
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    if let Err(error) = outcome.and_then(|()| Ok(image.install(target)?)) {
        // The error that made it fail is told, not those of tidying up. A manifest that may be there goes first: with
        // it, but without its files, this would be a broken database.
        if image.uninstall(target).is_ok() {
            names.iter().for_each(|name| drop(target.delete(name)));
        }
        return Err(error);
    }
    Ok((names.len(), bytes))
}
