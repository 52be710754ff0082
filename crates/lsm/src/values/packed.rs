//! Large values that are compressed and not in a value file yet: so they lie in the log, and in memory.
//!
//! They are packed when a batch takes them, by the thread that makes it; the flush takes their pieces as they are. So
//! what can be compressed is small wherever it is written, and it is tried once, also where it comes to nothing.

use std::cell::RefCell;

use super::format::{PIECE_BYTES, PIECE_FRAME_BYTES, PIECE_HEAD_BYTES, directory_bytes, pieces};
use super::packer::{Packers, UNPACKED, unpack};
use super::piece::{PieceForm, PieceHead, raw_length};
use crate::entry::Marked;
use crate::{Compression, Error};

thread_local! {
    static PACKERS: RefCell<Packers> = RefCell::default();
}

/// The pieces of a value, each a head and its bytes, as they will be in a value file but for what frames them there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PackedValue<'a>(&'a [u8]);

impl<'a> PackedValue<'a> {
    /// What these bytes are, which nobody has looked at yet.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        PackedValue(bytes)
    }

    /// Appends a value; answers whether anything of it could be compressed. If not, `out` is as it was.
    fn pack(value: &[u8], compression: Compression, out: &mut Vec<u8>) -> bool {
        let last = value.len().div_ceil(PIECE_BYTES).saturating_sub(1);
        let mut append = |number: usize, form: PieceForm, bytes: &[u8]| {
            let head = PieceHead { form, length: bytes.len(), is_last: number == last };
            out.extend_from_slice(&head.encode());
            out.extend_from_slice(bytes);
        };
        let mut is_packed = false;
        PACKERS.with_borrow_mut(|packers| {
            let packer = packers.of(compression);
            for (number, piece) in value.chunks(PIECE_BYTES).enumerate() {
                let (form, bytes) = packer.pack(piece);
                if !is_packed && form != PieceForm::Plain {
                    is_packed = true;
                    // Those before it, of which it was not known whether they belong to a packed value.
                    for (number, piece) in value.chunks(PIECE_BYTES).enumerate().take(number) {
                        append(number, PieceForm::Plain, piece);
                    }
                }
                if is_packed {
                    append(number, form, bytes);
                }
            }
        });
        is_packed
    }

    /// Tells its pieces, and the bytes of the value that each stands for.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is no packed value; those of `each`.
    pub(super) fn each_piece(
        self,
        mut each: impl FnMut(PieceHead, &'a [u8], usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut rest = self.0;
        loop {
            let (head, behind) = rest.split_first_chunk::<PIECE_HEAD_BYTES>().ok_or_else(malformed)?;
            let head = PieceHead::decode(*head).ok_or_else(malformed)?;
            let (bytes, behind) = behind.split_at_checked(head.length).ok_or_else(malformed)?;
            let may_be = |raw: &usize| head.length <= *raw && (head.is_last || *raw == PIECE_BYTES);
            let raw = raw_length(head.form, bytes).filter(may_be);
            each(head, bytes, raw.ok_or_else(malformed)?)?;
            rest = behind;
            if head.is_last {
                return if rest.is_empty() { Ok(()) } else { Err(malformed()) };
            }
        }
    }

    /// The bytes of the value, and those that it takes in a value file, 0 if nothing of it is compressed; see
    /// [`ValueReference`](super::ValueReference).
    ///
    /// # Errors
    /// As [`PackedValue::each_piece`].
    pub(super) fn lengths(self) -> Result<(u64, u64), Error> {
        let (mut length, mut bytes, mut is_packed) = (0, 0, false);
        self.each_piece(|head, _, raw| {
            length += raw as u64;
            bytes += (head.length + PIECE_FRAME_BYTES) as u64;
            is_packed |= head.form != PieceForm::Plain;
            Ok(())
        })?;
        Ok((length, if is_packed { bytes + directory_bytes(pieces(length)) } else { 0 }))
    }

    /// The value.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is no packed value; [`Error::Unsupported`] if this build lacks what it was compressed
    /// with.
    pub(crate) fn unpack(self) -> Result<Vec<u8>, Error> {
        // Not as long as the pieces say before they are unpacked: that may be a lie.
        let mut value = Vec::new();
        self.each_piece(|head, bytes, _| {
            unpack(head.form, bytes, &mut value).map_err(|failure| failure.into_error(PLACE, 0, UNPACKED))
        })?;
        Ok(value)
    }
}

const PLACE: &str = "a packed value";

fn malformed() -> Error {
    Error::corrupt(PLACE, 0, "it is malformed")
}

/// Appends the marked form of a value that goes to a value file: packed, or as it is if that saves nothing.
pub(crate) fn append_marked(value: &[u8], compression: Compression, out: &mut Vec<u8>) {
    let start = out.len();
    Marked::Packed { pieces: &[] }.append(out);
    if !PackedValue::pack(value, compression, out) {
        out.truncate(start);
        Marked::Incompressible { content: value }.append(out);
    }
}

#[cfg(all(test, feature = "lz4"))]
mod tests {
    use super::super::tests::noise;
    use super::*;

    #[test]
    fn what_was_packed_comes_back_and_what_is_cut_or_longer_is_refused() {
        for length in [256, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 700] {
            let value: Vec<u8> = (0..length).map(|at| (at / 100) as u8).collect();
            let mut packed = vec![9];
            assert!(PackedValue::pack(&value, Compression::Lz4, &mut packed));
            let packed = packed.split_off(1);
            assert!(packed.len() < length / 8 + 60);
            assert!(PackedValue::new(&packed).unpack().unwrap() == value);
            for end in (0..packed.len()).step_by(7) {
                assert!(PackedValue::new(&packed[..end]).unpack().is_err(), "{length} cut at {end}");
            }
            assert!(PackedValue::new(&[&packed[..], &[0]].concat()).unpack().is_err());
            // A piece that is stored in more bytes than it stands for.
            assert!(PackedValue::new(&[&packed[..], &packed].concat()).unpack().is_err());
            // Some pieces of which nothing can be saved, before, between and behind those that are packed.
            for at in 0..length / PIECE_BYTES {
                let mut value = value.clone();
                value[at * PIECE_BYTES..][..PIECE_BYTES].copy_from_slice(&noise(PIECE_BYTES, at as u64 + 1));
                let mut packed = Vec::new();
                if PackedValue::pack(&value, Compression::Lz4, &mut packed) {
                    assert!(PackedValue::new(&packed).unpack().unwrap() == value);
                } else {
                    assert!(length <= PIECE_BYTES + 1, "{length}, of which piece {at} is noise");
                }
            }
        }
        let noise = noise(5000, 1);
        let mut packed = vec![9];
        assert!(!PackedValue::pack(&noise, Compression::Lz4, &mut packed));
        assert_eq!(packed, [9]);
        append_marked(&noise, Compression::Lz4, &mut packed);
        assert_eq!(Marked::decode(&packed[1..]).unwrap(), Marked::Incompressible { content: &noise });
    }
}
