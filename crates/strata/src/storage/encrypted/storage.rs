//! A storage whose blobs are encrypted, over one whose blobs are not.

use std::sync::Arc;

use super::format::{IDENTITY, PIECE_BYTES, encode_header};
use super::reader::{content_length, encrypted_key_id, open_encrypted};
use super::writer::EncryptedWriter;
use crate::encryption::Encryption;
use crate::storage::{Blob, BlobEntry, BlobWriter, Storage, StorageError, StorageLock};

/// Encrypts every blob of another storage, for sets of layers that have no encryption of their own. Give such a set no
/// [`encryption`](crate::SetOptions::encryption): its manifest is encrypted like the rest.
///
/// Blobs are decrypted in pieces of 64 KiB as they are read; none can be mapped. Without keys, blobs that are not
/// encrypted are read and written as they are, mapped where that is possible, and one that is encrypted is an error;
/// so it may stand over any storage. A listing opens each blob, to tell how long its content is.
#[derive(Debug)]
pub struct EncryptedStorage {
    inner: Arc<dyn Storage>,
    encryption: Option<Encryption>,
    owner: String,
}

impl EncryptedStorage {
    /// Over `inner`. `owner` is what the blobs belong to: it is authenticated with their names, so that a blob of
    /// another owner is found out, and must be the same for copies.
    pub fn new(inner: Arc<dyn Storage>, encryption: Option<Encryption>, owner: impl Into<String>) -> Self {
        EncryptedStorage { inner, encryption, owner: owner.into() }
    }

    /// The name of the key of a blob; `None` if it is not encrypted. Takes no key.
    ///
    /// # Errors
    /// As [`encrypted_key_id`](crate::storage::encrypted_key_id).
    pub fn key_id(&self, name: &str) -> Result<Option<String>, StorageError> {
        encrypted_key_id(&*self.inner.open(name)?)
    }

    /// What is authenticated with a blob.
    fn full_name(&self, name: &str) -> String {
        format!("{}/{name}", self.owner)
    }
}

impl Storage for EncryptedStorage {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, StorageError> {
        let Some(encryption) = &self.encryption else { return self.inner.create(name) };
        let key =
            encryption.new_file(IDENTITY, &self.inner.describe(name)).map_err(StorageError::Encryption)?;
        let mut inner = self.inner.create(name)?;
        inner.write_all(&encode_header(&key.envelope))?;
        Ok(Box::new(EncryptedWriter {
            inner,
            cipher: key.cipher,
            name: self.full_name(name),
            piece: Vec::with_capacity(PIECE_BYTES),
            position: 0,
        }))
    }

    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        if self.encryption.is_none() {
            return self.inner.put_if_absent(name, bytes);
        }
        let mut writer = self.create(name).map_err(StorageError::before_publishing)?;
        writer.write_all(bytes).map_err(StorageError::before_publishing)?;
        writer.seal().map(drop)
    }

    fn open(&self, name: &str) -> Result<Arc<dyn Blob>, StorageError> {
        open_encrypted(self.inner.open(name)?, self.encryption.as_ref(), &self.full_name(name))
    }

    fn list(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        let mut entries = self.inner.list(folder)?;
        if self.encryption.is_some() {
            for entry in &mut entries {
                // Who opens what is damaged, or was deleted meanwhile, is told.
                let length = self.inner.open(&entry.name).and_then(|blob| content_length(&*blob));
                entry.bytes = length.unwrap_or(entry.bytes);
            }
        }
        Ok(entries)
    }

    fn sync_names(&self, folder: &str) -> Result<(), StorageError> {
        self.inner.sync_names(folder)
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        self.inner.delete(name)
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        self.inner.lock()
    }

    fn verify(&self) -> Vec<(String, Option<StorageError>)> {
        self.inner.verify()
    }

    fn describe(&self, name: &str) -> String {
        self.inner.describe(name)
    }
}
