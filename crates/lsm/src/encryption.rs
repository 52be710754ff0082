//! Encryption as the engine's files use it: keys for new files, the cipher of one that is opened, which key is in use.

use std::collections::BTreeMap;

use stroma_strata::encryption::{
    Encryption, EncryptionError, FileCipher, FileIdentity, KeyError, NewFileKey,
};

use crate::Error;
use crate::database::Database;

/// A key for a new file, if files are encrypted.
pub(crate) fn new_file_key(
    encryption: Option<&Encryption>,
    identity: FileIdentity,
    place: impl FnOnce() -> String,
) -> Result<Option<NewFileKey>, Error> {
    encryption.map(|encryption| Ok(encryption.new_file(identity, &place())?)).transpose()
}

/// What opens the file that bears `envelope` at `offset`; none if it is not encrypted.
pub(crate) fn file_cipher(
    encryption: Option<&Encryption>,
    identity: FileIdentity,
    envelope: &[u8],
    place: &str,
    offset: u64,
) -> Result<Option<FileCipher>, Error> {
    Encryption::of_file(encryption, identity, envelope, place).map_err(|error: Option<EncryptionError>| {
        let damaged = || Error::corrupt(place, offset, "the envelope of its key is damaged");
        error.map_or_else(damaged, Error::from)
    })
}

/// Whether a file of this key need not be rewritten. A provider that does not answer names no other key either.
pub(crate) fn has_current_key(encryption: Option<&Encryption>, key_id: Option<&str>) -> bool {
    match encryption.map(Encryption::current_key_id) {
        None => key_id.is_none(),
        Some(Ok(current)) => key_id == Some(current.as_str()),
        Some(Err(_)) => true,
    }
}

/// How many files of a database are encrypted with a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyUse {
    /// Tables.
    pub tables: usize,
    /// Value files.
    pub value_files: usize,
    /// Segments of the write-ahead log.
    pub log_segments: usize,
    /// Blobs of the manifest.
    pub manifest_blobs: usize,
    /// Bytes of the tables and value files.
    pub bytes: u64,
}

impl KeyUse {
    /// All of them.
    pub fn files(&self) -> usize {
        self.tables + self.value_files + self.log_segments + self.manifest_blobs
    }
}

/// Which files use which key, by its name; `None` is for files that are not encrypted.
pub type KeyUses = BTreeMap<Option<String>, KeyUse>;

impl Database {
    /// Which key each file is encrypted with: a key may be forgotten once none is, not while a reader (a scan, a
    /// transaction) still holds tables from before a merge, which are not counted.
    ///
    /// # Errors
    /// Failure of the storage.
    pub fn key_uses(&self) -> Result<KeyUses, Error> {
        let core = self.core();
        let mut uses = KeyUses::new();
        for table in core.layers.view().describe() {
            let of_key = uses.entry(table.key_id).or_default();
            of_key.tables += 1;
            of_key.bytes += table.bytes;
        }
        for file in core.values().in_use() {
            let of_key = uses.entry(file.key_id().map(str::to_owned)).or_default();
            of_key.value_files += 1;
            of_key.bytes += file.bytes();
        }
        for key_id in core.layers.manifest_key_ids()? {
            uses.entry(key_id).or_default().manifest_blobs += 1;
        }
        for key_id in crate::log::key_ids(&*core.storage)? {
            uses.entry(key_id).or_default().log_segments += 1;
        }
        Ok(uses)
    }

    /// Encrypts everything with the present key of the provider: a new log is begun, tables and value files of other
    /// keys, or of none, are rewritten, and the manifest is written anew. Afterwards [`key_uses`](Database::key_uses)
    /// names the present key alone, unless readers hold older files. What has the key already is left alone, so that
    /// an interrupted rotation is taken up where it ended. Without this, files change their key as merges come by.
    ///
    /// Writers go on meanwhile. Takes the time of rewriting everything once, in the calling thread.
    ///
    /// # Errors
    /// Failure of the storage; [`Error::Encryption`].
    pub fn rotate_keys(&self) -> Result<(), Error> {
        let core = self.core();
        if let Some(encryption) = &core.options().encryption {
            // Asked for now, so that a provider without an answer does not look like one with nothing to do.
            encryption.current_key_id().map_err(|cause| provider_failed(core.storage.describe(""), cause))?;
        }
        core.begin_new_log()?;
        core.flush_all()?;
        core.values().set_rotating(true);
        let rewritten = core.layers.rewrite_old_keys(core.options().encryption.as_ref());
        core.values().set_rotating(false);
        rewritten?;
        core.layers.write_manifest_anew()
    }
}

fn provider_failed(file: String, cause: KeyError) -> Error {
    EncryptionError::Key { file, cause }.into()
}
