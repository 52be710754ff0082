//! Reading values from a value file, piece by piece.

use stroma_strata::encryption::{FileCipher, SEAL_BYTES};

use super::file::ValueFile;
use super::format::{
    DIRECTORY_PIECE_BYTES, HEADER_BYTES, PIECE_BYTES, PIECE_FRAME_BYTES, PIECE_HEAD_BYTES, PIECE_TAIL_BYTES,
    START_BYTES, STARTS_PER_PIECE, piece_checksum,
};
use super::packer::{UNPACKED, unpack};
use super::piece::{PieceForm, PieceHead, raw_length};
use super::reference::ValueReference;
use crate::Error;
use crate::block::Failure;

/// How many times the bytes of a packed value memory is asked for at once: what is more comes as it is unpacked.
const LIKELY_RATIO: u64 = 16;

/// A piece as it is stored, verified and decrypted.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredPiece<'a> {
    pub(super) head: PieceHead,
    pub(super) bytes: &'a [u8],
}

impl StoredPiece<'_> {
    /// Bytes that it takes in the file.
    pub(super) fn framed_bytes(&self) -> u64 {
        (self.bytes.len() + PIECE_FRAME_BYTES) as u64
    }
}

/// What is known of where the pieces of one packed value begin.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// A piece, and where in the file it begins.
    next: Option<(u64, u64)>,
    /// A piece of the directory, by its number.
    directory: Option<(u64, Vec<u8>)>,
}

impl ValueFile {
    /// The value that `reference` leads to.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is damaged, or the reference leads nowhere; [`Error::Unsupported`] if this build lacks
    /// what it was compressed with.
    pub(crate) fn read(&self, reference: ValueReference) -> Result<Vec<u8>, Error> {
        self.check(reference)?;
        let likely = reference.length.min(reference.stored_bytes().saturating_mul(LIKELY_RATIO));
        let mut value = Vec::with_capacity(likely as usize);
        self.each_piece(reference, |piece| self.unpack_piece(reference, piece, &mut value))?;
        Ok(value)
    }

    /// Reads a value, a piece at a time, and compares its checksums.
    ///
    /// # Errors
    /// As [`ValueFile::read`].
    pub(crate) fn verify_value(&self, reference: ValueReference) -> Result<(), Error> {
        let end = self.check(reference)?;
        let (mut at, mut starts, mut raw) = (reference.offset, Vec::new(), Vec::new());
        self.each_piece(reference, |piece| {
            starts.push(at - reference.offset);
            at += piece.framed_bytes();
            raw.clear();
            self.unpack_piece(reference, piece, &mut raw)
        })?;
        if reference.is_packed() { self.check_directory(at, end, &starts) } else { Ok(()) }
    }

    /// Puts piece `number` of a value into `into`; `starts` is kept from one call for a value to the next.
    ///
    /// # Errors
    /// As [`ValueFile::read`].
    pub(super) fn read_piece(
        &self,
        reference: ValueReference,
        number: u64,
        starts: &mut Starts,
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.check(reference)?;
        let at = self.start_of(reference, number, starts)?;
        let mut copy = Vec::new();
        let piece = self.data_piece(reference, number, at, &mut copy)?;
        starts.next = Some((number + 1, at + piece.framed_bytes()));
        into.clear();
        self.unpack_piece(reference, piece, into)
    }

    /// Tells every piece of a value as it is stored, those of a directory included.
    ///
    /// # Errors
    /// As [`ValueFile::read`], and those of `each`.
    pub(super) fn each_stored_piece(
        &self,
        reference: ValueReference,
        mut each: impl FnMut(PieceHead, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.check(reference)?;
        self.each_piece(reference, |piece| each(piece.head, piece.bytes))?;
        if reference.directory_bytes() > 0 {
            let mut copy = Vec::new();
            for part in 0..reference.pieces().div_ceil(STARTS_PER_PIECE) {
                let piece = self.directory_piece(reference, part, &mut copy)?;
                each(piece.head, piece.bytes)?;
            }
        }
        Ok(())
    }

    /// Tells every piece of the value of a checked reference in turn.
    fn each_piece(
        &self,
        reference: ValueReference,
        mut each: impl FnMut(StoredPiece<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut at, mut copy) = (reference.offset, Vec::new());
        for number in 0..reference.pieces() {
            let piece = self.data_piece(reference, number, at, &mut copy)?;
            at += piece.framed_bytes();
            each(piece)?;
        }
        let end = reference.end().map(|end| end - reference.directory_bytes());
        if end == Some(at) { Ok(()) } else { Err(self.other_length(at)) }
    }

    fn other_length(&self, at: u64) -> Error {
        Error::corrupt(self.place(), at, "a value is not as long as its reference says")
    }

    /// Where piece `number` of the value of a checked reference begins in the file.
    fn start_of(&self, reference: ValueReference, number: u64, starts: &mut Starts) -> Result<u64, Error> {
        if !reference.is_packed() {
            return Ok(reference.offset + number * (PIECE_BYTES + PIECE_FRAME_BYTES) as u64);
        }
        if number == 0 {
            return Ok(reference.offset);
        }
        if let Some((next, at)) = starts.next
            && next == number
        {
            return Ok(at);
        }
        let part = number / STARTS_PER_PIECE;
        let bytes = match &mut starts.directory {
            Some((known, bytes)) if *known == part => bytes,
            directory => {
                let mut copy = Vec::new();
                let bytes = self.directory_piece(reference, part, &mut copy)?.bytes.to_vec();
                &mut directory.insert((part, bytes)).1
            }
        };
        let at = (number % STARTS_PER_PIECE) as usize * START_BYTES;
        let start =
            bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map(|bytes| u64::from_le_bytes(*bytes));
        let is_inside = |start: &u64| *start < reference.packed_bytes - reference.directory_bytes();
        let start = start.filter(is_inside).ok_or_else(|| self.other_length(reference.offset))?;
        Ok(reference.offset + start)
    }

    /// Piece `number` of the value of a checked reference, which begins at `at`: in place if the file is mapped, else
    /// in `copy`.
    fn data_piece<'a>(
        &'a self,
        reference: ValueReference,
        number: u64,
        at: u64,
        copy: &'a mut Vec<u8>,
    ) -> Result<StoredPiece<'a>, Error> {
        let left = reference.length - number * PIECE_BYTES as u64;
        let expected = left.min(PIECE_BYTES as u64);
        let end = reference.end().map_or(0, |end| end - reference.directory_bytes());
        let told = match (reference.is_packed(), reference.pieces()) {
            (false, _) => Some(expected as usize + PIECE_FRAME_BYTES),
            (true, 1) => usize::try_from(reference.packed_bytes).ok(),
            (true, _) => None,
        };
        let piece = self.stored_piece(at, end, told, copy)?;
        let raw = raw_length(piece.head.form, piece.bytes);
        if raw != Some(expected as usize) || piece.head.is_last != (left == expected) {
            return Err(self.other_length(at));
        }
        Ok(piece)
    }

    /// A piece of the directory of a checked reference.
    fn directory_piece<'a>(
        &'a self,
        reference: ValueReference,
        part: u64,
        copy: &'a mut Vec<u8>,
    ) -> Result<StoredPiece<'a>, Error> {
        let end = reference.end().unwrap_or_default();
        let at =
            end - reference.directory_bytes() + part * (DIRECTORY_PIECE_BYTES + PIECE_FRAME_BYTES) as u64;
        let told = (reference.pieces() - part * STARTS_PER_PIECE).min(STARTS_PER_PIECE) as usize;
        let piece = self.stored_piece(at, end, Some(told * START_BYTES + PIECE_FRAME_BYTES), copy)?;
        if piece.head.form == PieceForm::Directory { Ok(piece) } else { Err(self.other_length(at)) }
    }

    /// Compares the directory of a value, from `at` to `end`, with where its pieces begin.
    fn check_directory(&self, mut at: u64, end: u64, starts: &[u64]) -> Result<(), Error> {
        let mut copy = Vec::new();
        let parts = if starts.len() > 1 { starts.chunks(STARTS_PER_PIECE as usize) } else { [].chunks(1) };
        for part in parts {
            let piece =
                self.stored_piece(at, end, Some(part.len() * START_BYTES + PIECE_FRAME_BYTES), &mut copy)?;
            let told = piece.bytes.chunks(START_BYTES);
            let is_so = told.eq(part.iter().map(|start| start.to_le_bytes()));
            if piece.head.form != PieceForm::Directory || !is_so {
                let what = "the directory of a value does not tell where its pieces begin";
                return Err(Error::corrupt(self.place(), at, what));
            }
            at += piece.framed_bytes();
        }
        if at == end { Ok(()) } else { Err(self.other_length(at)) }
    }

    fn unpack_piece(
        &self,
        reference: ValueReference,
        piece: StoredPiece<'_>,
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        unpack(piece.head.form, piece.bytes, into)
            .map_err(|failure| failure.into_error(self.place(), reference.offset, UNPACKED))
    }

    /// The piece at `offset`, which ends at or before `end`; it takes `told` bytes if that is known.
    fn stored_piece<'a>(
        &'a self,
        offset: u64,
        end: u64,
        told: Option<usize>,
        copy: &'a mut Vec<u8>,
    ) -> Result<StoredPiece<'a>, Error> {
        let count = match told {
            Some(count) => count,
            None => self.framed_bytes_at(offset, end)?,
        };
        if offset.checked_add(count as u64).is_none_or(|behind| behind > end) {
            return Err(self.other_length(offset));
        }
        let framed = match self.cipher() {
            None => self.framed(offset, count, copy)?,
            Some(cipher) => self.decrypted(offset, count, copy, cipher)?,
        };
        let head = framed.first_chunk().and_then(|head| PieceHead::decode(*head));
        let head = head.ok_or_else(|| self.other_length(offset))?;
        Ok(StoredPiece { head, bytes: &framed[PIECE_HEAD_BYTES..PIECE_HEAD_BYTES + head.length] })
    }

    /// How many bytes the piece at `offset` takes by its head, which nothing has checked yet.
    fn framed_bytes_at(&self, offset: u64, end: u64) -> Result<usize, Error> {
        let cut = || Error::corrupt(self.place(), offset, "a piece of a value is cut short");
        let room = end.saturating_sub(offset);
        if room < PIECE_FRAME_BYTES as u64 {
            return Err(cut());
        }
        let mut head = [0; PIECE_HEAD_BYTES];
        self.copy_stored(offset, &mut head)?;
        let head = PieceHead::decode(head).ok_or_else(cut)?;
        let count = head.length + PIECE_FRAME_BYTES;
        if room < count as u64 { Err(cut()) } else { Ok(count) }
    }

    /// The framed piece of so many bytes from `offset` on, decrypted, its checksum verified.
    fn decrypted<'a>(
        &self,
        offset: u64,
        count: usize,
        copy: &'a mut Vec<u8>,
        cipher: &FileCipher,
    ) -> Result<&'a [u8], Error> {
        self.copy_framed(offset, count, copy)?;
        let foreign =
            || Error::corrupt(self.place(), offset, "a piece of a value is not what was encrypted there");
        let (head, rest) = copy.split_first_chunk_mut::<PIECE_HEAD_BYTES>().ok_or_else(foreign)?;
        let (bytes, tail) = rest.split_last_chunk_mut::<PIECE_TAIL_BYTES>().ok_or_else(foreign)?;
        let (tag, _) = tail.split_first_chunk::<SEAL_BYTES>().ok_or_else(foreign)?;
        cipher.open(offset, head, bytes, tag).map_err(|_| foreign())?;
        Ok(copy)
    }

    /// So many bytes from `offset` on, which are before the footer, their checksum verified.
    fn framed<'a>(&'a self, offset: u64, count: usize, copy: &'a mut Vec<u8>) -> Result<&'a [u8], Error> {
        if let Some(mapped) = self.blob().mapped() {
            let start = offset as usize;
            let framed = mapped
                .get(start..start + count)
                .ok_or_else(|| Error::corrupt(self.place(), offset, "the file ends within a value"))?;
            self.check_piece(framed, offset)?;
            return Ok(framed);
        }
        self.copy_framed(offset, count, copy)?;
        Ok(copy)
    }

    fn copy_framed(&self, offset: u64, count: usize, copy: &mut Vec<u8>) -> Result<(), Error> {
        copy.resize(count, 0);
        self.copy_stored(offset, copy)?;
        self.check_piece(copy, offset)
    }

    /// Fills `into` with what is stored from `offset` on: from the mapping if there is one, since a read by a call may
    /// have to open the file first.
    fn copy_stored(&self, offset: u64, into: &mut [u8]) -> Result<(), Error> {
        let mapped = self.blob().mapped().and_then(|mapped| mapped.get(offset as usize..)?.get(..into.len()));
        match mapped {
            Some(stored) => into.copy_from_slice(stored),
            None => self.blob().read_exact_at(offset, into)?,
        }
        Ok(())
    }

    /// Compares the checksum of a framed piece, and its length with what its head says.
    fn check_piece(&self, framed: &[u8], offset: u64) -> Result<(), Error> {
        let damaged =
            || Error::corrupt(self.place(), offset, "a piece of a value does not have its checksum");
        let (body, checksum) = framed.split_last_chunk::<8>().ok_or_else(damaged)?;
        let head = body.first_chunk::<PIECE_HEAD_BYTES>().ok_or_else(damaged)?;
        let expected = piece_checksum(body, self.number(), offset);
        let head = PieceHead::decode(*head).ok_or_else(damaged)?;
        let is_whole = head.length + PIECE_HEAD_BYTES + SEAL_BYTES == body.len();
        if u64::from_le_bytes(*checksum) != expected || !is_whole {
            return Err(damaged());
        }
        Ok(())
    }

    /// Reads the file from end to end, compares every checksum and count, and unpacks what is packed, but for what this
    /// build cannot.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the first place that does not hold.
    pub(crate) fn verify(&self) -> Result<(), Error> {
        // The ends are read anew: they were checked when the file was opened, which may be long ago.
        self.inspect_anew()?;
        let (mut values, mut value_bytes, mut unpacked) = (0, 0, Vec::new());
        let unpack_piece = |at, piece: StoredPiece<'_>| {
            unpacked.clear();
            match unpack(piece.head.form, piece.bytes, &mut unpacked) {
                Err(failure @ Failure::Damaged) => Err(failure.into_error(self.place(), at, UNPACKED)),
                Ok(()) | Err(Failure::Unsupported(_)) => Ok(()),
            }
        };
        self.walk_pieces(unpack_piece, |reference| {
            values += 1;
            value_bytes += reference.length;
            true
        })?;
        if (values, value_bytes) == self.contents() {
            return Ok(());
        }
        Err(Error::corrupt(self.place(), self.data_end(), "the footer contradicts the values"))
    }

    /// Reads the file from end to end and tells of each value where it is and how long, as long as `each` wants more.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the first place that does not hold.
    pub(crate) fn walk(&self, each: impl FnMut(ValueReference) -> bool) -> Result<(), Error> {
        self.walk_pieces(|_, _| Ok(()), each)
    }

    /// The same, and tells each piece of a value and where it is, those of directories left aside.
    fn walk_pieces(
        &self,
        mut each_piece: impl FnMut(u64, StoredPiece<'_>) -> Result<(), Error>,
        mut each: impl FnMut(ValueReference) -> bool,
    ) -> Result<(), Error> {
        let end = self.data_end();
        let mut at = HEADER_BYTES as u64;
        let (mut starts, mut copy) = (Vec::new(), Vec::new());
        while at < end {
            let (offset, mut length, mut is_packed) = (at, 0, false);
            starts.clear();
            loop {
                let piece = self.stored_piece(at, end, None, &mut copy)?;
                let StoredPiece { head: PieceHead { form, is_last, .. }, bytes } = piece;
                let raw = raw_length(form, bytes).filter(|raw| is_last || *raw == PIECE_BYTES);
                length += raw.ok_or_else(|| self.other_length(at))? as u64;
                each_piece(at, piece)?;
                is_packed |= form != PieceForm::Plain;
                starts.push(at - offset);
                at += piece.framed_bytes();
                if is_last {
                    break;
                }
            }
            let mut reference = ValueReference { file: self.number(), offset, length, packed_bytes: 0 };
            if is_packed {
                // What comes before the directory is not counted yet, and tells how long that is.
                reference.packed_bytes = at - offset;
                let behind = at + reference.directory_bytes();
                self.check_directory(at, behind.min(end), &starts)?;
                reference.packed_bytes = behind - offset;
                at = behind;
            }
            if !each(reference) {
                return Ok(());
            }
        }
        Ok(())
    }
}
