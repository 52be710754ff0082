//! The bytes of a value file: header, pieces, footer; see `docs/formats/value-file.md`.

use stroma_strata::encryption::{FileIdentity, MAX_ENVELOPE_BYTES, SEAL_BYTES};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::Error;
use crate::coding::Reader;

/// Both ends of a value file bear it.
pub(crate) const VALUE_MAGIC: [u8; 8] = *b"STRMVALU";
/// The version that is written, and the only one that is read.
const VERSION: u32 = 2;

pub(super) const HEADER_BYTES: usize = 16;
pub(super) const FOOTER_BYTES: usize = 48;

/// The bytes of a value in a piece; the last piece of a value may have fewer, but at least one.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// What stands before the bytes of a piece: their count, and whether the value ends with them.
pub(super) const PIECE_HEAD_BYTES: usize = 4;
/// What stands after the bytes of a piece: room for what authenticates it if it is encrypted, else zeros; the checksum.
pub(super) const PIECE_TAIL_BYTES: usize = SEAL_BYTES + 8;
/// What a piece takes besides.
pub(super) const PIECE_FRAME_BYTES: usize = PIECE_HEAD_BYTES + PIECE_TAIL_BYTES;
/// The bit of a piece's head that tells that the value ends.
const LAST: u32 = 1 << 31;

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

/// Bytes that a value of `length` bytes takes in a file; none if that is beyond 64 bits.
pub(super) fn stored_bytes(length: u64) -> Option<u64> {
    length.checked_add(pieces(length).checked_mul(PIECE_FRAME_BYTES as u64)?)
}

pub(super) fn header() -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&VALUE_MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header
}

pub(super) fn footer(totals: Totals) -> [u8; FOOTER_BYTES] {
    let mut footer = [0; FOOTER_BYTES];
    footer[..8].copy_from_slice(&totals.file.to_le_bytes());
    footer[8..16].copy_from_slice(&totals.values.to_le_bytes());
    footer[16..24].copy_from_slice(&totals.value_bytes.to_le_bytes());
    footer[24..28].copy_from_slice(&VERSION.to_le_bytes());
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
    if version != VERSION {
        let what = format!("version {version} of value files (this build reads {VERSION})");
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
        Some(totals) if footer(totals) == *foot && header() == *head && is_sound(&totals) => Ok(totals),
        _ => Err(Error::corrupt(place, at, "the ends of a value file do not have their checksum")),
    }
}

/// What stands before a piece of `length` bytes, at most [`PIECE_BYTES`].
pub(super) fn piece_head(length: usize, is_last: bool) -> [u8; PIECE_HEAD_BYTES] {
    (length as u32 | if is_last { LAST } else { 0 }).to_le_bytes()
}

/// The length of a piece and whether it is its value's last; none if no piece has such a head.
pub(super) fn read_piece_head(head: [u8; PIECE_HEAD_BYTES]) -> Option<(usize, bool)> {
    let word = u32::from_le_bytes(head);
    let (length, is_last) = ((word & !LAST) as usize, word & LAST != 0);
    let is_sound = if is_last { (1..=PIECE_BYTES).contains(&length) } else { length == PIECE_BYTES };
    is_sound.then_some((length, is_last))
}

/// The checksum of a piece, head included, which starts at `offset` of `file`: so a whole piece at another place
/// does not pass for this one.
pub(super) fn piece_checksum(piece: &[u8], file: u64, offset: u64) -> u64 {
    xxh3_64_with_seed(piece, file.rotate_left(32) ^ offset)
}
