//! The bytes of a value file: header and footer, and how long pieces are; see `docs/formats/value-file.md`.

use stroma_strata::encryption::{FileIdentity, MAX_ENVELOPE_BYTES, SEAL_BYTES};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::piece::LEAST_PACKED_BYTES;
use crate::Error;
use crate::coding::Reader;

/// Both ends of a value file bear it.
pub(crate) const VALUE_MAGIC: [u8; 8] = *b"STRMVALU";
/// The version that is written.
const VERSION: u32 = 3;
/// The oldest one that is read: it had no compressed values, and is otherwise the same.
const OLDEST_VERSION: u32 = 2;

pub(super) const HEADER_BYTES: usize = 16;
pub(super) const FOOTER_BYTES: usize = 48;

/// The bytes of a value in a piece; the last piece of a value may have fewer, but at least one.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// What stands before the bytes of a piece: their count, what they are, and whether the value ends with them.
pub(super) const PIECE_HEAD_BYTES: usize = 4;
/// What stands after the bytes of a piece: room for what authenticates it if it is encrypted, else zeros; the checksum.
pub(super) const PIECE_TAIL_BYTES: usize = SEAL_BYTES + 8;
/// What a piece takes besides.
pub(super) const PIECE_FRAME_BYTES: usize = PIECE_HEAD_BYTES + PIECE_TAIL_BYTES;
/// Bytes in a directory that tell where a piece begins.
pub(super) const START_BYTES: usize = 8;
/// The pieces that a piece of a directory tells of; the last one of a directory may tell of fewer.
pub(super) const STARTS_PER_PIECE: u64 = 1024;
/// The bytes of such a piece.
pub(super) const DIRECTORY_PIECE_BYTES: usize = START_BYTES * STARTS_PER_PIECE as usize;

/// What a footer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    /// The number of the file.
    pub(super) file: u64,
    /// Values in it.
    pub(super) values: u64,
    /// Bytes of the values themselves.
    pub(super) value_bytes: u64,
    /// Bytes between the values and the footer: the envelope of the key and what authenticates the footer; 0 if the
    /// file is not encrypted.
    pub(super) key_bytes: u32,
}

/// The longest that is.
const MAX_KEY_BYTES: u64 = (MAX_ENVELOPE_BYTES + SEAL_BYTES) as u64;

/// What is authenticated with everything in file `number`.
pub(super) fn identity(number: u64) -> FileIdentity {
    FileIdentity { magic: VALUE_MAGIC, number }
}

/// Pieces of a value of `length` bytes.
pub(super) fn pieces(length: u64) -> u64 {
    length.div_ceil(PIECE_BYTES as u64)
}

/// Bytes that a value of `length` bytes takes in a file if nothing of it is compressed; none if that is beyond 64 bits.
pub(super) fn plain_bytes(length: u64) -> Option<u64> {
    length.checked_add(pieces(length).checked_mul(PIECE_FRAME_BYTES as u64)?)
}

/// Bytes of the directory of a packed value of `pieces` pieces, frames included.
pub(super) fn directory_bytes(pieces: u64) -> u64 {
    if pieces < 2 {
        return 0;
    }
    pieces * START_BYTES as u64 + pieces.div_ceil(STARTS_PER_PIECE) * PIECE_FRAME_BYTES as u64
}

/// Whether a packed value of `length` bytes can take so many bytes in a file: no fewer than the smallest pieces, and no
/// more than the same value would as it is, beside the directory. So a length is at most some 2,000 times what is
/// there.
pub(super) fn is_packed_length(length: u64, packed_bytes: u64) -> bool {
    let pieces = pieces(length);
    let least = pieces.checked_mul((PIECE_FRAME_BYTES + LEAST_PACKED_BYTES) as u64);
    let most = plain_bytes(length).and_then(|plain| plain.checked_add(directory_bytes(pieces)));
    match (least, most) {
        (Some(least), Some(most)) => {
            (least.saturating_add(directory_bytes(pieces))..=most).contains(&packed_bytes)
        }
        _ => false,
    }
}

pub(super) fn header() -> [u8; HEADER_BYTES] {
    header_of(VERSION)
}

fn header_of(version: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&VALUE_MAGIC);
    header[8..12].copy_from_slice(&version.to_le_bytes());
    header
}

pub(super) fn footer(totals: Totals) -> [u8; FOOTER_BYTES] {
    footer_of(VERSION, totals)
}

fn footer_of(version: u32, totals: Totals) -> [u8; FOOTER_BYTES] {
    let mut footer = [0; FOOTER_BYTES];
    footer[..8].copy_from_slice(&totals.file.to_le_bytes());
    footer[8..16].copy_from_slice(&totals.values.to_le_bytes());
    footer[16..24].copy_from_slice(&totals.value_bytes.to_le_bytes());
    footer[24..28].copy_from_slice(&version.to_le_bytes());
    footer[28..32].copy_from_slice(&totals.key_bytes.to_le_bytes());
    footer[32..40].copy_from_slice(&VALUE_MAGIC);
    let checksum = xxh3_64(&footer[..40]);
    footer[40..].copy_from_slice(&checksum.to_le_bytes());
    footer
}

/// Reads both ends of a file of `file_bytes` bytes, which `place` names in errors.
pub(super) fn read_ends(
    head: &[u8; HEADER_BYTES],
    foot: &[u8; FOOTER_BYTES],
    place: &str,
    file_bytes: u64,
) -> Result<Totals, Error> {
    let (magic, rest) = head.split_at(8);
    if magic != VALUE_MAGIC {
        return Err(Error::corrupt(place, 0, "it does not begin as a value file does"));
    }
    let version = Reader::new(rest).u32().unwrap_or_default();
    if !(OLDEST_VERSION..=VERSION).contains(&version) {
        let what =
            format!("version {version} of value files (this build reads {OLDEST_VERSION} to {VERSION})");
        return Err(Error::Unsupported { file: place.to_owned(), what });
    }
    let at = file_bytes - FOOTER_BYTES as u64;
    let mut reader = Reader::new(foot);
    let totals = (|| {
        let (file, values, value_bytes) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let (_version, key_bytes) = (reader.u32()?, reader.u32()?);
        Some(Totals { file, values, value_bytes, key_bytes })
    })();
    let room = (at - HEADER_BYTES as u64).min(MAX_KEY_BYTES);
    let is_sound = |totals: &Totals| {
        let key_bytes = u64::from(totals.key_bytes);
        key_bytes <= room && (key_bytes == 0 || key_bytes > SEAL_BYTES as u64)
    };
    match totals {
        // Comparing the whole compares magic, version, and the checksum.
        Some(totals)
            if footer_of(version, totals) == *foot && header_of(version) == *head && is_sound(&totals) =>
        {
            Ok(totals)
        }
        _ => Err(Error::corrupt(place, at, "the ends of a value file do not have their checksum")),
    }
}

/// The checksum of a piece, head included, which starts at `offset` of `file`: so a whole piece at another place
/// does not pass for this one.
pub(super) fn piece_checksum(piece: &[u8], file: u64, offset: u64) -> u64 {
    xxh3_64_with_seed(piece, file.rotate_left(32) ^ offset)
}
