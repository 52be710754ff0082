//! The sixteen bytes that every message begins with.

use super::WireError;

/// The longest message that is taken and that `hello` announces.
pub(crate) const LONGEST_MESSAGE: usize = 48_000_000;

/// Length of a head in bytes.
pub(crate) const HEADER_BYTES: usize = 16;

/// A message's head: four little-endian 32-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Length of the whole message, head included.
    pub(crate) length: usize,
    /// The sender's number for it.
    pub(crate) request_id: i32,
    /// The number of the message it answers.
    pub(crate) response_to: i32,
    /// What kind of body follows.
    pub(crate) opcode: i32,
}

impl Header {
    /// Reads a head; refuses a length that no message can have before anything is allocated for it.
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Header, WireError> {
        let field = |at: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&bytes[at..at + 4]);
            i32::from_le_bytes(word)
        };
        let length = field(0);
        match usize::try_from(length) {
            Ok(length) if (HEADER_BYTES..=LONGEST_MESSAGE).contains(&length) => {
                Ok(Header { length, request_id: field(4), response_to: field(8), opcode: field(12) })
            }
            _ => Err(WireError::Length { length, most: LONGEST_MESSAGE }),
        }
    }

    /// The head's bytes.
    pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let fields = [self.length as i32, self.request_id, self.response_to, self.opcode];
        for (chunk, field) in bytes.chunks_exact_mut(4).zip(fields) {
            chunk.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, LONGEST_MESSAGE};

    #[test]
    fn a_head_reads_as_it_was_written() {
        let header = Header { length: 300, request_id: 7, response_to: -1, opcode: 2013 };
        assert_eq!(Header::parse(&header.to_bytes()).unwrap(), header);
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for length in [-1_i32, 0, 15, LONGEST_MESSAGE as i32 + 1, i32::MAX, i32::MIN] {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&length.to_le_bytes());
            assert!(Header::parse(&bytes).is_err(), "{length}");
        }
    }
}
