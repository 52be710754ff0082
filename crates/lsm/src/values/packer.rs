//! Making pieces of values smaller, and getting them back.

use std::fmt;

use super::format::{PIECE_BYTES, PIECE_FRAME_BYTES, directory_bytes, pieces};
use super::piece::{PieceForm, RAW_LENGTH_BYTES, raw_length};
use crate::Compression;
use crate::block::{Compressor, Failure, decompress_into};

/// The part of a piece that must be saved for it to be kept compressed: less is not worth unpacking it whenever it is
/// read.
const LEAST_SAVED: usize = 8;

/// Packs pieces, those of one value like those of another as a rule.
pub(super) struct Packer {
    compression: Compression,
    compressor: Compressor,
    packed: Vec<u8>,
}

impl Default for Packer {
    fn default() -> Self {
        let compression = Compression::None;
        Packer { compression, compressor: Compressor::new(compression), packed: Vec::new() }
    }
}

impl fmt::Debug for Packer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Packer").field("compression", &self.compression).finish_non_exhaustive()
    }
}

impl Packer {
    /// From now on like this.
    pub(super) fn pack_with(&mut self, compression: Compression) {
        if self.compression != compression {
            self.compression = compression;
            self.compressor = Compressor::new(compression);
        }
    }

    /// A piece as it is to be stored.
    pub(super) fn pack<'a>(&'a mut self, piece: &'a [u8]) -> (PieceForm, &'a [u8]) {
        let Some((tag, compressed)) = self.compressor.compress(piece) else {
            return (PieceForm::Plain, piece);
        };
        let Some(length) = piece.len().checked_sub(1).and_then(|length| u16::try_from(length).ok()) else {
            return (PieceForm::Plain, piece);
        };
        if RAW_LENGTH_BYTES + compressed.len() > piece.len() - piece.len() / LEAST_SAVED
            || compressed.is_empty()
        {
            return (PieceForm::Plain, piece);
        }
        self.packed.clear();
        self.packed.extend_from_slice(&length.to_le_bytes());
        self.packed.extend_from_slice(compressed);
        (PieceForm::Packed(tag), &self.packed)
    }
}

/// Packers of a thread, one for each compression it met lately: each has memory that it would make anew.
#[derive(Debug, Default)]
pub(super) struct Packers(Vec<Packer>);

/// Each may have a mebibyte.
const MOST_PACKERS: usize = 2;

impl Packers {
    /// The one for a compression.
    pub(super) fn of(&mut self, compression: Compression) -> &mut Packer {
        let known = self.0.iter().position(|packer| packer.compression == compression);
        let at = known.unwrap_or_else(|| {
            self.0.truncate(MOST_PACKERS - 1);
            let mut packer = Packer::default();
            packer.pack_with(compression);
            self.0.push(packer);
            self.0.len() - 1
        });
        // The last one is the first to go.
        self.0[..=at].rotate_right(1);
        &mut self.0[0]
    }
}

/// Tells how long values become, without writing them.
#[derive(Debug, Default)]
pub(super) struct PackedSize(Packer);

impl PackedSize {
    /// Bytes that a value takes in a file if a piece of it is compressed; 0 if none is.
    pub(super) fn packed_bytes(&mut self, value: &[u8], compression: Compression) -> u64 {
        self.0.pack_with(compression);
        let (mut is_packed, mut bytes) = (false, 0);
        for piece in value.chunks(PIECE_BYTES) {
            let (form, stored) = self.0.pack(piece);
            is_packed |= form != PieceForm::Plain;
            bytes += (stored.len() + PIECE_FRAME_BYTES) as u64;
        }
        if is_packed { bytes + directory_bytes(pieces(value.len() as u64)) } else { 0 }
    }
}

/// What is wrong with a piece that cannot be unpacked.
pub(super) const UNPACKED: &str = "it cannot be decompressed";

/// Appends the bytes of the value that a piece stands for, at most [`PIECE_BYTES`].
pub(super) fn unpack(form: PieceForm, bytes: &[u8], into: &mut Vec<u8>) -> Result<(), Failure> {
    match form {
        PieceForm::Plain => into.extend_from_slice(bytes),
        PieceForm::Packed(tag) => {
            let length = raw_length(form, bytes).ok_or(Failure::Damaged)?;
            let start = into.len();
            into.resize(start + length, 0);
            decompress_into(tag, &bytes[RAW_LENGTH_BYTES..], &mut into[start..])?;
        }
        PieceForm::Directory => return Err(Failure::Damaged),
    }
    Ok(())
}
