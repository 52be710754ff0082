//! Reading an encrypted blob: decrypted piece by piece as it is asked for.

use std::sync::Arc;

use parking_lot::Mutex;

use super::format::{
    BadHeader, ENCRYPTED_MAGIC, FIXED_BYTES, IDENTITY, OVERHEAD_BYTES, PIECE_BYTES, VERSION, checked,
    content_bytes, context, envelope_of, header_bytes,
};
use crate::encryption::{Encryption, FileCipher, key_id_of};
use crate::storage::{Blob, StorageError};

/// Where the pieces of a blob lie, and how long its content is.
#[derive(Debug, Clone, Copy)]
struct Pieces {
    start: u64,
    content: u64,
}

/// The header of an encrypted blob; `None` if the blob is not encrypted.
fn read_header(blob: &dyn Blob) -> Result<Option<(Vec<u8>, Pieces)>, StorageError> {
    let damaged = |offset: u64, what: &str| StorageError::damaged(&blob.describe(), offset, what);
    let bad = |bad: BadHeader| match bad {
        BadHeader::Damaged(what) => damaged(0, what),
        BadHeader::OtherVersion(found) => {
            StorageError::NewerFormat { place: blob.describe(), found, supported: VERSION }
        }
    };
    let mut fixed = [0; FIXED_BYTES];
    if blob.len() < FIXED_BYTES as u64 {
        return Ok(None);
    }
    blob.read_exact_at(0, &mut fixed)?;
    if !fixed.starts_with(ENCRYPTED_MAGIC) {
        return Ok(None);
    }
    let start = header_bytes(&fixed).map_err(bad)?;
    if blob.len() < start as u64 {
        return Err(damaged(blob.len(), "the file ends too early"));
    }
    let mut header = vec![0; start];
    blob.read_exact_at(0, &mut header)?;
    envelope_of(&header).map_err(bad)?;
    let content = content_bytes(blob.len() - start as u64);
    let content = content.ok_or_else(|| damaged(blob.len(), "the file ends too early"))?;
    Ok(Some((header, Pieces { start: start as u64, content })))
}

impl Pieces {
    /// The offset of piece `number` in the file, the length of its content, and whether it is the last.
    fn place(&self, number: u64) -> (u64, usize, bool) {
        let before = number * PIECE_BYTES as u64;
        let length = (self.content - before).min(PIECE_BYTES as u64);
        let offset = self.start + number * (PIECE_BYTES + OVERHEAD_BYTES) as u64;
        (offset, length as usize, before + length == self.content)
    }

    fn count(&self) -> u64 {
        self.content.div_ceil(PIECE_BYTES as u64).max(1)
    }

    /// Piece `number` as it is stored, without its checksum, which holds.
    fn read(&self, blob: &dyn Blob, number: u64) -> Result<Vec<u8>, StorageError> {
        let (offset, length, _) = self.place(number);
        let mut piece = vec![0; length + OVERHEAD_BYTES];
        blob.read_exact_at(offset, &mut piece)?;
        checked(&mut piece).ok_or_else(|| {
            StorageError::damaged(&blob.describe(), offset, "the checksum of a piece does not match")
        })?;
        Ok(piece)
    }
}

/// The name of the key of a blob; `None` if it is not encrypted. Takes no key.
///
/// # Errors
/// [`StorageError::Damaged`], [`StorageError::NewerFormat`]; failure of the storage.
pub fn encrypted_key_id(blob: &dyn Blob) -> Result<Option<String>, StorageError> {
    let Some((header, _)) = read_header(blob)? else { return Ok(None) };
    Ok(envelope_of(&header).ok().and_then(key_id_of).map(str::to_owned))
}

/// How long the content of a blob is, if its header is whole.
pub(super) fn content_length(blob: &dyn Blob) -> Result<u64, StorageError> {
    Ok(read_header(blob)?.map_or(blob.len(), |(_, pieces)| pieces.content))
}

/// Compares every checksum of an encrypted blob, which takes no key.
///
/// # Errors
/// As [`encrypted_key_id`].
pub fn verify_encrypted(blob: &dyn Blob) -> Result<(), StorageError> {
    match read_header(blob)? {
        Some((_, pieces)) => (0..pieces.count()).try_for_each(|number| pieces.read(blob, number).map(drop)),
        None => Ok(()),
    }
}

/// The content of `blob`, which was written under `name`; the blob itself if it is not encrypted, and need not be.
///
/// # Errors
/// [`StorageError::Encryption`] if it is encrypted and the keys do not do, or not encrypted and should be;
/// [`StorageError::Damaged`], [`StorageError::NewerFormat`]; failure of the storage.
pub fn open_encrypted(
    blob: Arc<dyn Blob>,
    encryption: Option<&Encryption>,
    name: &str,
) -> Result<Arc<dyn Blob>, StorageError> {
    let found = read_header(&*blob)?;
    let header = found.as_ref().map_or(&[][..], |(header, _)| header);
    let envelope = if header.is_empty() { &[] } else { envelope_of(header).unwrap_or_default() };
    let place = blob.describe();
    let cipher =
        Encryption::of_file(encryption, IDENTITY, envelope, &place).map_err(|error| match error {
            Some(error) => StorageError::Encryption(error),
            None => StorageError::damaged(&place, FIXED_BYTES as u64, "the envelope of its key is damaged"),
        })?;
    match (cipher, found) {
        (Some(cipher), Some((_, pieces))) => {
            let name = name.to_owned();
            Ok(Arc::new(EncryptedBlob { inner: blob, cipher, pieces, name, last: Mutex::default() }))
        }
        _ => Ok(blob),
    }
}

/// See the module.
#[derive(Debug)]
struct EncryptedBlob {
    inner: Arc<dyn Blob>,
    cipher: FileCipher,
    pieces: Pieces,
    name: String,
    /// The piece that was decrypted last: who reads on reads it again.
    last: Mutex<Option<(u64, Arc<Vec<u8>>)>>,
}

impl EncryptedBlob {
    /// The content of piece `number`.
    fn piece(&self, number: u64) -> Result<Arc<Vec<u8>>, StorageError> {
        if let Some((known, piece)) = &*self.last.lock()
            && *known == number
        {
            return Ok(piece.clone());
        }
        let mut piece = self.pieces.read(&*self.inner, number)?;
        let (offset, _, is_last) = self.pieces.place(number);
        self.cipher.open_whole(offset, &context(&self.name, is_last), &mut piece).map_err(|inauthentic| {
            StorageError::damaged(&self.inner.describe(), offset, inauthentic.to_string())
        })?;
        let piece = Arc::new(piece);
        *self.last.lock() = Some((number, piece.clone()));
        Ok(piece)
    }
}

impl Blob for EncryptedBlob {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn len(&self) -> u64 {
        self.pieces.content
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> Result<(), StorageError> {
        let wanted = into.len() as u64;
        if offset.checked_add(wanted).is_none_or(|end| end > self.len()) {
            let place = self.describe();
            return Err(StorageError::OutOfBounds { place, offset, wanted, length: self.len() });
        }
        let (mut at, mut rest) = (offset, into);
        while !rest.is_empty() {
            let (number, skip) = (at / PIECE_BYTES as u64, (at % PIECE_BYTES as u64) as usize);
            let piece = self.piece(number)?;
            let available = piece.get(skip..).unwrap_or_default();
            let taken = available.len().min(rest.len());
            let (now, later) = rest.split_at_mut(taken);
            now.copy_from_slice(&available[..taken]);
            rest = later;
            at += taken as u64;
        }
        Ok(())
    }

    fn mapped(&self) -> Option<&[u8]> {
        None
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}
