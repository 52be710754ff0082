//! What stands for a short value: sequences as in LZ4's block format.
//!
//! A sequence is a token, literals, and a match: bytes that were there before. The upper half of the token counts the
//! literals, the lower one the bytes of the match beyond four; where that is 15 bytes follow that are added, up to and
//! with the first that is not 255: for the literals right behind the token, for the match behind its offset. The offset
//! tells how far back the match begins, as u16. Where the bytes end behind literals there is no match (Collet, "LZ4
//! Block Format Description"). Unlike there the last sequence may have a match, and the last bytes of a value need not
//! be literals: they are rules for decoders that copy more than they should, and would cost five bytes a value.

/// The fewest bytes of a match.
pub(super) const LEAST_MATCH: usize = 4;
/// The largest part of a length that a token holds; from this on bytes follow.
pub(super) const MOST_IN_TOKEN: usize = 15;
/// The bytes of an offset.
pub(super) const OFFSET_BYTES: usize = 2;
