//! The bytes of an encrypted blob.
//!
//! ```text
//! 8   magic number, "STRMENCB"
//! u32 format version, 1
//! u16 length of the envelope
//! u16 0
//! ... the envelope: the blob's key, wrapped
//! u64 XXH3-64 of all of that
//! then pieces: 65,536 bytes of the content (less in the last one) encrypted, their tag (16), and the XXH3-64 of both
//! ```
//!
//! There is at least one piece. Authenticated with each are its offset, the name of the blob, and whether it is the
//! last: so a blob cannot be cut short, changed, or put in the place of another without being found out.

use xxhash_rust::xxh3::xxh3_64;

use crate::encryption::{FileCipher, FileIdentity, Inauthentic, MAX_ENVELOPE_BYTES, SEAL_BYTES};

/// What an encrypted blob begins with.
pub const ENCRYPTED_MAGIC: &[u8; 8] = b"STRMENCB";
pub(super) const VERSION: u32 = 1;
/// What comes before the envelope.
pub(super) const FIXED_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 8;
/// The content of a piece but the last, in bytes.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// What a piece has more than its content.
pub(super) const OVERHEAD_BYTES: usize = SEAL_BYTES + CHECKSUM_BYTES;

/// What kind of file it is; its name is authenticated with each piece.
pub(super) const IDENTITY: FileIdentity = FileIdentity { magic: *ENCRYPTED_MAGIC, number: 0 };

/// Why a header cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    Damaged(&'static str),
    OtherVersion(u32),
}

/// How long the header is whose fixed part this is.
pub(super) fn header_bytes(fixed: &[u8; FIXED_BYTES]) -> Result<usize, BadHeader> {
    let (magic, rest) = fixed.split_at(8);
    let [v0, v1, v2, v3, low, high, 0, 0] = rest else {
        return Err(BadHeader::Damaged("reserved bytes are not 0"));
    };
    let version = u32::from_le_bytes([*v0, *v1, *v2, *v3]);
    let envelope = usize::from(u16::from_le_bytes([*low, *high]));
    if magic != ENCRYPTED_MAGIC {
        return Err(BadHeader::Damaged("the magic number is another one"));
    }
    if version != VERSION {
        return Err(BadHeader::OtherVersion(version));
    }
    if !(1..=MAX_ENVELOPE_BYTES).contains(&envelope) {
        return Err(BadHeader::Damaged("the envelope of its key has an impossible length"));
    }
    Ok(FIXED_BYTES + envelope + CHECKSUM_BYTES)
}

/// The envelope in a whole header.
pub(super) fn envelope_of(header: &[u8]) -> Result<&[u8], BadHeader> {
    let damaged = BadHeader::Damaged("the checksum of the header does not match");
    let Some((covered, checksum)) = header.split_last_chunk::<CHECKSUM_BYTES>() else { return Err(damaged) };
    if xxh3_64(covered) != u64::from_le_bytes(*checksum) {
        return Err(damaged);
    }
    covered.get(FIXED_BYTES..).ok_or(damaged)
}

/// The header of a blob with this envelope.
pub(super) fn encode_header(envelope: &[u8]) -> Vec<u8> {
    let mut header = ENCRYPTED_MAGIC.to_vec();
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&(envelope.len() as u16).to_le_bytes());
    header.extend_from_slice(&[0; 2]);
    header.extend_from_slice(envelope);
    let checksum = xxh3_64(&header);
    header.extend_from_slice(&checksum.to_le_bytes());
    header
}

/// What is authenticated with a piece beside its offset.
pub(super) fn context(name: &str, is_last: bool) -> Vec<u8> {
    [&[u8::from(is_last)], name.as_bytes()].concat()
}

/// Encrypts a piece that is to stand at `offset`, in place.
///
/// # Errors
/// For pieces of more than 64 GiB.
pub(super) fn seal_piece(
    cipher: &FileCipher,
    offset: u64,
    context: &[u8],
    piece: &mut Vec<u8>,
) -> Result<(), Inauthentic> {
    cipher.seal_whole(offset, context, piece)?;
    let checksum = xxh3_64(piece);
    piece.extend_from_slice(&checksum.to_le_bytes());
    Ok(())
}

/// Takes the checksum off a stored piece; `None` if it does not hold.
pub(super) fn checked(piece: &mut Vec<u8>) -> Option<()> {
    let (covered, checksum) = piece.split_last_chunk::<CHECKSUM_BYTES>()?;
    let holds = xxh3_64(covered) == u64::from_le_bytes(*checksum) && covered.len() >= SEAL_BYTES;
    holds.then(|| piece.truncate(piece.len() - CHECKSUM_BYTES))
}

/// The length of the content of a blob with so many bytes of pieces; `None` if no blob has that many.
pub(super) fn content_bytes(pieces_bytes: u64) -> Option<u64> {
    let stored = (PIECE_BYTES + OVERHEAD_BYTES) as u64;
    let overhead = pieces_bytes.div_ceil(stored) * OVERHEAD_BYTES as u64;
    pieces_bytes.checked_sub(overhead).filter(|_| pieces_bytes > 0)
}
