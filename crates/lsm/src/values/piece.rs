//! A piece of a value: what stands before its bytes, and what these are.

use super::format::{DIRECTORY_PIECE_BYTES, PIECE_BYTES, PIECE_HEAD_BYTES, START_BYTES};
use crate::block::Tag;

/// The bit of a head that tells that the value ends.
const LAST: u32 = 1 << 31;
/// Where in a head the number of the form stands; below it there is the count of bytes.
const FORM_SHIFT: u32 = 24;
/// The form of pieces that are no part of the value.
const DIRECTORY: u8 = 16;

/// In front of compressed bytes: how many they stand for, less one.
pub(super) const RAW_LENGTH_BYTES: usize = 2;
/// The fewest bytes of a packed piece.
pub(super) const LEAST_PACKED_BYTES: usize = RAW_LENGTH_BYTES + 1;

/// What the bytes of a piece are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceForm {
    /// Bytes of the value.
    Plain,
    /// How many bytes of the value there are, less one, as u16; then these, compressed.
    Packed(Tag),
    /// Where pieces of the value begin.
    Directory,
}

/// What stands before the bytes of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PieceHead {
    pub(super) form: PieceForm,
    /// The bytes that follow.
    pub(super) length: usize,
    /// Whether it holds the end of the value, or of the directory.
    pub(super) is_last: bool,
}

impl PieceHead {
    /// The stored form.
    pub(super) fn encode(self) -> [u8; PIECE_HEAD_BYTES] {
        let form = match self.form {
            PieceForm::Plain => 0,
            PieceForm::Packed(tag) => tag.code(),
            PieceForm::Directory => DIRECTORY,
        };
        let last = if self.is_last { LAST } else { 0 };
        (self.length as u32 | u32::from(form) << FORM_SHIFT | last).to_le_bytes()
    }

    /// Reads the stored form; none if no piece has such a head.
    pub(super) fn decode(bytes: [u8; PIECE_HEAD_BYTES]) -> Option<PieceHead> {
        let word = u32::from_le_bytes(bytes);
        let (length, is_last) = ((word & ((1 << FORM_SHIFT) - 1)) as usize, word & LAST != 0);
        let form = match ((word & !LAST) >> FORM_SHIFT) as u8 {
            0 => PieceForm::Plain,
            code if code == Tag::LZ4.code() => PieceForm::Packed(Tag::LZ4),
            code if code == Tag::ZSTD.code() => PieceForm::Packed(Tag::ZSTD),
            DIRECTORY => PieceForm::Directory,
            _ => return None,
        };
        let is_sound = match form {
            PieceForm::Plain if is_last => (1..=PIECE_BYTES).contains(&length),
            PieceForm::Plain => length == PIECE_BYTES,
            PieceForm::Packed(_) => (LEAST_PACKED_BYTES..=PIECE_BYTES).contains(&length),
            PieceForm::Directory if is_last => {
                (1..=DIRECTORY_PIECE_BYTES).contains(&length) && length.is_multiple_of(START_BYTES)
            }
            PieceForm::Directory => length == DIRECTORY_PIECE_BYTES,
        };
        is_sound.then_some(PieceHead { form, length, is_last })
    }
}

/// How many bytes of the value a piece stands for; none for a directory, or what is no packed piece.
pub(super) fn raw_length(form: PieceForm, bytes: &[u8]) -> Option<usize> {
    match form {
        PieceForm::Plain => Some(bytes.len()),
        PieceForm::Packed(_) => {
            let (length, _) = bytes.split_first_chunk::<RAW_LENGTH_BYTES>()?;
            Some(usize::from(u16::from_le_bytes(*length)) + 1)
        }
        PieceForm::Directory => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_back_and_impossible_ones_are_refused() {
        let heads = [
            (PieceForm::Plain, PIECE_BYTES, false),
            (PieceForm::Plain, 1, true),
            (PieceForm::Packed(Tag::LZ4), 3, false),
            (PieceForm::Packed(Tag::ZSTD), PIECE_BYTES, true),
            (PieceForm::Directory, DIRECTORY_PIECE_BYTES, false),
            (PieceForm::Directory, 16, true),
        ];
        for (form, length, is_last) in heads {
            let head = PieceHead { form, length, is_last };
            assert_eq!(PieceHead::decode(head.encode()), Some(head));
        }
        let refused = [
            (PieceForm::Plain, 0, true),
            (PieceForm::Plain, 5, false),
            (PieceForm::Plain, PIECE_BYTES + 1, true),
            (PieceForm::Packed(Tag::LZ4), 2, false),
            (PieceForm::Packed(Tag::LZ4), PIECE_BYTES + 1, false),
            (PieceForm::Packed(Tag::ZSTD_DICTIONARY), 9, false),
            (PieceForm::Directory, 12, true),
            (PieceForm::Directory, 16, false),
            (PieceForm::Directory, PIECE_BYTES, true),
        ];
        for (form, length, is_last) in refused {
            assert_eq!(PieceHead::decode(PieceHead { form, length, is_last }.encode()), None, "{form:?}");
        }
        assert_eq!(PieceHead::decode(0x7f00_0009_u32.to_le_bytes()), None);
    }
}
