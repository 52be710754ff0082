//! Cutting values into pieces as they are written.

use super::format::{PIECE_BYTES, PIECE_HEAD_BYTES, piece_checksum, piece_head};

/// One piece, framed: head, bytes of the value, checksum.
#[derive(Debug, Default)]
pub(super) struct Framing {
    framed: Vec<u8>,
}

impl Framing {
    /// Frames a piece that will start at `offset` of `file`.
    pub(super) fn frame(&mut self, bytes: &[u8], is_last: bool, file: u64, offset: u64) -> &[u8] {
        debug_assert!(bytes.len() <= PIECE_BYTES, "a piece is at most so long");
        self.framed.clear();
        self.framed.reserve(bytes.len() + PIECE_HEAD_BYTES + 8);
        self.framed.extend_from_slice(&piece_head(bytes.len(), is_last));
        self.framed.extend_from_slice(bytes);
        let checksum = piece_checksum(&self.framed, file, offset);
        self.framed.extend_from_slice(&checksum.to_le_bytes());
        &self.framed
    }
}
