//! Where a separated value lies: what a table, a memtable and the log hold in its place.

use super::format::{directory_bytes, is_packed_length, pieces, plain_bytes};
use crate::Error;
use crate::coding::{Reader, put_varint};

/// Leads to a value. Encoded as varints in this order, without the last one if that is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValueReference {
    /// The number of the file.
    pub(crate) file: u64,
    /// Where in the file its first piece starts.
    pub(crate) offset: u64,
    /// Bytes of the value itself; never 0.
    pub(crate) length: u64,
    /// Bytes that it takes in the file if a piece of it is compressed; 0 if none is.
    pub(crate) packed_bytes: u64,
}

impl ValueReference {
    /// Replaces `out` by the encoded reference.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        out.clear();
        for number in [self.file, self.offset, self.length] {
            put_varint(out, number);
        }
        if self.is_packed() {
            put_varint(out, self.packed_bytes);
        }
    }

    /// Reads an entry's value as a reference.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is none.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes).ok_or_else(|| Error::corrupt("a reference to a value", 0, "it is malformed"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (file, offset, length) = (reader.varint()?, reader.varint()?, reader.varint()?);
        let packed_bytes = match reader.is_empty() {
            true => 0,
            // There is one way to say each thing.
            false => reader.varint().filter(|bytes| is_packed_length(length, *bytes))?,
        };
        let reference = ValueReference { file, offset, length, packed_bytes };
        let is_sound = reader.is_empty() && length > 0 && reference.end().is_some();
        is_sound.then_some(reference)
    }

    /// Whether a piece of it is compressed, so that its pieces are of any length and it has a directory of them, if
    /// there is more than one.
    pub(super) fn is_packed(self) -> bool {
        self.packed_bytes > 0
    }

    /// Bytes that the value takes in its file.
    pub(crate) fn stored_bytes(self) -> u64 {
        self.known_bytes().unwrap_or(u64::MAX)
    }

    fn known_bytes(self) -> Option<u64> {
        if self.is_packed() { Some(self.packed_bytes) } else { plain_bytes(self.length) }
    }

    /// Where the value ends in its file, if that can be told in 64 bits.
    pub(super) fn end(self) -> Option<u64> {
        self.offset.checked_add(self.known_bytes()?)
    }

    /// How many pieces it has, those of a directory left aside.
    pub(super) fn pieces(self) -> u64 {
        pieces(self.length)
    }

    /// Bytes of its directory.
    pub(super) fn directory_bytes(self) -> u64 {
        if self.is_packed() { directory_bytes(self.pieces()) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_back_and_anything_else_is_refused() {
        let mut bytes = Vec::new();
        let reference = ValueReference { file: 20_000_000_001, offset: 16, length: 1 << 40, packed_bytes: 0 };
        let packed = ValueReference { packed_bytes: 1 << 39, ..reference };
        for reference in [reference, packed] {
            reference.encode(&mut bytes);
            assert_eq!(ValueReference::decode(&bytes).unwrap(), reference);
            for end in 0..bytes.len() {
                let cut = ValueReference::decode(&bytes[..end]);
                assert!(cut.is_err() || !cut.unwrap().is_packed(), "cut at {end}");
            }
            bytes.push(0);
            assert!(ValueReference::decode(&bytes).is_err());
        }
        for bad in [
            ValueReference { length: 0, ..reference },
            ValueReference { offset: u64::MAX, ..reference },
            ValueReference { length: u64::MAX, ..reference },
            ValueReference { offset: u64::MAX, ..packed },
            ValueReference { length: u64::MAX, ..packed },
            // More than pieces of a few bytes can be, and more than if nothing of it were compressed.
            ValueReference { packed_bytes: (1 << 24) * 31, ..reference },
            ValueReference { packed_bytes: (1 << 40) + (1 << 24) * 37, ..reference },
        ] {
            bad.encode(&mut bytes);
            assert!(ValueReference::decode(&bytes).is_err(), "{bad:?}");
        }
    }
}
