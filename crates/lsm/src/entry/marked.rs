//! Values that are not what they say by themselves: operands of a merge operator, puts that expire, short values that
//! were made smaller, and large values that were compressed, or tried to be.
//!
//! An entry of kind [`Marked`](super::Kind::Marked) has in front of its content a byte that tells what it is, and
//! what that needs. So the few entries of this kind pay for it, and all others stay as they are.

use super::{EntryRef, Kind};
use crate::Error;
use crate::coding::{Reader, put_bytes, put_varint};

/// Milliseconds since the Unix epoch.
pub(crate) type Timestamp = u64;

/// The time of what does not expire.
pub(crate) const NEVER: Timestamp = u64::MAX;

/// When a reader began, as far as that decides what marked values are to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The time; what expires by then has expired.
    pub(crate) time: Timestamp,
    /// How many merges with filters were over: what they took out or changed is so.
    pub(crate) turn: u64,
}

/// The content is an operand.
const OPERAND: u8 = 1;
/// A timestamp follows as a varint; then the content is a value.
const EXPIRING: u8 = 2;
/// The same, and the content is a reference to a value file.
const EXPIRING_STORED: u8 = 3;

/// What a filter left of an entry follows, and what it was before: see [`Filtered`].
const FILTERED: u8 = 4;
/// A timestamp follows as a varint; then the content is an operand.
const EXPIRING_OPERAND: u8 = 5;

/// The content is a large value in compressed pieces. Only in the log and in memory: in tables they are references.
const PACKED: u8 = 6;
/// The content is a large value that does not become smaller when it is compressed. Likewise.
const INCOMPRESSIBLE: u8 = 7;

/// The content is a [`ShortValue`](crate::values::ShortValue), also in tables.
const SHORT: u8 = 8;

/// What a merge's filter made of an entry, for those who begin to read after that merge, and what it is for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filtered<'a> {
    /// The number of the merge.
    pub(crate) turn: u64,
    /// The kind and value since then; nothing if it was taken out.
    pub(crate) after: Option<(Kind, &'a [u8])>,
    /// The kind and value before.
    pub(crate) before: (Kind, &'a [u8]),
}

impl<'a> Filtered<'a> {
    /// The kind and value at a moment.
    pub(crate) fn at(&self, turn: u64) -> Option<(Kind, &'a [u8])> {
        if self.turn <= turn { self.after } else { Some(self.before) }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.turn);
        match self.after {
            None => out.push(Kind::Delete.code()),
            Some((kind, value)) => {
                out.push(kind.code());
                put_bytes(out, value);
            }
        }
        out.push(self.before.0.code());
        out.extend_from_slice(self.before.1);
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let turn = reader.varint()?;
        let kind = |reader: &mut Reader<'a>| Kind::from_code(*reader.take(1)?.first()?);
        let after = match kind(reader)? {
            Kind::Delete => None,
            kind => Some((kind, reader.bytes()?)),
        };
        let before = (kind(reader)?, reader.rest());
        // One in another would have no end.
        let is_plain = |(kind, value): (Kind, &[u8])| match kind {
            Kind::Put | Kind::Stored => true,
            Kind::Delete => false,
            Kind::Marked => matches!(value.first(), Some(&(EXPIRING | EXPIRING_STORED | SHORT))),
        };
        (after.is_none_or(is_plain) && is_plain(before)).then_some(Filtered { turn, after, before })
    }
}

/// What an entry of kind [`Marked`](super::Kind::Marked) holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marked<'a> {
    /// An operand: what a merge operator makes of it and of older entries is the value.
    Operand {
        /// From when on it is as if it had never been written; [`NEVER`] if it stays.
        at: Timestamp,
        /// The operand.
        content: &'a [u8],
    },
    /// A put that counts as a delete from a time on.
    Expiring {
        /// From when on.
        at: Timestamp,
        /// Whether the content is a reference to a value file, and not the value.
        is_stored: bool,
        /// The value, or where it lies.
        content: &'a [u8],
    },
    /// An entry that a filter took out or changed.
    Filtered(Filtered<'a>),
    /// A put of a large value that can be compressed, and is not in a value file yet.
    Packed {
        /// A [`PackedValue`](crate::values::PackedValue).
        pieces: &'a [u8],
    },
    /// A put of a large value that was found to be no smaller when compressed, and is not in a value file yet.
    Incompressible {
        /// The value.
        content: &'a [u8],
    },
    /// A put of a short value that was made smaller.
    Short {
        /// A [`ShortValue`](crate::values::ShortValue).
        stored: &'a [u8],
    },
}

/// What a reader sees of a marked value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    /// Nothing, as if it were a delete.
    Absent,
    /// A value.
    Value(&'a [u8]),
    /// A value in compressed pieces.
    Packed(&'a [u8]),
    /// A short value that was made smaller.
    Short(&'a [u8]),
    /// A value in a value file, by an encoded reference.
    Stored(&'a [u8]),
    /// An operand. What is older counts as well.
    Operand {
        /// From when on it counts for nothing.
        at: Timestamp,
        /// The operand.
        content: &'a [u8],
    },
}

impl<'a> Marked<'a> {
    /// Replaces `out` by the encoded form. Its first byte is not 0.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.clear();
        self.append(out);
    }

    /// Appends the encoded form.
    pub(crate) fn append(&self, out: &mut Vec<u8>) {
        match *self {
            Marked::Operand { at: NEVER, content } => {
                out.push(OPERAND);
                out.extend_from_slice(content);
            }
            Marked::Operand { at, content } => {
                out.push(EXPIRING_OPERAND);
                put_varint(out, at);
                out.extend_from_slice(content);
            }
            Marked::Expiring { at, is_stored, content } => {
                out.push(if is_stored { EXPIRING_STORED } else { EXPIRING });
                put_varint(out, at);
                out.extend_from_slice(content);
            }
            Marked::Filtered(filtered) => {
                out.push(FILTERED);
                filtered.encode(out);
            }
            Marked::Packed { pieces } => {
                out.push(PACKED);
                out.extend_from_slice(pieces);
            }
            Marked::Incompressible { content } => {
                out.push(INCOMPRESSIBLE);
                out.extend_from_slice(content);
            }
            Marked::Short { stored } => {
                out.push(SHORT);
                out.extend_from_slice(stored);
            }
        }
    }

    /// Reads an entry's value.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is none of these.
    #[inline]
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(bytes).ok_or_else(|| Error::corrupt("a marked value", 0, "it is malformed"))
    }

    /// The most frequent kind is told where it is asked for: flushes, merges and walks meet it at every entry.
    #[inline]
    fn read(bytes: &'a [u8]) -> Option<Self> {
        match Marked::short(bytes) {
            Some(stored) => Some(Marked::Short { stored }),
            None => Marked::read_other(bytes),
        }
    }

    fn read_other(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        match *reader.take(1)?.first()? {
            OPERAND => Some(Marked::Operand { at: NEVER, content: reader.rest() }),
            EXPIRING_OPERAND => {
                // There is one way to say each thing.
                let at = reader.varint().filter(|at| *at != NEVER)?;
                Some(Marked::Operand { at, content: reader.rest() })
            }
            mark @ (EXPIRING | EXPIRING_STORED) => {
                let at = reader.varint()?;
                Some(Marked::Expiring { at, is_stored: mark == EXPIRING_STORED, content: reader.rest() })
            }
            PACKED => Some(Marked::Packed { pieces: reader.rest() }),
            INCOMPRESSIBLE => Some(Marked::Incompressible { content: reader.rest() }),
            FILTERED => Filtered::read(&mut reader).map(Marked::Filtered),
            _ => None,
        }
    }

    /// What a reader sees of an entry's value.
    ///
    /// # Errors
    /// As [`Marked::decode`].
    pub(crate) fn seen(bytes: &'a [u8], moment: Moment) -> Result<Seen<'a>, Error> {
        Ok(match Marked::decode(bytes)? {
            Marked::Operand { at, content } => Seen::Operand { at, content },
            Marked::Expiring { at, .. } if at <= moment.time => Seen::Absent,
            Marked::Expiring { is_stored: true, content, .. } => Seen::Stored(content),
            Marked::Expiring { content, .. } | Marked::Incompressible { content } => Seen::Value(content),
            Marked::Packed { pieces } => Seen::Packed(pieces),
            Marked::Short { stored } => Seen::Short(stored),
            Marked::Filtered(filtered) => match filtered.at(moment.turn) {
                None | Some((Kind::Delete, _)) => Seen::Absent,
                Some((Kind::Put, value)) => Seen::Value(value),
                Some((Kind::Stored, reference)) => Seen::Stored(reference),
                // Never one in another.
                Some((Kind::Marked, bytes)) => Marked::seen(bytes, moment)?,
            },
        })
    }

    /// The short value that was made smaller, if the value of a marked entry is one. Everyone sees it alike.
    #[inline]
    pub(crate) fn short(bytes: &'a [u8]) -> Option<&'a [u8]> {
        bytes.strip_prefix(&[SHORT])
    }

    /// Whether a filter took the entry out.
    pub(crate) fn is_removed(entry: &EntryRef<'_>) -> bool {
        entry.kind == Kind::Marked
            && matches!(Marked::read(entry.value), Some(Marked::Filtered(Filtered { after: None, .. })))
    }

    /// Whether the bytes are those of an operand, if they are any.
    pub(crate) fn is_operand(bytes: &[u8]) -> bool {
        matches!(bytes.first(), Some(&(OPERAND | EXPIRING_OPERAND)))
    }

    /// When an entry expires, what a filter made of it left aside; [`NEVER`] if it does not.
    ///
    /// # Errors
    /// As [`Marked::decode`].
    pub(crate) fn expiry(entry: &EntryRef<'_>) -> Result<Timestamp, Error> {
        if entry.kind != Kind::Marked {
            return Ok(NEVER);
        }
        Ok(match Marked::decode(entry.value)? {
            Marked::Expiring { at, .. } | Marked::Operand { at, .. } => at,
            Marked::Filtered(_)
            | Marked::Packed { .. }
            | Marked::Incompressible { .. }
            | Marked::Short { .. } => NEVER,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_read_back_and_anything_else_is_refused() {
        let mut bytes = Vec::new();
        for marked in [
            Marked::Operand { at: NEVER, content: b"" },
            Marked::Operand { at: NEVER, content: b"+1" },
            Marked::Operand { at: 0, content: b"" },
            Marked::Operand { at: 1_790_000_000_000, content: b"+1" },
            Marked::Expiring { at: 0, is_stored: false, content: b"" },
            Marked::Expiring { at: 1_790_000_000_000, is_stored: true, content: b"where" },
            Marked::Expiring { at: u64::MAX, is_stored: false, content: b"what" },
            Marked::Packed { pieces: b"pieces" },
            Marked::Incompressible { content: b"noise" },
            Marked::Short { stored: b"short" },
            Marked::Filtered(Filtered { turn: 300, after: None, before: (Kind::Put, b"") }),
            Marked::Filtered(Filtered {
                turn: 1,
                after: Some((Kind::Put, b"new")),
                before: (Kind::Marked, b"\x02\x09old"),
            }),
            Marked::Filtered(Filtered {
                turn: 1,
                after: Some((Kind::Marked, b"\x08new")),
                before: (Kind::Marked, b"\x08old"),
            }),
        ] {
            marked.encode(&mut bytes);
            assert_ne!(bytes[0], 0);
            assert_eq!(Marked::decode(&bytes).unwrap(), marked);
            assert_eq!(Marked::is_operand(&bytes), matches!(marked, Marked::Operand { .. }));
        }
        for malformed in [
            &b""[..],
            b"\0",
            b"\x05",
            b"\x05\x80",
            b"\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01+1",
            b"\x09",
            b"\x04\x01\0\x03\x06",
            b"\x02",
            b"\x03\xff",
            b"\x02\x80",
            b"\x04\x01\0\x03\x04",
            b"\x04\x01\0\0",
            b"\x04\x01\x01\x05a",
        ] {
            assert!(Marked::decode(malformed).is_err(), "{malformed:?}");
        }
    }

    #[test]
    fn each_reader_sees_what_was_there_when_he_began() {
        let mut bytes = Vec::new();
        let before = (Kind::Marked, &b"\x02\x09old"[..]);
        Marked::Filtered(Filtered { turn: 5, after: Some((Kind::Put, b"new")), before }).encode(&mut bytes);
        let seen = |time, turn| Marked::seen(&bytes, Moment { time, turn }).unwrap();
        assert_eq!(seen(8, 4), Seen::Value(b"old"));
        assert_eq!(seen(9, 4), Seen::Absent);
        assert_eq!(seen(9, 5), Seen::Value(b"new"));
    }
}
