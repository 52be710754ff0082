//! Writing a value file, front to back.

use stroma_strata::encryption::{NewFileKey, SEAL_BYTES};
use stroma_strata::storage::BlobWriter;

use super::file::ValueFile;
use super::format::{PIECE_BYTES, Totals, footer, header};
use super::pieces::Framing;
use super::reference::ValueReference;
use crate::Error;

/// A value file being written. Dropped, it never was.
#[derive(Debug)]
pub(crate) struct ValueFileWriter {
    blob: Box<dyn BlobWriter>,
    totals: Totals,
    framing: Framing,
    /// What it is encrypted with, if it is.
    key: Option<NewFileKey>,
}

impl ValueFileWriter {
    /// Starts the file of this number in `blob`, which is empty.
    pub(super) fn new(
        mut blob: Box<dyn BlobWriter>,
        file: u64,
        key: Option<NewFileKey>,
    ) -> Result<Self, Error> {
        blob.write_all(&header())?;
        let totals = Totals { file, values: 0, value_bytes: 0, key_bytes: 0 };
        Ok(ValueFileWriter { blob, totals, framing: Framing::default(), key })
    }

    /// The number of the file.
    pub(super) fn file(&self) -> u64 {
        self.totals.file
    }

    /// Bytes written so far.
    pub(super) fn position(&self) -> u64 {
        self.blob.position()
    }

    /// Adds a whole value, which is not empty.
    pub(super) fn append(&mut self, value: &[u8]) -> Result<ValueReference, Error> {
        let offset = self.position();
        let last = value.len().div_ceil(PIECE_BYTES).saturating_sub(1);
        for (number, piece) in value.chunks(PIECE_BYTES).enumerate() {
            self.append_piece(piece, number == last)?;
        }
        Ok(self.end_value(offset, value.len() as u64))
    }

    /// Adds a copy of a value of another file, a piece at a time.
    pub(super) fn append_copy(
        &mut self,
        from: &ValueFile,
        reference: ValueReference,
    ) -> Result<ValueReference, Error> {
        let offset = self.position();
        let mut piece = Vec::new();
        let count = super::format::pieces(reference.length);
        for number in 0..count {
            from.read_piece(reference, number, &mut piece)?;
            self.append_piece(&piece, number + 1 == count)?;
        }
        Ok(self.end_value(offset, reference.length))
    }

    /// Adds a piece of a value: [`PIECE_BYTES`] bytes, or fewer and the last one.
    pub(super) fn append_piece(&mut self, piece: &[u8], is_last: bool) -> Result<(), Error> {
        let cipher = self.key.as_ref().map(|key| &key.cipher);
        let framed = self.framing.frame(piece, is_last, self.totals.file, self.blob.position(), cipher)?;
        Ok(self.blob.write_all(framed)?)
    }

    /// Counts a value that was added piece by piece from `offset` on.
    pub(super) fn end_value(&mut self, offset: u64, length: u64) -> ValueReference {
        self.totals.values += 1;
        self.totals.value_bytes += length;
        ValueReference { file: self.totals.file, offset, length }
    }

    /// Seals the file; it is on the device when this returns. Answers its length.
    pub(super) fn seal(mut self) -> Result<u64, Error> {
        if let Some(NewFileKey { cipher, mut envelope }) = self.key.take() {
            self.totals.key_bytes = (envelope.len() + SEAL_BYTES) as u32;
            let foot = footer(self.totals);
            let tag = cipher.seal(self.blob.position(), &foot, &mut []).map_err(|_| {
                Error::corrupt("a value file being written", self.blob.position(), "a footer too long")
            })?;
            envelope.extend_from_slice(&tag);
            self.blob.write_all(&envelope)?;
        }
        self.blob.write_all(&footer(self.totals))?;
        Ok(self.blob.seal()?)
    }
}
