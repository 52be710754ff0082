//! How the entries of single keyspaces are stored, where that is not as in the rest of the database; and how the
//! catalog keeps it.

use std::collections::HashMap;
use std::sync::Arc;

use super::KeyspaceOptions;
use crate::Compression;
use crate::coding::{Reader, put_varint};
use crate::keyspace::number_of;

/// What stands in front of it in the catalog, behind the name of an operator: no byte of a text.
pub(crate) const STORING_MARK: u8 = 0xff;

/// What was said of one keyspace; `None` for what is as in the rest of the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Storing {
    /// Values at least so long lie in value files, in bytes. Number 1.
    pub(crate) value_threshold: Option<u64>,
    /// The size at which a block ends, in bytes. Number 2.
    pub(crate) block_bytes: Option<u64>,
    /// How blocks are compressed, as a [code](Compression::code): this build may not know it. Number 3.
    compression: Option<u64>,
    /// How values in value files are, likewise. Number 4.
    value_compression: Option<u64>,
}

impl Storing {
    /// What the options say.
    pub(crate) fn of(options: &KeyspaceOptions) -> Storing {
        Storing {
            value_threshold: options.value_threshold.map(|bytes| bytes as u64),
            block_bytes: options.block_bytes.map(|bytes| bytes as u64),
            compression: options.compression.map(Compression::code),
            value_compression: options.value_compression.map(Compression::code),
        }
    }

    /// This, and what `otherwise` says where this says nothing.
    pub(crate) fn or(self, otherwise: Storing) -> Storing {
        Storing {
            value_threshold: self.value_threshold.or(otherwise.value_threshold),
            block_bytes: self.block_bytes.or(otherwise.block_bytes),
            compression: self.compression.or(otherwise.compression),
            value_compression: self.value_compression.or(otherwise.value_compression),
        }
    }

    /// Whether all is as in the rest of the database.
    pub(crate) fn is_usual(&self) -> bool {
        *self == Storing::default()
    }

    /// How blocks are compressed; `None` too if this build has no such compression.
    pub(crate) fn compression(&self) -> Option<Compression> {
        self.compression.and_then(Compression::from_code)
    }

    /// How values in value files are compressed; `None` too if this build has no such compression.
    pub(crate) fn value_compression(&self) -> Option<Compression> {
        self.value_compression.and_then(Compression::from_code)
    }

    fn numbered(&mut self) -> [&mut Option<u64>; 4] {
        [&mut self.value_threshold, &mut self.block_bytes, &mut self.compression, &mut self.value_compression]
    }

    /// Appends the stored form: nothing if all is usual, else a mark, then for each its number and its value, as
    /// varints, by ascending number.
    pub(crate) fn encode(mut self, out: &mut Vec<u8>) {
        if self.is_usual() {
            return;
        }
        out.push(STORING_MARK);
        for (number, value) in (1..).zip(self.numbered()) {
            if let Some(value) = *value {
                put_varint(out, number);
                put_varint(out, value);
            }
        }
    }

    /// Reads what stands behind the mark; `None` if it is malformed.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Storing> {
        let (mut storing, mut reader) = (Storing::default(), Reader::new(bytes));
        let mut before = 0;
        while !reader.is_empty() {
            let number = reader.varint().filter(|number| *number > before)?;
            before = number;
            let at = usize::try_from(number).ok()?.checked_sub(1)?;
            **storing.numbered().get_mut(at)? = Some(reader.varint()?);
        }
        Some(storing)
    }
}

/// The keyspaces of which something was said, as they were at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyspaceStoring(Arc<HashMap<u32, Storing>>);

impl KeyspaceStoring {
    pub(super) fn new(keyspaces: HashMap<u32, Storing>) -> Self {
        KeyspaceStoring(Arc::new(keyspaces))
    }

    /// Whether nothing was said of any.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was said of the keyspace of a stored key.
    pub(crate) fn of(&self, stored_key: &[u8]) -> Storing {
        number_of(stored_key).and_then(|number| self.0.get(&number)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_read_back_and_anything_else_is_refused() {
        let settings = [
            Storing { value_threshold: Some(u64::MAX), ..Storing::default() },
            Storing { block_bytes: Some(0), ..Storing::default() },
            Storing { value_compression: Some(1), ..Storing::default() },
            Storing {
                value_threshold: Some(0),
                block_bytes: Some(1 << 20),
                compression: Some(u64::MAX),
                value_compression: Some(0),
            },
        ];
        for storing in settings {
            let mut bytes = Vec::new();
            storing.encode(&mut bytes);
            assert_eq!(bytes[0], STORING_MARK);
            assert_eq!(Storing::decode(&bytes[1..]), Some(storing));
            assert!(Storing::decode(&bytes[1..bytes.len() - 1]).is_none());
        }
        let mut nothing = Vec::new();
        Storing::default().encode(&mut nothing);
        assert!(nothing.is_empty());
        for malformed in [&[0, 1][..], &[5, 1], &[2, 1, 1, 1], &[1, 1, 1, 1], &[1]] {
            assert!(Storing::decode(malformed).is_none(), "{malformed:?}");
        }
    }
}
