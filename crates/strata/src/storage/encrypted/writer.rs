//! Writing an encrypted blob.

use std::io;
use std::mem;
use std::sync::Arc;

use super::format::{PIECE_BYTES, context, seal_piece};
use crate::encryption::FileCipher;
use crate::storage::{BlobWriter, StorageError};

/// Encrypts what it is given, a piece at a time.
#[derive(Debug)]
pub(super) struct EncryptedWriter {
    pub(super) inner: Box<dyn BlobWriter>,
    pub(super) cipher: FileCipher,
    pub(super) name: String,
    /// The content of the next piece.
    pub(super) piece: Vec<u8>,
    /// How long the content is so far.
    pub(super) position: u64,
}

impl EncryptedWriter {
    fn write_piece(&mut self, is_last: bool) -> Result<(), StorageError> {
        let mut piece = mem::take(&mut self.piece);
        let offset = self.inner.position();
        seal_piece(&self.cipher, offset, &context(&self.name, is_last), &mut piece).map_err(|error| {
            let (place, source) = (self.name.clone(), Arc::new(io::Error::other(error)));
            StorageError::Unpublished { place, action: "encrypt", source }
        })?;
        self.inner.write_all(&piece)?;
        piece.clear();
        self.piece = piece;
        Ok(())
    }
}

impl BlobWriter for EncryptedWriter {
    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), StorageError> {
        self.position += bytes.len() as u64;
        while !bytes.is_empty() {
            // A full piece is written when it is known not to be the last.
            if self.piece.len() == PIECE_BYTES {
                self.write_piece(false)?;
            }
            let (fits, rest) = bytes.split_at(bytes.len().min(PIECE_BYTES - self.piece.len()));
            self.piece.extend_from_slice(fits);
            bytes = rest;
        }
        Ok(())
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn seal(mut self: Box<Self>) -> Result<u64, StorageError> {
        self.write_piece(true)?;
        self.inner.seal()?;
        Ok(self.position)
    }
}
