//! Sealing the pieces of one file, each with its offset as nonce.

use std::fmt;

use aes_gcm::Aes256Gcm;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut, KeyInit};

use super::DataKey;

/// What a sealed piece has more than the same piece unsealed, in bytes: the tag that authenticates it.
pub const SEAL_BYTES: usize = 16;

/// How the pieces of new files are encrypted; a file says it itself. Both have keys of 256 bits and tags of 128.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CipherAlgorithm {
    /// AES-256-GCM (NIST SP 800-38D): the quicker one on processors with instructions for AES.
    #[default]
    Aes256Gcm,
    /// ChaCha20-Poly1305 (RFC 8439): the quicker one on others.
    ChaCha20Poly1305,
}

impl CipherAlgorithm {
    /// Its number in an envelope.
    pub(super) fn code(self) -> u8 {
        match self {
            CipherAlgorithm::Aes256Gcm => 1,
            CipherAlgorithm::ChaCha20Poly1305 => 2,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<CipherAlgorithm> {
        [CipherAlgorithm::Aes256Gcm, CipherAlgorithm::ChaCha20Poly1305]
            .into_iter()
            .find(|algorithm| algorithm.code() == code)
    }
}

/// Which file something belongs to: authenticated with every piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// The magic number of its format.
    pub magic: [u8; 8],
    /// The number in its name.
    pub number: u64,
}

/// A piece, or where it stands, is not what was sealed; or it is longer than 64 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not what was encrypted there")]
pub struct Inauthentic;

/// Seals and opens the pieces of one file.
pub struct FileCipher {
    cipher: Cipher,
    identity: FileIdentity,
}

enum Cipher {
    Aes(Box<Aes256Gcm>),
    ChaCha(Box<ChaCha20Poly1305>),
}

impl fmt::Debug for FileCipher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FileCipher").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl FileCipher {
    pub(super) fn new(algorithm: CipherAlgorithm, key: &DataKey, identity: FileIdentity) -> FileCipher {
        let key = (*key.as_bytes()).into();
        let cipher = match algorithm {
            CipherAlgorithm::Aes256Gcm => Cipher::Aes(Box::new(Aes256Gcm::new(&key))),
            CipherAlgorithm::ChaCha20Poly1305 => Cipher::ChaCha(Box::new(ChaCha20Poly1305::new(&key))),
        };
        FileCipher { cipher, identity }
    }

    /// Encrypts the piece at `offset` in place; answers the tag that goes with it. `context` is authenticated with it:
    /// what stands beside the piece unencrypted. In one file an offset is used at most once.
    ///
    /// # Errors
    /// [`Inauthentic`] for a piece longer than 64 GiB.
    pub fn seal(
        &self,
        offset: u64,
        context: &[u8],
        piece: &mut [u8],
    ) -> Result<[u8; SEAL_BYTES], Inauthentic> {
        let nonce = nonce(offset);
        self.with_associated(offset, context, |associated| match &self.cipher {
            Cipher::Aes(cipher) => {
                cipher.encrypt_inout_detached(&nonce.into(), associated, piece.into()).map(Into::into)
            }
            Cipher::ChaCha(cipher) => {
                cipher.encrypt_inout_detached(&nonce.into(), associated, piece.into()).map(Into::into)
            }
        })
        .map_err(|_| Inauthentic)
    }

    /// Decrypts the piece at `offset` in place.
    ///
    /// # Errors
    /// [`Inauthentic`] if piece, tag, context, offset or file is another one; nothing of `piece` is to be used then.
    pub fn open(
        &self,
        offset: u64,
        context: &[u8],
        piece: &mut [u8],
        tag: &[u8; SEAL_BYTES],
    ) -> Result<(), Inauthentic> {
        let nonce = nonce(offset);
        let tag = *tag;
        self.with_associated(offset, context, |associated| match &self.cipher {
            Cipher::Aes(cipher) => {
                cipher.decrypt_inout_detached(&nonce.into(), associated, piece.into(), &tag.into())
            }
            Cipher::ChaCha(cipher) => {
                cipher.decrypt_inout_detached(&nonce.into(), associated, piece.into(), &tag.into())
            }
        })
        .map_err(|_| Inauthentic)
    }

    /// Encrypts `piece` and adds its tag behind it.
    ///
    /// # Errors
    /// As [`FileCipher::seal`].
    pub fn seal_whole(&self, offset: u64, context: &[u8], piece: &mut Vec<u8>) -> Result<(), Inauthentic> {
        let tag = self.seal(offset, context, piece)?;
        piece.extend_from_slice(&tag);
        Ok(())
    }

    /// Decrypts what [`seal_whole`](FileCipher::seal_whole) made, and takes the tag off.
    ///
    /// # Errors
    /// As [`FileCipher::open`].
    pub fn open_whole(&self, offset: u64, context: &[u8], sealed: &mut Vec<u8>) -> Result<(), Inauthentic> {
        let (piece, tag) = sealed.split_last_chunk_mut::<SEAL_BYTES>().ok_or(Inauthentic)?;
        self.open(offset, context, piece, tag)?;
        sealed.truncate(sealed.len() - SEAL_BYTES);
        Ok(())
    }

    /// Hands on what is authenticated with a piece: magic number, number of the file, offset, context.
    fn with_associated<R>(&self, offset: u64, context: &[u8], run: impl FnOnce(&[u8]) -> R) -> R {
        let mut place = [0; 24];
        place[..8].copy_from_slice(&self.identity.magic);
        place[8..16].copy_from_slice(&self.identity.number.to_le_bytes());
        place[16..].copy_from_slice(&offset.to_le_bytes());
        if context.is_empty() { run(&place) } else { run(&[&place[..], context].concat()) }
    }
}

/// The offset, and four zeros.
fn nonce(offset: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&offset.to_le_bytes());
    nonce
}
