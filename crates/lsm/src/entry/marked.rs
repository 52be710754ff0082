//! Values that are not what they say by themselves: operands of a merge operator, and puts that expire.
//!
//! An entry of kind [`Marked`](super::Kind::Marked) has in front of its content a byte that tells what it is, and
//! what that needs. So the few entries of this kind pay for it, and all others stay as they are.

use crate::Error;

/// The content is an operand.
const OPERAND: u8 = 1;

/// What an entry of kind [`Marked`](super::Kind::Marked) holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marked<'a> {
    /// An operand: what a merge operator makes of it and of older entries is the value.
    Operand(&'a [u8]),
}

impl<'a> Marked<'a> {
    /// Replaces `out` by the encoded form. Its first byte is not 0.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.clear();
        match self {
            Marked::Operand(operand) => {
                out.push(OPERAND);
                out.extend_from_slice(operand);
            }
        }
    }

    /// Reads an entry's value.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is none of these.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(bytes).ok_or_else(|| Error::corrupt("a marked value", 0, "it is malformed"))
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (mark, content) = bytes.split_first()?;
        match *mark {
            OPERAND => Some(Marked::Operand(content)),
            _ => None,
        }
    }
}
