//! Framing pieces as they are written.

use stroma_strata::encryption::{FileCipher, SEAL_BYTES};

use super::format::{PIECE_BYTES, PIECE_FRAME_BYTES, PIECE_HEAD_BYTES, piece_checksum};
use super::piece::PieceHead;
use crate::Error;

/// One piece, framed: head, bytes, encrypted if there is a cipher, what authenticates them, checksum.
#[derive(Debug, Default)]
pub(super) struct Framing {
    framed: Vec<u8>,
}

impl Framing {
    /// Frames the bytes of a piece that will start at `offset` of `file`.
    pub(super) fn frame(
        &mut self,
        head: PieceHead,
        bytes: &[u8],
        (file, offset): (u64, u64),
        cipher: Option<&FileCipher>,
    ) -> Result<&[u8], Error> {
        debug_assert!(bytes.len() == head.length && head.length <= PIECE_BYTES, "a piece is at most so long");
        let head = head.encode();
        self.framed.clear();
        self.framed.reserve(bytes.len() + PIECE_FRAME_BYTES);
        self.framed.extend_from_slice(&head);
        self.framed.extend_from_slice(bytes);
        let tag = match cipher {
            Some(cipher) => {
                cipher.seal(offset, &head, &mut self.framed[PIECE_HEAD_BYTES..]).map_err(|_| {
                    Error::TooLarge { what: "piece", bytes: bytes.len() as u64, limit: PIECE_BYTES as u64 }
                })?
            }
            None => [0; SEAL_BYTES],
        };
        self.framed.extend_from_slice(&tag);
        let checksum = piece_checksum(&self.framed, file, offset);
        self.framed.extend_from_slice(&checksum.to_le_bytes());
        Ok(&self.framed)
    }
}
