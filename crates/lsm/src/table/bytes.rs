//! Parts of a table's file as bytes: in place where the storage maps it, read into memory where not.

use std::ops::Range;

use stroma_strata::encryption::FileCipher;
use stroma_strata::storage::Blob;

use crate::Error;

/// A part of a blob.
#[derive(Debug)]
pub(super) enum FileBytes {
    /// In place in the mapped blob.
    InPlace(Range<usize>),
    /// A copy.
    Copied(Vec<u8>),
}

impl FileBytes {
    /// The part of `blob` at `range`, read only if it is not mapped.
    pub(super) fn load(blob: &dyn Blob, range: Range<u64>) -> Result<Self, Error> {
        let outside =
            || Error::corrupt(&blob.describe(), range.start, "a part reaches beyond the file's end");
        if range.start > range.end || range.end > blob.len() {
            return Err(outside());
        }
        let in_memory = |number: u64| usize::try_from(number).map_err(|_| outside());
        if blob.mapped().is_some() {
            return Ok(Self::InPlace(in_memory(range.start)?..in_memory(range.end)?));
        }
        let mut bytes = vec![0; in_memory(range.end - range.start)?];
        blob.read_exact_at(range.start, &mut bytes)?;
        Ok(Self::Copied(bytes))
    }

    /// The same, decrypted into memory: sealed at `offset` of the file with `context`.
    pub(super) fn decrypted(
        self,
        blob: &dyn Blob,
        cipher: &FileCipher,
        offset: u64,
        context: &[u8],
    ) -> Result<Self, Error> {
        let mut bytes = match self {
            Self::Copied(bytes) => bytes,
            in_place => in_place.of(blob).to_vec(),
        };
        cipher.open_whole(offset, context, &mut bytes).map_err(|_| {
            Error::corrupt(&blob.describe(), offset, "a part is not what was encrypted there")
        })?;
        Ok(Self::Copied(bytes))
    }

    /// The bytes themselves; `blob` is the one they were loaded from.
    #[inline]
    pub(super) fn of<'a>(&'a self, blob: &'a dyn Blob) -> &'a [u8] {
        match self {
            Self::InPlace(range) => {
                blob.mapped().and_then(|mapped| mapped.get(range.clone())).unwrap_or_default()
            }
            Self::Copied(bytes) => bytes,
        }
    }

    /// Memory that it takes beside the blob, in bytes.
    #[cfg(test)]
    pub(super) fn copied_bytes(&self) -> usize {
        match self {
            Self::InPlace(_) => 0,
            Self::Copied(bytes) => bytes.len(),
        }
    }
}
