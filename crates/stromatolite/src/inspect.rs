//! Looking into a single file of a database, without opening the database.

use std::path::Path;
use std::sync::Arc;

use stroma_lsm::Encryption;
use stroma_strata::storage::{
    Blob, ENCRYPTED_MAGIC, LocalStorage, PACKED_MAGIC, PackedStorage, Storage, encrypted_key_id,
    open_encrypted, verify_encrypted,
};
use stroma_strata::{FileDescription, describe_manifest_blob_with, magic_of};

use crate::error::{Error, Result};
use crate::layout::index_owner;
use crate::marker;

/// What a file is, what it says of itself, and whether it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// What kind of file it is, in words.
    pub kind: String,
    /// Its length.
    pub bytes: u64,
    /// Names and values, in the order to be shown.
    pub facts: Vec<(String, String)>,
    /// What is wrong with it; `None` when every checksum holds.
    pub damage: Option<String>,
}

/// Says what a file of a database is and verifies every checksum in it.
///
/// Takes no lock: it may be called while a process has the database open; a log is then read as far as it goes.
///
/// # Errors
/// [`Error::UnknownFile`] when no part of a database begins like it, or when it cannot be read. Damage is in the
/// report.
pub fn inspect_file(path: impl AsRef<Path>) -> Result<FileReport> {
    inspect_file_with(path, None)
}

/// The same with the keys of an encrypted database. Without them, or under another name than it was written, an
/// encrypted file is reported as damaged.
///
/// # Errors
/// As [`inspect_file`].
pub fn inspect_file_with(path: impl AsRef<Path>, encryption: Option<&Encryption>) -> Result<FileReport> {
    let path = path.as_ref();
    let blob = open(path)?;
    let description = describe(path, &blob, encryption)?
        .ok_or_else(|| Error::UnknownFile { file: path.display().to_string() })?;
    let FileDescription { kind, facts, damage } = description;
    Ok(FileReport { kind, bytes: blob.len(), facts, damage })
}

pub(crate) fn open(path: &Path) -> Result<Arc<dyn Blob>> {
    let unknown = || Error::UnknownFile { file: path.display().to_string() };
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(unknown)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !path.exists() {
        return Err(Error::NoFile { file: path.display().to_string() });
    }
    if !path.is_file() || name == "LOCK" {
        return Err(unknown());
    }
    Ok(LocalStorage::open(folder)?.open(name)?)
}

fn describe(
    path: &Path,
    blob: &Arc<dyn Blob>,
    encryption: Option<&Encryption>,
) -> Result<Option<FileDescription>> {
    if &magic_of(&**blob)? == ENCRYPTED_MAGIC {
        return describe_encrypted(path, blob, encryption).map(Some);
    }
    if let Some(description) = describe_manifest_blob_with(&**blob, encryption)? {
        return Ok(Some(description));
    }
    if let Some(description) = stroma_lsm::describe_file_with(blob, encryption)? {
        return Ok(Some(description));
    }
    if let Some(description) = stroma_sequence::layer::describe_file(blob)? {
        return Ok(Some(description));
    }
    match &magic_of(&**blob)? {
        PACKED_MAGIC => Ok(Some(describe_packed(blob))),
        b"stromato" if blob.len() < 1024 => Ok(Some(describe_marker(blob)?)),
        _ => Ok(None),
    }
}

/// A file of a sequence index of an encrypted database: told with its key, else compared with its checksums alone.
fn describe_encrypted(
    path: &Path,
    blob: &Arc<dyn Blob>,
    encryption: Option<&Encryption>,
) -> Result<FileDescription> {
    let outside = FileDescription::new("encrypted file of a sequence index");
    let verified = encrypted_key_id(&**blob).and_then(|key_id| verify_encrypted(&**blob).map(|()| key_id));
    let key_id = match verified {
        Ok(key_id) => key_id.unwrap_or_default(),
        Err(error) => return Ok(outside.damaged(error)),
    };
    // DIR/sequences/NAME/layers/FILE
    let parts: Vec<String> = path
        .canonicalize()
        .unwrap_or_else(|_| path.to_path_buf())
        .components()
        .rev()
        .take(3)
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let name = match parts.as_slice() {
        [file, folder, index] => format!("{}/{folder}/{file}", index_owner(index)),
        _ => String::new(),
    };
    let inside = open_encrypted(Arc::clone(blob), encryption, &name).map_err(Error::from);
    match inside.and_then(|inside| describe(path, &inside, None)) {
        Ok(Some(description)) => Ok(description.with("key", key_id)),
        Ok(None) => Ok(outside.with("key", key_id)),
        Err(error) => Ok(outside.with("key", key_id).damaged(error)),
    }
}

/// A database in one file.
fn describe_packed(blob: &Arc<dyn Blob>) -> FileDescription {
    let description = FileDescription::new("database in one file");
    let storage = match PackedStorage::open(Arc::clone(blob)) {
        Ok(storage) => storage,
        Err(error) => return description.damaged(error),
    };
    let bytes: u64 = storage.blobs().map(|(_, bytes)| bytes).sum();
    let mut folders: Vec<&str> = storage
        .blobs()
        .filter_map(|(name, _)| name.rsplit_once("/manifest/").map(|(folder, _)| folder))
        .collect();
    folders.dedup();
    let description = description
        .with("blobs", storage.blobs().count())
        .with("bytes of blobs", bytes)
        .with("parts", if folders.is_empty() { "keys and values".to_owned() } else { folders.join(", ") });
    match storage.verify().into_iter().find_map(|(_, damage)| damage) {
        None => description,
        Some(damage) => description.damaged(damage),
    }
}

/// The two small text files: the format of the folder, the entry of a sequence index.
fn describe_marker(blob: &Arc<dyn Blob>) -> Result<FileDescription> {
    let bytes = blob.read_all()?;
    let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
    let (kind, marker) = if text.starts_with("stromatolite s") {
        ("entry of a sequence index", &marker::SEQUENCE_INDEX)
    } else {
        ("marker of a database", &marker::DATABASE)
    };
    let description = FileDescription::new(kind).with("says", text);
    Ok(match marker.verify(&**blob, "the file") {
        Ok(()) => description,
        Err(error) => description.damaged(error),
    })
}
