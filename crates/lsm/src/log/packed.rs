//! Operations as the log stores them: as in a batch, but for the number of their keyspace, which takes as few bytes
//! as it needs.
//!
//! Nearly every key begins with the four bytes of a small number. Here that number shares a varint with the kind of
//! the operation, one byte for the first thirty keyspaces, so that a put of a short key and value takes three bytes
//! more than these. Replay reads them in this form, where they lie.

use super::operations::{DELETE, DELETE_RANGE, Operation, Operations, PUT, PUT_MARKED, PUT_STORED};
use crate::coding::{Reader, put_bytes, put_varint};
use crate::entry::Kind;
use crate::keyspace::PREFIX_BYTES;

/// The tag of what is no operation: the sequence up to which the log was synced.
const DURABLE_THROUGH: u8 = 0;
/// The kind of all other puts: the first byte of the value tells them apart. Their keys always have a keyspace, so the
/// tag is not zero.
const PACKED_PUT: u8 = 0;
/// What stands before a reference to a value file; marks are not 0.
const REFERENCE: u8 = 0;
/// Bits of a tag that tell the kind; the others number the keyspace from 1, or are 0 if the key is written whole.
const KIND_BITS: u32 = 2;

/// Appends that everything up to `sequence` is on the device. It stands before the operations or nowhere.
pub(super) fn pack_durable_through(sequence: u64, into: &mut Vec<u8>) {
    into.push(DURABLE_THROUGH);
    put_varint(into, sequence);
}

/// Appends the operations of `payload`, which a batch encoded.
pub(super) fn pack(payload: &[u8], into: &mut Vec<u8>) {
    into.reserve(payload.len());
    // They were staged already, so none of them is malformed.
    for operation in Operations::new(payload).flatten() {
        match operation {
            Operation::Put { key, value } => {
                put_key(into, PUT, key);
                put_bytes(into, value);
            }
            Operation::PutStored { key, reference } => {
                put_key(into, PACKED_PUT, key);
                put_varint(into, 1 + reference.len() as u64);
                into.push(REFERENCE);
                into.extend_from_slice(reference);
            }
            Operation::PutMarked { key, value } => {
                put_key(into, PACKED_PUT, key);
                put_bytes(into, value);
            }
            Operation::Delete { key } => put_key(into, DELETE, key),
            Operation::DeleteRange { start, end } => {
                put_key(into, DELETE_RANGE, start);
                put_bytes(into, end);
            }
        }
    }
}

fn put_key(into: &mut Vec<u8>, kind: u8, key: &[u8]) {
    let (space, rest) = match key.split_first_chunk::<PREFIX_BYTES>() {
        Some((prefix, rest)) => (u64::from(u32::from_be_bytes(*prefix)) + 1, rest),
        None => (0, key),
    };
    put_varint(into, space << KIND_BITS | u64::from(kind));
    put_bytes(into, rest);
}

/// What a record holds, in packed form; see [`read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed<'a> {
    /// Everything up to this sequence was on the device; 0 if the record does not say.
    pub(super) durable_through: u64,
    /// How many operations there are, at least one.
    pub(super) operations: u32,
    bytes: &'a [u8],
}

/// Reads the body of a record, all of it or none. Takes one from `steps` for each operation, and gives up when there
/// are none left.
pub(super) fn read<'a>(body: &'a [u8], steps: &mut usize) -> Option<Packed<'a>> {
    let mut reader = Reader::new(body);
    let mut durable_through = 0;
    if *body.first()? == DURABLE_THROUGH {
        reader.take(1)?;
        durable_through = reader.varint()?;
    }
    let bytes = reader.rest();
    let mut operations = 0_u32;
    while !reader.is_empty() {
        *steps = steps.checked_sub(1)?;
        PackedOperation::read(&mut reader)?;
        operations = operations.checked_add(1)?;
    }
    (operations > 0).then_some(Packed { durable_through, operations, bytes })
}

impl<'a> Packed<'a> {
    /// The operations, one by one.
    pub(super) fn operations(&self) -> impl Iterator<Item = PackedOperation<'a>> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || PackedOperation::read(&mut reader))
    }

    /// Appends the operations as a batch encodes them: at most three times as many bytes.
    pub(super) fn unpack(&self, into: &mut Vec<u8>) {
        for item in self.operations() {
            let prefix = item.prefix();
            let prefix = prefix.as_ref().map_or(&[][..], |prefix| prefix);
            match item.kind {
                PUT => Operation::encode_put(into, prefix, item.key, item.second),
                PUT_STORED => Operation::encode_put_stored(into, prefix, item.key, item.second),
                PUT_MARKED => Operation::encode_put_marked(into, prefix, item.key, item.second),
                DELETE => Operation::encode_delete(into, prefix, item.key),
                _ => Operation::encode_delete_range(into, &item.whole_key(), item.second),
            }
        }
    }
}

/// What an operation does to the key or keys it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackedChange<'a> {
    /// The key gets an entry of this kind and value.
    Entry(Kind, &'a [u8]),
    /// All keys up to this one are removed.
    RangeDelete {
        /// The first key that stays, with its prefix.
        end: &'a [u8],
    },
}

/// One packed operation, with its bytes where the log has them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PackedOperation<'a> {
    kind: u8,
    /// The number of the keyspace, which belongs in front of the key, if that is not written whole.
    keyspace: Option<u32>,
    key: &'a [u8],
    /// The value, or the end of a range.
    second: &'a [u8],
}

impl<'a> PackedOperation<'a> {
    /// The bytes in front of [`PackedOperation::key`], if any are missing there.
    #[inline]
    pub(crate) fn prefix(&self) -> Option<[u8; PREFIX_BYTES]> {
        self.keyspace.map(u32::to_be_bytes)
    }

    /// The whole key, or the first key of a range.
    pub(crate) fn whole_key(&self) -> Vec<u8> {
        let prefix = self.prefix();
        [prefix.as_ref().map_or(&[][..], |prefix| prefix), self.key].concat()
    }

    /// The key, or the first key of a range, behind its prefix.
    #[inline]
    pub(crate) fn key(&self) -> &'a [u8] {
        self.key
    }

    /// What the operation does to its key, and the value or reference with it; the end of a range for a delete of one.
    #[inline]
    pub(crate) fn change(&self) -> PackedChange<'a> {
        match self.kind {
            PUT => PackedChange::Entry(Kind::Put, self.second),
            PUT_STORED => PackedChange::Entry(Kind::Stored, self.second),
            PUT_MARKED => PackedChange::Entry(Kind::Marked, self.second),
            DELETE => PackedChange::Entry(Kind::Delete, &[]),
            _ => PackedChange::RangeDelete { end: self.second },
        }
    }

    /// Always inlined, so that what was read stays in registers: recovery spends a good part of its time here.
    #[inline(always)]
    fn read(reader: &mut Reader<'a>) -> Option<PackedOperation<'a>> {
        let tag = reader.varint()?;
        let kind = (tag & ((1 << KIND_BITS) - 1)) as u8;
        let keyspace = match tag >> KIND_BITS {
            0 => None,
            numbered => Some(u32::try_from(numbered - 1).ok()?),
        };
        let key = reader.bytes()?;
        let second = match kind {
            PACKED_PUT if keyspace.is_none() => return None,
            PUT | PACKED_PUT | DELETE_RANGE => reader.bytes()?,
            DELETE => &[],
            _ => return None,
        };
        if kind != PACKED_PUT {
            return Some(PackedOperation { kind, keyspace, key, second });
        }
        match second.split_first()? {
            (&REFERENCE, reference) => {
                Some(PackedOperation { kind: PUT_STORED, keyspace, key, second: reference })
            }
            _ => Some(PackedOperation { kind: PUT_MARKED, keyspace, key, second }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Vec<u8> {
        let mut payload = Vec::new();
        for space in [0, 1, 29, 30, 31, 4000, u32::MAX] {
            let prefix = space.to_be_bytes();
            Operation::encode_put(&mut payload, &prefix, b"key", &[7; 300]);
            Operation::encode_put(&mut payload, &prefix, b"", b"");
            Operation::encode_put_stored(&mut payload, &prefix, b"key", b"\x01where");
            Operation::encode_put_marked(&mut payload, &prefix, b"key", b"\x01+1");
            Operation::encode_delete(&mut payload, &prefix, &[1; 200]);
            Operation::encode_delete_range(&mut payload, &prefix, &space.wrapping_add(1).to_be_bytes());
        }
        Operation::encode_delete(&mut payload, b"", b"abc");
        Operation::encode_put(&mut payload, b"", b"", b"value");
        payload
    }

    #[test]
    fn what_was_packed_is_unpacked_byte_for_byte() {
        let payload = payload();
        for durable_through in [0, 1, 1 << 40] {
            let mut body = Vec::new();
            if durable_through > 0 {
                pack_durable_through(durable_through, &mut body);
            }
            pack(&payload, &mut body);
            let packed = read(&body, &mut usize::MAX.clone()).unwrap();
            assert_eq!((packed.durable_through, packed.operations), (durable_through, 44));
            let mut unpacked = Vec::new();
            packed.unpack(&mut unpacked);
            assert_eq!(unpacked, payload);
            assert_eq!(read(&body, &mut 43), None, "one step too few");
        }
    }

    #[test]
    fn a_put_of_a_short_key_and_value_takes_three_bytes_more() {
        let (mut payload, mut body) = (Vec::new(), Vec::new());
        Operation::encode_put(&mut payload, &[0, 0, 0, 30], &[1; 16], &[2; 100]);
        pack(&payload, &mut body);
        assert_eq!(body.len(), 119);
    }

    #[test]
    fn bodies_cut_short_are_refused_or_hold_fewer_operations() {
        let mut body = Vec::new();
        pack(&payload(), &mut body);
        for length in 0..body.len() {
            let packed = read(&body[..length], &mut usize::MAX.clone());
            assert!(packed.is_none_or(|packed| packed.operations < 44), "{length}");
        }
    }

    #[test]
    fn nothing_but_a_mark_is_refused() {
        let mut body = Vec::new();
        pack_durable_through(9, &mut body);
        assert_eq!(read(&body, &mut 10), None);
        assert_eq!(read(&[0; 40], &mut 10), None);
        assert_eq!(read(&[], &mut 10), None);
    }
}
