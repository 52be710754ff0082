//! Where a separated value lies: what a table, a memtable and the log hold in its place.

use super::format::stored_bytes;
use crate::Error;
use crate::coding::{Reader, put_varint};

/// Leads to a value. Encoded as three varints in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValueReference {
    /// The number of the file.
    pub(crate) file: u64,
    /// Where in the file its first piece starts.
    pub(crate) offset: u64,
    /// Bytes of the value itself; never 0.
    pub(crate) length: u64,
}

impl ValueReference {
    /// Replaces `out` by the encoded reference.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        out.clear();
        for number in [self.file, self.offset, self.length] {
            put_varint(out, number);
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
        let reference = ValueReference { file, offset, length };
        let is_sound = reader.is_empty() && length > 0 && reference.end().is_some();
        is_sound.then_some(reference)
    }

    /// Bytes that the value takes in its file.
    pub(crate) fn stored_bytes(self) -> u64 {
        stored_bytes(self.length).unwrap_or(u64::MAX)
    }

    /// Where the value ends in its file, if that can be told in 64 bits.
    pub(super) fn end(self) -> Option<u64> {
        self.offset.checked_add(stored_bytes(self.length)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_back_and_anything_else_is_refused() {
        let mut bytes = Vec::new();
        let reference = ValueReference { file: 20_000_000_001, offset: 16, length: 1 << 40 };
        reference.encode(&mut bytes);
        assert_eq!(ValueReference::decode(&bytes).unwrap(), reference);
        for end in 0..bytes.len() {
            assert!(ValueReference::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        bytes.push(0);
        assert!(ValueReference::decode(&bytes).is_err());
        for bad in [
            ValueReference { length: 0, ..reference },
            ValueReference { offset: u64::MAX, ..reference },
            ValueReference { length: u64::MAX, ..reference },
        ] {
            bad.encode(&mut bytes);
            assert!(ValueReference::decode(&bytes).is_err(), "{bad:?}");
        }
    }
}
