//! Writing a value file, front to back.

use stroma_strata::encryption::{NewFileKey, SEAL_BYTES};
use stroma_strata::storage::BlobWriter;

use super::file::ValueFile;
use super::format::{PIECE_BYTES, STARTS_PER_PIECE, Totals, footer, header};
use super::packed::PackedValue;
use super::packer::Packer;
use super::piece::{PieceForm, PieceHead};
use super::pieces::Framing;
use super::reference::ValueReference;
use crate::{Compression, Error};

/// A value file being written. Dropped, it never was.
#[derive(Debug)]
pub(crate) struct ValueFileWriter {
    output: Output,
    totals: Totals,
    packer: Packer,
    value: UnderWay,
}

/// Where pieces are written to.
#[derive(Debug)]
struct Output {
    blob: Box<dyn BlobWriter>,
    file: u64,
    framing: Framing,
    /// What it is encrypted with, if it is.
    key: Option<NewFileKey>,
}

impl Output {
    fn write(&mut self, head: PieceHead, bytes: &[u8]) -> Result<(), Error> {
        let cipher = self.key.as_ref().map(|key| &key.cipher);
        let place = (self.file, self.blob.position());
        let framed = self.framing.frame(head, bytes, place, cipher)?;
        Ok(self.blob.write_all(framed)?)
    }
}

/// The value that is being written.
#[derive(Debug, Default)]
struct UnderWay {
    offset: u64,
    length: u64,
    /// Whether a piece of it is compressed.
    is_packed: bool,
    /// Where its pieces begin, from its own start on: eight bytes for each 64 KiB.
    starts: Vec<u64>,
}

impl UnderWay {
    /// Its next piece, which stands for so many bytes of it, is written at `position`.
    fn note_piece(&mut self, position: u64, form: PieceForm, raw: usize) {
        self.starts.push(position - self.offset);
        self.length += raw as u64;
        self.is_packed |= form != PieceForm::Plain;
    }
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
        let output = Output { blob, file, framing: Framing::default(), key };
        Ok(ValueFileWriter { output, totals, packer: Packer::default(), value: UnderWay::default() })
    }

    /// The number of the file.
    pub(super) fn file(&self) -> u64 {
        self.totals.file
    }

    /// Bytes written so far.
    pub(super) fn position(&self) -> u64 {
        self.output.blob.position()
    }

    /// Adds a whole value, which is not empty.
    pub(super) fn append(&mut self, value: &[u8], compression: Compression) -> Result<ValueReference, Error> {
        self.begin_value(compression);
        let last = value.len().div_ceil(PIECE_BYTES).saturating_sub(1);
        for (number, piece) in value.chunks(PIECE_BYTES).enumerate() {
            self.append_piece(piece, number == last)?;
        }
        self.end_value()
    }

    /// Adds a copy of a value of another file as it is stored there, a piece at a time.
    pub(super) fn append_copy(
        &mut self,
        from: &ValueFile,
        reference: ValueReference,
    ) -> Result<ValueReference, Error> {
        let offset = self.position();
        from.each_stored_piece(reference, |head, bytes| self.output.write(head, bytes))?;
        self.totals.values += 1;
        self.totals.value_bytes += reference.length;
        Ok(ValueReference { file: self.totals.file, offset, ..reference })
    }

    /// Adds a value that was packed before, its pieces as they are.
    pub(super) fn append_packed(&mut self, value: PackedValue<'_>) -> Result<ValueReference, Error> {
        self.begin_value(Compression::None);
        value.each_piece(|head, bytes, raw| {
            self.value.note_piece(self.position(), head.form, raw);
            self.output.write(head, bytes)
        })?;
        self.end_value()
    }

    /// Begins a value that is added piece by piece.
    pub(super) fn begin_value(&mut self, compression: Compression) {
        self.packer.pack_with(compression);
        self.value.offset = self.position();
        (self.value.length, self.value.is_packed) = (0, false);
        self.value.starts.clear();
    }

    /// Adds a piece of the value that was begun: [`PIECE_BYTES`] bytes, or fewer and the last one.
    pub(super) fn append_piece(&mut self, piece: &[u8], is_last: bool) -> Result<(), Error> {
        let position = self.position();
        let (form, bytes) = self.packer.pack(piece);
        self.value.note_piece(position, form, piece.len());
        self.output.write(PieceHead { form, length: bytes.len(), is_last }, bytes)
    }

    /// Ends the value that was begun, whose last piece was added.
    pub(super) fn end_value(&mut self) -> Result<ValueReference, Error> {
        if self.value.is_packed && self.value.starts.len() > 1 {
            self.append_directory()?;
        }
        let UnderWay { offset, length, is_packed, .. } = self.value;
        self.totals.values += 1;
        self.totals.value_bytes += length;
        let packed_bytes = if is_packed { self.position() - offset } else { 0 };
        Ok(ValueReference { file: self.totals.file, offset, length, packed_bytes })
    }

    fn append_directory(&mut self) -> Result<(), Error> {
        let starts = std::mem::take(&mut self.value.starts);
        let mut pieces = starts.chunks(STARTS_PER_PIECE as usize).peekable();
        while let Some(piece) = pieces.next() {
            let bytes: Vec<u8> = piece.iter().flat_map(|start| start.to_le_bytes()).collect();
            let is_last = pieces.peek().is_none();
            let head = PieceHead { form: PieceForm::Directory, length: bytes.len(), is_last };
            self.output.write(head, &bytes)?;
        }
        Ok(())
    }

    /// Seals the file; it is on the device when this returns. Answers its length.
    pub(super) fn seal(mut self) -> Result<u64, Error> {
        let output = &mut self.output;
        if let Some(NewFileKey { cipher, mut envelope }) = output.key.take() {
            self.totals.key_bytes = (envelope.len() + SEAL_BYTES) as u32;
            let foot = footer(self.totals);
            let tag = cipher.seal(output.blob.position(), &foot, &mut []).map_err(|_| {
                Error::corrupt("a value file being written", output.blob.position(), "a footer too long")
            })?;
            envelope.extend_from_slice(&tag);
            output.blob.write_all(&envelope)?;
        }
        output.blob.write_all(&footer(self.totals))?;
        Ok(self.output.blob.seal()?)
    }
}
