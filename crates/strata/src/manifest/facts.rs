//! What a single manifest blob says, for people who look at one file.

use super::format::{BlobType, decode};
use super::sealed;
use crate::Error;
use crate::encryption::Encryption;

/// The contents of one blob, counted.
#[derive(Debug)]
pub(crate) struct FileFacts {
    pub(crate) number: u64,
    /// The name of the key, if it is encrypted.
    pub(crate) key_id: Option<String>,
    pub(crate) is_snapshot: bool,
    pub(crate) kind: String,
    pub(crate) epoch: u64,
    pub(crate) added: usize,
    pub(crate) removed: usize,
    pub(crate) records: usize,
}

/// Reads a blob by itself, under the number it claims.
pub(crate) fn read_facts(
    bytes: &[u8],
    file: &str,
    encryption: Option<&Encryption>,
) -> Result<FileFacts, Error> {
    let claimed =
        bytes.get(16..24).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let decoded = decode(bytes, claimed, file, encryption)?;
    Ok(FileFacts {
        key_id: sealed::key_id(bytes).map(str::to_owned),
        number: claimed,
        is_snapshot: decoded.blob_type == BlobType::Snapshot,
        kind: decoded.kind,
        epoch: decoded.edit.epoch,
        added: decoded.edit.added.len(),
        removed: decoded.edit.removed.len(),
        records: decoded.edit.put_records.len(),
    })
}
