//! The body of an encrypted manifest blob: an envelope with its key, then the body itself, sealed.

use super::format::{HEADER_BYTES, MAGIC};
use crate::Error;
use crate::encryption::{
    Encryption, EncryptionError, FileCipher, FileIdentity, MAX_ENVELOPE_BYTES, key_id_of,
};

fn identity(number: u64) -> FileIdentity {
    FileIdentity { magic: *MAGIC, number }
}

fn corrupt(file: &str, what: &str) -> Error {
    Error::Corrupt { file: file.to_owned(), offset: HEADER_BYTES as u64, what: what.to_owned() }
}

/// What stands in the place of `body` in blob `number`; `context` is the start of the header.
pub(super) fn seal(
    number: u64,
    mut body: Vec<u8>,
    context: &[u8],
    encryption: &Encryption,
) -> Result<Vec<u8>, Error> {
    let file = super::blob_name(number);
    let key = encryption.new_file(identity(number), &file)?;
    let bytes = body.len() as u64;
    key.cipher.seal_whole(HEADER_BYTES as u64, context, &mut body).map_err(|_| Error::TooLarge {
        what: "an edit",
        bytes,
        limit: u32::MAX.into(),
    })?;
    let mut sealed = (key.envelope.len() as u16).to_le_bytes().to_vec();
    sealed.extend(&key.envelope);
    sealed.extend(body);
    Ok(sealed)
}

/// The envelope and the sealed body; `None` if there is none.
fn split(sealed: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = sealed.split_first_chunk()?;
    let length = usize::from(u16::from_le_bytes(*length));
    rest.split_at_checked(length).filter(|_| (1..=MAX_ENVELOPE_BYTES).contains(&length))
}

/// The name of the key of a blob; `None` if it is not encrypted, or not whole.
pub(super) fn key_id(blob: &[u8]) -> Option<&str> {
    let is_sealed = blob.get(8..12) == Some(&super::FORMAT_VERSION.to_le_bytes());
    let (envelope, _) = split(blob.get(HEADER_BYTES..).filter(|_| is_sealed)?)?;
    key_id_of(envelope)
}

/// The body of blob `number`.
pub(super) fn open(
    number: u64,
    sealed: &[u8],
    context: &[u8],
    file: &str,
    encryption: Option<&Encryption>,
) -> Result<Vec<u8>, Error> {
    let (envelope, body) = split(sealed).ok_or_else(|| corrupt(file, "it does not bear its key"))?;
    let cipher = cipher(number, envelope, file, encryption)?;
    let cipher = cipher.ok_or_else(|| corrupt(file, "it does not bear its key"))?;
    let mut body = body.to_vec();
    cipher
        .open_whole(HEADER_BYTES as u64, context, &mut body)
        .map_err(|_| corrupt(file, "it is not what was encrypted there"))?;
    Ok(body)
}

/// Refuses a blob that is not encrypted where all should be.
pub(super) fn check_plain(number: u64, file: &str, encryption: Option<&Encryption>) -> Result<(), Error> {
    cipher(number, &[], file, encryption).map(drop)
}

fn cipher(
    number: u64,
    envelope: &[u8],
    file: &str,
    encryption: Option<&Encryption>,
) -> Result<Option<FileCipher>, Error> {
    Encryption::of_file(encryption, identity(number), envelope, file).map_err(
        |error: Option<EncryptionError>| {
            error.map_or_else(|| corrupt(file, "the envelope of its key is damaged"), Error::from)
        },
    )
}
