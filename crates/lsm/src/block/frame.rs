//! The stored form of a payload: compressed if that pays, tagged and checksummed.
//!
//! ```text
//! body                 tag 0: the payload; otherwise u32 length of the payload, then the compressed payload
//! u8  tag              0 none, 1 LZ4, 2 Zstandard, 3 Zstandard with the table's dictionary
//! 16 bytes             only if the table is encrypted: body and tag are, and these authenticate them
//! u64 checksum         XXH3-64 of what is before it
//! ```

use std::borrow::Cow;

use stroma_strata::encryption::FileCipher;
use xxhash_rust::xxh3::xxh3_64;

use super::Dictionary;
use super::compression::{Compressor, Tag, decompress};
use crate::Error;

/// The bytes after a body that is not encrypted: tag and checksum.
pub(crate) const TRAILER_BYTES: usize = 1 + CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = size_of::<u64>();

/// Compression is kept only if it saves at least one byte in so many: otherwise reading in place is better.
const LEAST_SAVING: usize = 8;

/// Replaces `out` by the stored form of `payload`, encrypted if there is a cipher, of which the second part is the
/// offset of the block in its file; answers how it is compressed.
///
/// # Errors
/// [`Error::TooLarge`] if it is too long to be encrypted.
pub(crate) fn seal(
    payload: &[u8],
    compressor: &mut Compressor,
    cipher: Option<(&FileCipher, u64)>,
    out: &mut Vec<u8>,
) -> Result<Tag, Error> {
    out.clear();
    let most = payload.len() - payload.len() / LEAST_SAVING;
    let compressed = compressor.compress(payload);
    let tag = match compressed.filter(|(_, bytes)| bytes.len() + size_of::<u32>() < most) {
        Some((tag, bytes)) => {
            out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
            out.extend_from_slice(bytes);
            tag
        }
        None => {
            out.extend_from_slice(payload);
            Tag::NONE
        }
    };
    out.push(tag.0);
    if let Some((cipher, offset)) = cipher {
        let bytes = payload.len() as u64;
        cipher.seal_whole(offset, &[], out).map_err(|_| Error::TooLarge {
            what: "block",
            bytes,
            limit: u32::MAX.into(),
        })?;
    }
    let checksum = xxh3_64(out);
    out.extend_from_slice(&checksum.to_le_bytes());
    Ok(tag)
}

/// Body and tag of a stored block whose checksum was verified: decrypted into memory of their own if there is a cipher.
pub(crate) fn open<'a>(
    stored: &'a [u8],
    cipher: Option<&FileCipher>,
    file: &str,
    offset: u64,
) -> Result<Cow<'a, [u8]>, Error> {
    let (covered, _) = stored
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or_else(|| Error::corrupt(file, offset, "a block too short for its checksum"))?;
    let Some(cipher) = cipher else { return Ok(Cow::Borrowed(covered)) };
    let mut opened = covered.to_vec();
    cipher
        .open_whole(offset, &[], &mut opened)
        .map_err(|_| Error::corrupt(file, offset, "a block is not what was encrypted there"))?;
    Ok(Cow::Owned(opened))
}

/// Checks the checksum of a stored block. `offset` is where it lies in `file`.
pub(crate) fn verify(stored: &[u8], file: &str, offset: u64) -> Result<(), Error> {
    match stored.split_last_chunk() {
        Some((covered, checksum)) if xxh3_64(covered) == u64::from_le_bytes(*checksum) => Ok(()),
        Some(_) => Err(Error::corrupt(file, offset, "the checksum of a block does not match")),
        None => Err(Error::corrupt(file, offset, "a block too short for its checksum")),
    }
}

/// The payload of an opened block: nothing is copied if it was not compressed. Asks for the table's dictionary if it
/// needs that.
pub(crate) fn payload<'a, 'd>(
    opened: Cow<'a, [u8]>,
    dictionary: impl FnOnce() -> Result<&'d Dictionary, Error>,
    file: &str,
    offset: u64,
) -> Result<Cow<'a, [u8]>, Error> {
    let what = "a block that cannot be decompressed";
    let damaged = || Error::corrupt(file, offset, what);
    let (tag, body) = opened.split_last().ok_or_else(damaged)?;
    let tag = Tag(*tag);
    if tag == Tag::NONE {
        return Ok(match opened {
            Cow::Borrowed(opened) => Cow::Borrowed(&opened[..opened.len() - 1]),
            Cow::Owned(mut opened) => {
                opened.pop();
                Cow::Owned(opened)
            }
        });
    }
    let dictionary = if tag == Tag::ZSTD_DICTIONARY { Some(dictionary()?) } else { None };
    let (length, compressed) = body.split_first_chunk().ok_or_else(damaged)?;
    let payload = decompress(tag, compressed, u32::from_le_bytes(*length) as usize, dictionary);
    payload.map(Cow::Owned).map_err(|failure| failure.into_error(file, offset, what))
}

/// How an opened block is compressed; `None` if it is too short for one.
pub(crate) fn tag(opened: &[u8]) -> Option<Tag> {
    opened.last().map(|tag| Tag(*tag))
}
