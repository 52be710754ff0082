//! An open value file: its ends, its key, and who refers to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stroma_strata::encryption::{Encryption, FileCipher, SEAL_BYTES, key_id_of};
use stroma_strata::storage::{Blob, Storage};

use super::format::{FOOTER_BYTES, HEADER_BYTES, Totals, identity, read_ends};
use super::reference::ValueReference;
use crate::Error;

/// A sealed value file. Dropping the last handle deletes it if nothing refers to it any more.
#[derive(Debug)]
pub(crate) struct ValueFile {
    blob: Arc<dyn Blob>,
    /// Where it is, for errors.
    place: String,
    /// Deletes it; none where a file is only looked at.
    storage: Option<Arc<dyn Storage>>,
    totals: Totals,
    /// Opens its pieces, if they are encrypted, and the name of the key.
    cipher: Option<FileCipher>,
    key_id: Option<String>,
    /// What it was opened with, to open it anew.
    encryption: Option<Encryption>,
    /// Tables of the current version, and unflushed commits, that refer to it.
    referrers: AtomicU64,
    /// Bytes of the file that tables of the current version refer to.
    live_bytes: AtomicU64,
    /// Whether nothing on the device depends on it, so that it can be deleted when nobody reads it any more.
    is_garbage: AtomicBool,
}

impl ValueFile {
    /// Opens a file and checks both its ends. One that `is_new` goes again unless something comes to refer to it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for anything but a whole value file, [`Error::Unsupported`] for one of another version,
    /// [`Error::Encryption`].
    pub(super) fn open(
        blob: Arc<dyn Blob>,
        storage: Option<Arc<dyn Storage>>,
        is_new: bool,
        encryption: Option<&Encryption>,
    ) -> Result<Self, Error> {
        let place = blob.describe();
        let bytes = blob.len();
        if bytes < (HEADER_BYTES + FOOTER_BYTES) as u64 {
            return Err(Error::corrupt(&place, bytes, "it is too short for a value file"));
        }
        let (mut head, mut foot) = ([0; HEADER_BYTES], [0; FOOTER_BYTES]);
        blob.read_exact_at(0, &mut head)?;
        blob.read_exact_at(bytes - FOOTER_BYTES as u64, &mut foot)?;
        let totals = read_ends(&head, &foot, &place, bytes)?;
        let (cipher, key_id) = open_key(&*blob, totals, &foot, &place, encryption)?;
        Ok(ValueFile {
            cipher,
            key_id,
            encryption: encryption.cloned(),
            blob,
            place,
            storage,
            totals,
            referrers: AtomicU64::new(0),
            live_bytes: AtomicU64::new(0),
            is_garbage: AtomicBool::new(is_new),
        })
    }

    /// Opens a file only to look at it.
    ///
    /// # Errors
    /// As [`ValueFile::open`].
    pub(crate) fn inspect(blob: Arc<dyn Blob>, encryption: Option<&Encryption>) -> Result<Self, Error> {
        Self::open(blob, None, false, encryption)
    }

    /// The name of its key, if it is encrypted.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Its number.
    pub(crate) fn number(&self) -> u64 {
        self.totals.file
    }

    /// Its name in the storage, or its path.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Its length in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.blob.len()
    }

    /// Bytes that its values take, frames included.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.data_end() - HEADER_BYTES as u64
    }

    /// Values in it, and their bytes before any was compressed.
    pub(crate) fn contents(&self) -> (u64, u64) {
        (self.totals.values, self.totals.value_bytes)
    }

    /// Bytes of it that tables of the current version refer to.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes.load(Ordering::Relaxed)
    }

    /// Whether less than half of it is referred to, so that what is left should be moved. Not while nobody has
    /// counted yet: when a log is replayed.
    pub(super) fn is_mostly_dead(&self) -> bool {
        let is_counted = self.referrers.load(Ordering::Acquire) > 0;
        is_counted && 2 * self.live_bytes() < self.stored_bytes()
    }

    /// Another table, or unflushed commit, refers to it, to so many bytes of it.
    pub(super) fn add_referrer(&self, live_bytes: u64) {
        self.referrers.fetch_add(1, Ordering::AcqRel);
        self.live_bytes.fetch_add(live_bytes, Ordering::Relaxed);
        self.is_garbage.store(false, Ordering::Release);
    }

    /// One that did does no longer. Those that replace it were added before.
    pub(super) fn remove_referrer(&self, live_bytes: u64) {
        self.live_bytes.fetch_sub(live_bytes, Ordering::Relaxed);
        if self.referrers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.is_garbage.store(true, Ordering::Release);
        }
    }

    /// Where the values end.
    pub(super) fn data_end(&self) -> u64 {
        self.bytes() - FOOTER_BYTES as u64 - u64::from(self.totals.key_bytes)
    }

    /// Has a value read, without waiting for it.
    pub(crate) fn prefetch(&self, reference: ValueReference) {
        self.blob.prefetch(reference.offset, reference.stored_bytes());
    }

    /// Its bytes.
    pub(super) fn blob(&self) -> &Arc<dyn Blob> {
        &self.blob
    }

    /// Opens its pieces, if they are encrypted.
    pub(super) fn cipher(&self) -> Option<&FileCipher> {
        self.cipher.as_ref()
    }

    /// Opens it anew, as it was opened, to look at it.
    pub(super) fn inspect_anew(&self) -> Result<Self, Error> {
        ValueFile::inspect(self.blob.clone(), self.encryption.as_ref())
    }

    /// Where a reference's value ends in the file.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it leads out of the file.
    pub(super) fn check(&self, reference: ValueReference) -> Result<u64, Error> {
        let end = reference.end().filter(|end| *end <= self.data_end());
        match end {
            Some(end) if reference.offset >= HEADER_BYTES as u64 && reference.file == self.totals.file => {
                Ok(end)
            }
            _ => Err(Error::corrupt(&self.place, reference.offset, "a reference leads out of the file")),
        }
    }
}

/// The cipher of a file with these ends, and the name of its key; nothing if it is not encrypted. What authenticates
/// the footer is checked.
fn open_key(
    blob: &dyn Blob,
    totals: Totals,
    foot: &[u8; FOOTER_BYTES],
    place: &str,
    encryption: Option<&Encryption>,
) -> Result<(Option<FileCipher>, Option<String>), Error> {
    let at = blob.len() - FOOTER_BYTES as u64 - u64::from(totals.key_bytes);
    let mut key = vec![0; totals.key_bytes as usize];
    blob.read_exact_at(at, &mut key)?;
    let (envelope, tag) = match key.split_last_chunk::<SEAL_BYTES>() {
        Some((envelope, tag)) => (envelope, *tag),
        None => (&key[..], [0; SEAL_BYTES]),
    };
    let cipher = crate::encryption::file_cipher(encryption, identity(totals.file), envelope, place, at)?;
    if let Some(cipher) = &cipher
        && cipher.open(at, foot, &mut [], &tag).is_err()
    {
        return Err(Error::corrupt(place, at, "the footer is not what was encrypted with"));
    }
    Ok((cipher, key_id_of(envelope).map(str::to_owned)))
}

impl Drop for ValueFile {
    fn drop(&mut self) {
        if *self.is_garbage.get_mut()
            && let Some(storage) = &self.storage
        {
            // What cannot be deleted now belongs to nobody, and goes when the database is opened next.
            let _ = storage.delete(&super::store::blob_name(self.totals.file));
        }
    }
}
