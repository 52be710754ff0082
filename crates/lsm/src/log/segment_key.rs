//! What stands behind the header of an encrypted segment: the envelope of its key, and what authenticates the header.
//!
//! ```text
//! envelope
//! 16 bytes     authenticate the header, by the segment's own key
//! u64 checksum of both, seeded with the segment's number
//! ```

use stroma_strata::encryption::{
    Encryption, FileCipher, FileIdentity, MAX_ENVELOPE_BYTES, NewFileKey, SEAL_BYTES, key_id_of,
};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::segment_header::{HeaderOutcome, MAGIC, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::Error;

/// The most that header and key take.
pub(super) const MAX_START_BYTES: usize =
    SEGMENT_HEADER_BYTES + MAX_ENVELOPE_BYTES + SEAL_BYTES + CHECKSUM_BYTES;

const CHECKSUM_BYTES: usize = 8;

/// What is authenticated with everything in segment `log_number`.
pub(super) fn identity(log_number: u64) -> FileIdentity {
    FileIdentity { magic: MAGIC, number: log_number }
}

/// The start of a segment: its header, and its key if it is encrypted.
pub(super) fn encode(mut header: SegmentHeader, key: Option<&NewFileKey>) -> Result<Vec<u8>, Error> {
    let Some(NewFileKey { cipher, envelope }) = key else { return Ok(header.encode().to_vec()) };
    header.key_bytes = (envelope.len() + SEAL_BYTES + CHECKSUM_BYTES) as u32;
    let mut bytes = header.encode().to_vec();
    let tag = cipher
        .seal(0, &bytes, &mut [])
        .map_err(|_| Error::corrupt("a segment being written", 0, "its header cannot be authenticated"))?;
    bytes.extend_from_slice(envelope);
    bytes.extend_from_slice(&tag);
    let checksum = xxh3_64_with_seed(&bytes[SEGMENT_HEADER_BYTES..], header.log_number);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

/// The envelope and the tag of a segment that starts with `bytes`; `None` if they are cut short or damaged. Both are
/// empty if it is not encrypted.
fn split(header: &SegmentHeader, bytes: &[u8]) -> Option<(Vec<u8>, [u8; SEAL_BYTES])> {
    if header.key_bytes == 0 {
        return Some((Vec::new(), [0; SEAL_BYTES]));
    }
    let key = bytes.get(SEGMENT_HEADER_BYTES..header.records_at())?;
    let (covered, checksum) = key.split_last_chunk::<CHECKSUM_BYTES>()?;
    let is_sound = xxh3_64_with_seed(covered, header.log_number) == u64::from_le_bytes(*checksum);
    let (envelope, tag) = covered.split_last_chunk::<SEAL_BYTES>().filter(|_| is_sound)?;
    Some((envelope.to_vec(), *tag))
}

/// The name of the key of a segment that starts with `bytes`, none if it is not encrypted. The outer `None` is for a
/// start that is not whole: it may not have been handed to the operating system yet, and then nothing behind it was.
pub(crate) fn key_id(bytes: &[u8]) -> Option<Option<String>> {
    let HeaderOutcome::Valid(header) = SegmentHeader::decode(bytes) else { return None };
    Some(key_id_of(&split(&header, bytes)?.0).map(str::to_owned))
}

/// The cipher of a segment with this header, which starts with `bytes`: none if it is not encrypted. The outer `None`
/// is for a start that is cut short or damaged.
///
/// # Errors
/// [`Error::Encryption`]; [`Error::Corrupt`] if the header is not the one that was encrypted with.
pub(crate) fn open(
    header: &SegmentHeader,
    bytes: &[u8],
    place: &str,
    encryption: Option<&Encryption>,
) -> Result<Option<Option<FileCipher>>, Error> {
    let Some((envelope, tag)) = split(header, bytes) else { return Ok(None) };
    let at = SEGMENT_HEADER_BYTES as u64;
    let cipher =
        crate::encryption::file_cipher(encryption, identity(header.log_number), &envelope, place, at)?;
    if let Some(cipher) = &cipher
        && cipher.open(0, &bytes[..SEGMENT_HEADER_BYTES], &mut [], &tag).is_err()
    {
        return Err(Error::corrupt(place, 0, "the header is not what was encrypted with"));
    }
    Ok(Some(cipher))
}
