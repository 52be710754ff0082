//! What a single file says of itself, for `stroma inspect`: every crate with a format answers in these terms.

use crate::encryption::Encryption;
use crate::manifest::{FileFacts, MAGIC, read_facts};
use crate::storage::{Blob, StorageError};

/// What a file is, what it says of itself, and whether it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDescription {
    /// What kind of file it is, in words.
    pub kind: String,
    /// Names and values, in the order to be shown.
    pub facts: Vec<(String, String)>,
    /// What is wrong with it; `None` when every checksum holds.
    pub damage: Option<String>,
}

impl FileDescription {
    /// A description of a file of this kind that is whole so far.
    pub fn new(kind: impl Into<String>) -> Self {
        FileDescription { kind: kind.into(), facts: Vec::new(), damage: None }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }

    /// Says what is wrong.
    #[must_use]
    pub fn damaged(mut self, what: impl ToString) -> Self {
        self.damage = Some(what.to_string());
        self
    }
}

/// The first eight bytes of a blob, by which formats are told apart; fewer are filled with zeros.
///
/// # Errors
/// When the blob cannot be read.
pub fn magic_of(blob: &dyn Blob) -> Result<[u8; 8], StorageError> {
    let mut magic = [0; 8];
    let length = (blob.len() as usize).min(8);
    blob.read_exact_at(0, &mut magic[..length])?;
    Ok(magic)
}

/// Describes a manifest blob; `None` when the blob is none.
///
/// # Errors
/// When the blob cannot be read; damage is in the description.
pub fn describe_manifest_blob(blob: &dyn Blob) -> Result<Option<FileDescription>, StorageError> {
    describe_manifest_blob_with(blob, None)
}

/// The same with keys, if there are any. Without, an encrypted blob is described as damaged, with its key's name.
///
/// # Errors
/// As [`describe_manifest_blob`].
pub fn describe_manifest_blob_with(
    blob: &dyn Blob,
    encryption: Option<&Encryption>,
) -> Result<Option<FileDescription>, StorageError> {
    if &magic_of(blob)? != MAGIC {
        return Ok(None);
    }
    let description = FileDescription::new("manifest of a layered set");
    let facts = match read_facts(&blob.read_all()?, &blob.describe(), encryption) {
        Ok(facts) => facts,
        Err(error) => return Ok(Some(description.damaged(error))),
    };
    let FileFacts { number, key_id, is_snapshot, kind, epoch, added, removed, records } = facts;
    Ok(Some(
        description
            .with("number", number)
            .with("type", if is_snapshot { "snapshot: the whole state" } else { "edit of the state before" })
            .with("layer kind", kind)
            .with("epoch", epoch)
            .with("layers named", added)
            .with("layers dropped", removed)
            .with("records", records)
            .with("key", key_id.as_deref().unwrap_or("not encrypted")),
    ))
}

#[cfg(test)]
mod tests {
    use crate::storage::{MemoryStorage, Storage};

    use super::describe_manifest_blob;

    #[test]
    fn only_a_manifest_is_described_and_damage_is_told() {
        let storage = MemoryStorage::new();
        storage.put_if_absent("short", b"STR").unwrap();
        storage.put_if_absent("cut", b"STRMANIF and then nothing of use").unwrap();
        assert_eq!(describe_manifest_blob(&*storage.open("short").unwrap()).unwrap(), None);
        let cut = describe_manifest_blob(&*storage.open("cut").unwrap()).unwrap().unwrap();
        assert!(cut.damage.is_some());
    }
}
