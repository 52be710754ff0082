//! A checksummed stretch of a blob, verified the first time it is touched.

use std::sync::OnceLock;

use stroma_strata::storage::Blob;
use xxhash_rust::xxh3::xxh3_64;

use super::LayerError;
use super::format::SectionPointer;

/// A section of a layer file. Where the blob is mapped it is used in place, else it is read once and kept.
#[derive(Debug)]
pub(super) struct Section {
    pointer: SectionPointer,
    /// Set once the checksum was found right; holds the bytes where the blob cannot be mapped.
    verified: OnceLock<Option<Vec<u8>>>,
}

impl Section {
    /// `pointer` must lie within the blob that is given to the other functions.
    pub(super) fn new(pointer: SectionPointer) -> Self {
        Section { pointer, verified: OnceLock::new() }
    }

    pub(super) fn offset(&self) -> u64 {
        self.pointer.offset.get()
    }

    /// The bytes, verified against the checksum if that was not done before.
    pub(super) fn bytes<'a>(&'a self, blob: &'a dyn Blob) -> Result<&'a [u8], LayerError> {
        match self.verified.get() {
            Some(Some(own)) => Ok(own),
            Some(None) => self.mapped(blob),
            None => {
                let own = self.load(blob)?;
                match self.verified.get_or_init(|| own) {
                    Some(own) => Ok(own),
                    None => self.mapped(blob),
                }
            }
        }
    }

    /// Reads the bytes into memory of their own, verified.
    pub(super) fn read(&self, blob: &dyn Blob) -> Result<Vec<u8>, LayerError> {
        // The length was held against the blob's when the layer was opened.
        let mut own = vec![0; self.pointer.bytes.get() as usize];
        blob.read_exact_at(self.offset(), &mut own)?;
        self.check(&own, blob)?;
        Ok(own)
    }

    fn load(&self, blob: &dyn Blob) -> Result<Option<Vec<u8>>, LayerError> {
        if blob.mapped().is_none() {
            return self.read(blob).map(Some);
        }
        self.check(self.mapped(blob)?, blob)?;
        Ok(None)
    }

    fn check(&self, bytes: &[u8], blob: &dyn Blob) -> Result<(), LayerError> {
        if xxh3_64(bytes) == self.pointer.checksum.get() {
            return Ok(());
        }
        Err(self.corrupt(blob, "the checksum of the section does not match"))
    }

    fn mapped<'a>(&self, blob: &'a dyn Blob) -> Result<&'a [u8], LayerError> {
        let range = self.offset() as usize..self.pointer.end().unwrap_or(u64::MAX) as usize;
        let bytes = blob.mapped().and_then(|whole| whole.get(range));
        bytes.ok_or_else(|| self.corrupt(blob, "the section lies outside the file"))
    }

    pub(super) fn corrupt(&self, blob: &dyn Blob, what: &'static str) -> LayerError {
        LayerError::Corrupt { place: blob.describe(), offset: self.offset(), what }
    }
}
