//! The operations of a batch as bytes: what a batch collects and a memtable reads.
//!
//! A batch encodes each operation once, when the caller makes it; committing walks over those bytes to fill the
//! memtable and to write the log, which packs them more tightly (see [`super::packed`]). One operation is
//!
//! ```text
//! kind u8 | key length varint | key | value length varint | value      (put)
//! kind u8 | key length varint | key | reference length varint | reference (put stored)
//! kind u8 | key length varint | key | value length varint | marked value (put marked)
//! kind u8 | key length varint | key                                    (delete)
//! kind u8 | start length varint | start | end length varint | end      (delete range, end excluded)
//! ```
//!
//! where a varint holds seven bits a byte, lowest first, at most five bytes, sometimes more than it needs. Keys carry
//! their keyspace's prefix.

use crate::coding::{set_varint, varint_bytes};

/// What an operation does, with its bytes borrowed from the encoded batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    /// Sets `key` to `value`.
    Put { key: &'a [u8], value: &'a [u8] },
    /// Sets `key` to the value that a reference leads to; the file it lies in is on the device.
    PutStored { key: &'a [u8], reference: &'a [u8] },
    /// Gives `key` an entry whose value has a mark in front: an operand, or a put that expires.
    PutMarked { key: &'a [u8], value: &'a [u8] },
    /// Removes `key`.
    Delete { key: &'a [u8] },
    /// Removes every key in `start..end`.
    DeleteRange { start: &'a [u8], end: &'a [u8] },
}

pub(super) const PUT: u8 = 1;
pub(super) const DELETE: u8 = 2;
pub(super) const DELETE_RANGE: u8 = 3;
pub(super) const PUT_STORED: u8 = 4;
pub(super) const PUT_MARKED: u8 = 5;

/// Why encoded operations could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an encoded operation is cut short or of unknown kind at byte {at}")]
pub(crate) struct MalformedOperations {
    /// Where the bad operation starts, in bytes from the start of the payload.
    pub(crate) at: usize,
}

impl Operation<'_> {
    /// Appends the encoded operation; `key` parts are joined, so that a prefix needs no copy of its own.
    pub(crate) fn encode_put(into: &mut Vec<u8>, prefix: &[u8], key: &[u8], value: &[u8]) {
        into.reserve(Operation::put_bytes(prefix.len() + key.len(), value.len()));
        into.push(PUT);
        push_bytes(into, prefix, key);
        push_bytes(into, &[], value);
    }

    /// The bytes of an encoded put of a key and a value of these lengths.
    pub(crate) fn put_bytes(key: usize, value: usize) -> usize {
        1 + varint_bytes(key as u64) + key + varint_bytes(value as u64) + value
    }

    /// The operations of an encoded batch, those changed for which `mark` answers a key: they give that key what `mark`
    /// put into its second argument. `None` if there is none. The batch was encoded by ourselves.
    pub(crate) fn marked<'a>(
        payload: &'a [u8],
        mut mark: impl FnMut(&Operation<'a>, &mut Vec<u8>) -> Option<&'a [u8]>,
    ) -> Option<Vec<u8>> {
        let mut operations = Operations::new(payload);
        // What comes before the first change is copied when that comes, if it does.
        let (mut changed, mut value) = (Vec::new(), Vec::new());
        let mut start = 0;
        while let Some(Ok(operation)) = operations.next() {
            match mark(&operation, &mut value) {
                Some(key) => {
                    if changed.is_empty() {
                        changed.reserve(payload.len());
                        changed.extend_from_slice(&payload[..start]);
                    }
                    Operation::encode_put_marked(&mut changed, &[], key, &value);
                }
                None if changed.is_empty() => {}
                None => changed.extend_from_slice(&payload[start..operations.at]),
            }
            start = operations.at;
        }
        (!changed.is_empty()).then_some(changed)
    }

    /// Appends an encoded put of a value in a value file.
    pub(crate) fn encode_put_stored(into: &mut Vec<u8>, prefix: &[u8], key: &[u8], reference: &[u8]) {
        into.push(PUT_STORED);
        push_bytes(into, prefix, key);
        push_bytes(into, &[], reference);
    }

    /// Appends an encoded put of a value with a mark in front.
    pub(crate) fn encode_put_marked(into: &mut Vec<u8>, prefix: &[u8], key: &[u8], value: &[u8]) {
        into.push(PUT_MARKED);
        push_bytes(into, prefix, key);
        push_bytes(into, &[], value);
    }

    /// The same with a marked value that `append` adds; answers what that does.
    pub(crate) fn encode_put_marked_by<R>(
        into: &mut Vec<u8>,
        prefix: &[u8],
        key: &[u8],
        append: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> R {
        into.push(PUT_MARKED);
        push_bytes(into, prefix, key);
        let start = into.len() + LONGEST_LENGTH;
        into.resize(start, 0);
        let appended = append(into);
        let length = into.len() - start;
        set_varint(&mut into[start - LONGEST_LENGTH..start], length as u64);
        appended
    }

    /// Appends an encoded delete of `prefix` joined with `key`.
    pub(crate) fn encode_delete(into: &mut Vec<u8>, prefix: &[u8], key: &[u8]) {
        into.push(DELETE);
        push_bytes(into, prefix, key);
    }

    /// Appends an encoded range delete; both ends carry their prefix already.
    pub(crate) fn encode_delete_range(into: &mut Vec<u8>, start: &[u8], end: &[u8]) {
        into.push(DELETE_RANGE);
        push_bytes(into, &[], start);
        push_bytes(into, &[], end);
    }
}

/// The bytes of the longest varint.
const LONGEST_LENGTH: usize = 5;

fn push_bytes(into: &mut Vec<u8>, prefix: &[u8], bytes: &[u8]) {
    let mut length = prefix.len() + bytes.len();
    while length >= 0x80 {
        into.push((length as u8) | 0x80);
        length >>= 7;
    }
    into.push(length as u8);
    into.extend_from_slice(prefix);
    into.extend_from_slice(bytes);
}

/// Walks over encoded operations; stops for good at the first malformed one.
#[derive(Debug, Clone)]
pub(crate) struct Operations<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Operations<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Operations { bytes, at: 0 }
    }

    fn parse(&mut self) -> Option<Operation<'a>> {
        let kind = *self.bytes.get(self.at)?;
        self.at += 1;
        let key = self.take_bytes()?;
        match kind {
            PUT => Some(Operation::Put { key, value: self.take_bytes()? }),
            PUT_STORED => Some(Operation::PutStored { key, reference: self.take_bytes()? }),
            PUT_MARKED => Some(Operation::PutMarked { key, value: self.take_bytes()? }),
            DELETE => Some(Operation::Delete { key }),
            DELETE_RANGE => Some(Operation::DeleteRange { start: key, end: self.take_bytes()? }),
            _ => None,
        }
    }

    fn take_bytes(&mut self) -> Option<&'a [u8]> {
        let mut length = 0_usize;
        for shift in (0..7 * LONGEST_LENGTH).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            length |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let end = self.at.checked_add(length)?;
                let taken = self.bytes.get(self.at..end)?;
                self.at = end;
                return Some(taken);
            }
        }
        None
    }
}

impl<'a> Iterator for Operations<'a> {
    type Item = Result<Operation<'a>, MalformedOperations>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let start = self.at;
        match self.parse() {
            Some(operation) => Some(Ok(operation)),
            None => {
                self.at = self.bytes.len();
                Some(Err(MalformedOperations { at: start }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut bytes = Vec::new();
        Operation::encode_put(&mut bytes, b"pre", b"key", &[7; 300]);
        Operation::encode_delete(&mut bytes, b"", b"");
        Operation::encode_delete_range(&mut bytes, b"a", b"z");
        Operation::encode_put_stored(&mut bytes, b"pre", b"big", b"where");
        Operation::encode_put_marked(&mut bytes, b"pre", b"count", b"\x01+1");
        bytes
    }

    #[test]
    fn some_are_marked_and_the_others_stay_as_they_were() {
        let bytes = sample();
        assert_eq!(Operation::marked(&bytes, |_, _| None), None);
        for marked in 0..5 {
            let mut number = 0;
            let changed = Operation::marked(&bytes, |_, value| {
                number += 1;
                value.clear();
                value.push(number);
                (number > marked).then_some(&b"key"[..])
            });
            let changed = changed.expect("some are");
            let read: Vec<_> = Operations::new(&changed).collect::<Result<_, _>>().unwrap();
            let before: Vec<_> = Operations::new(&bytes).collect::<Result<_, _>>().unwrap();
            let (same, others) = read.split_at(usize::from(marked));
            assert_eq!(same, &before[..usize::from(marked)]);
            let all = [[1], [2], [3], [4], [5]];
            let put = |value| Operation::PutMarked { key: b"key", value };
            assert_eq!(others, all[usize::from(marked)..].iter().map(|value| put(value)).collect::<Vec<_>>());
            // One in the middle.
            let mut number = 0;
            let changed = Operation::marked(&bytes, |_, value| {
                number += 1;
                value.clear();
                (number == marked + 1).then_some(&b"key"[..])
            });
            let changed = changed.expect("one is");
            let read: Vec<_> = Operations::new(&changed).collect::<Result<_, _>>().unwrap();
            assert_eq!(read.len(), before.len());
            for (at, (read, before)) in read.iter().zip(&before).enumerate() {
                assert_eq!(read == before, at != usize::from(marked));
            }
        }
    }

    #[test]
    fn a_value_whose_length_is_not_known_before_is_read_back() {
        for length in [0, 1, 127, 128, 70_000] {
            let mut bytes = Vec::new();
            let value = vec![6; length];
            Operation::encode_put(&mut bytes, b"pre", b"key", &value);
            let before = bytes.len();
            assert_eq!(before, Operation::put_bytes(6, length));
            Operation::encode_put_marked_by(&mut bytes, b"pre", b"key", |out| out.extend_from_slice(&value));
            Operation::encode_delete(&mut bytes, b"", b"next");
            let read: Vec<_> = Operations::new(&bytes[before..]).collect::<Result<_, _>>().unwrap();
            assert_eq!(
                read,
                [Operation::PutMarked { key: b"prekey", value: &value }, Operation::Delete { key: b"next" },]
            );
        }
    }

    #[test]
    fn what_was_encoded_is_read_back() {
        let bytes = sample();
        let read: Vec<_> = Operations::new(&bytes).collect::<Result<_, _>>().unwrap();
        assert_eq!(
            read,
            [
                Operation::Put { key: b"prekey", value: &[7; 300] },
                Operation::Delete { key: b"" },
                Operation::DeleteRange { start: b"a", end: b"z" },
                Operation::PutStored { key: b"prebig", reference: b"where" },
                Operation::PutMarked { key: b"precount", value: b"\x01+1" },
            ]
        );
    }

    #[test]
    fn a_truncated_payload_never_gives_more_than_was_whole() {
        let bytes = sample();
        for length in 0..bytes.len() {
            let read: Vec<_> = Operations::new(&bytes[..length]).collect();
            assert!(read.iter().filter(|each| each.is_ok()).count() < 5, "cut at {length}");
            assert!(read.iter().filter(|each| each.is_err()).count() <= 1);
        }
    }

    #[test]
    fn flipped_bytes_never_panic() {
        let bytes = sample();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            let _ = Operations::new(&damaged).count();
        }
    }
}
