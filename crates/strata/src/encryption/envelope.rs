//! How a file bears its data key: the bytes of an envelope.
//!
//! ```text
//! u8  algorithm     1 AES-256-GCM, 2 ChaCha20-Poly1305
//! u8  length of the key's name, at least 1; the name (UTF-8)
//! u16 length of the wrapped data key, at most 1,024; the wrapped key, as the provider made it
//! ```

use super::CipherAlgorithm;
use super::provider::MAX_KEY_ID_BYTES;

/// The longest wrapped key, in bytes.
pub(super) const MAX_WRAPPED_BYTES: usize = 1024;

/// The longest envelope, in bytes.
pub const MAX_ENVELOPE_BYTES: usize = 4 + MAX_KEY_ID_BYTES + MAX_WRAPPED_BYTES;

/// A decoded envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Envelope<'a> {
    pub(super) algorithm: CipherAlgorithm,
    pub(super) key_id: &'a str,
    pub(super) wrapped: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// The bytes; `None` if a part is too long.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let key_id_bytes = u8::try_from(self.key_id.len()).ok().filter(|length| *length > 0)?;
        let wrapped_bytes = u16::try_from(self.wrapped.len()).ok()?;
        if self.wrapped.len() > MAX_WRAPPED_BYTES {
            return None;
        }
        let mut bytes = vec![self.algorithm.code(), key_id_bytes];
        bytes.extend_from_slice(self.key_id.as_bytes());
        bytes.extend_from_slice(&wrapped_bytes.to_le_bytes());
        bytes.extend_from_slice(self.wrapped);
        Some(bytes)
    }

    /// Reads all of `bytes`; `None` if they are anything else.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Envelope<'a>> {
        let ([algorithm, key_id_bytes], rest) = bytes.split_first_chunk()?;
        let (key_id, rest) = rest.split_at_checked(usize::from(*key_id_bytes))?;
        let (wrapped_bytes, wrapped) = rest.split_first_chunk()?;
        let is_whole = wrapped.len() == usize::from(u16::from_le_bytes(*wrapped_bytes))
            && wrapped.len() <= MAX_WRAPPED_BYTES
            && !key_id.is_empty();
        if !is_whole {
            return None;
        }
        let algorithm = CipherAlgorithm::from_code(*algorithm)?;
        Some(Envelope { algorithm, key_id: std::str::from_utf8(key_id).ok()?, wrapped })
    }
}

/// The name of the key in an envelope; `None` if it is none. Takes no key.
pub fn key_id_of(envelope: &[u8]) -> Option<&str> {
    Envelope::decode(envelope).map(|envelope| envelope.key_id)
}
