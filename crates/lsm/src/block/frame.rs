//! The stored form of a payload: compressed if that pays, tagged and checksummed.
//!
//! ```text
//! body                 tag 0: the payload; otherwise u32 length of the payload, then the compressed payload
//! u8  tag              0 none, 1 LZ4, 2 Zstandard
//! u64 checksum         XXH3-64 of body and tag
//! ```

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use super::compression::{Compression, Failure, TAG_NONE, decompress};
use crate::Error;

/// The bytes after a body: tag and checksum.
pub(crate) const TRAILER_BYTES: usize = 1 + size_of::<u64>();

/// Compression is kept only if it saves at least one byte in so many: otherwise reading in place is better.
const LEAST_SAVING: usize = 8;

/// Replaces `out` by the stored form of `payload`.
pub(crate) fn seal(payload: &[u8], compression: Compression, out: &mut Vec<u8>) {
    out.clear();
    let most = payload.len() - payload.len() / LEAST_SAVING;
    match compression.compress(payload).filter(|(_, bytes)| bytes.len() + size_of::<u32>() < most) {
        Some((tag, bytes)) => {
            out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
            out.extend_from_slice(&bytes);
            out.push(tag);
        }
        None => {
            out.extend_from_slice(payload);
            out.push(TAG_NONE);
        }
    }
    let checksum = xxh3_64(out);
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// Checks the checksum of a stored block. `offset` is where it lies in `file`.
pub(crate) fn verify(stored: &[u8], file: &str, offset: u64) -> Result<(), Error> {
    match stored.split_last_chunk() {
        Some((covered, checksum)) if xxh3_64(covered) == u64::from_le_bytes(*checksum) => Ok(()),
        Some(_) => Err(Error::corrupt(file, offset, "the checksum of a block does not match")),
        None => Err(Error::corrupt(file, offset, "a block too short for its checksum")),
    }
}

/// The payload of a stored block whose checksum was verified: borrowed if it was stored as is.
pub(crate) fn payload<'a>(stored: &'a [u8], file: &str, offset: u64) -> Result<Cow<'a, [u8]>, Error> {
    let damaged = || Error::corrupt(file, offset, "a block that cannot be decompressed");
    let (body, trailer) = stored.split_last_chunk::<TRAILER_BYTES>().ok_or_else(damaged)?;
    if trailer[0] == TAG_NONE {
        return Ok(Cow::Borrowed(body));
    }
    let (length, compressed) = body.split_first_chunk().ok_or_else(damaged)?;
    match decompress(trailer[0], compressed, u32::from_le_bytes(*length) as usize) {
        Ok(payload) => Ok(Cow::Owned(payload)),
        Err(Failure::Damaged) => Err(damaged()),
        Err(Failure::Unsupported(what)) => {
            Err(Error::Unsupported { file: file.to_owned(), what: what.to_owned() })
        }
    }
}

/// Whether a stored block's payload can be read in place.
pub(crate) fn is_plain(stored: &[u8]) -> bool {
    stored.len() >= TRAILER_BYTES && stored[stored.len() - TRAILER_BYTES] == TAG_NONE
}
