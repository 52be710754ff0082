//! A record of the log: one batch behind a length and a checksum of 32 bits.
//!
//! `docs/formats/write-ahead-log.md` gives the layout as a table. A record does not say where in the history it
//! stands: records follow each other without gaps, so the header of the segment and what comes before it tell. That
//! the bytes are a record, and this one, the checksum tells: it is seeded with the segment's number and with the
//! record's own offset, so that neither bytes of another segment pass for it, nor bytes of this one elsewhere.
//!
//! In an encrypted segment the operations are sealed, and nothing can be told of them before the checksum holds. There
//! four more bytes, a hash of the length, tell where no record is without hashing as much as a length claims.

use stroma_strata::encryption::{FileCipher, Inauthentic, SEAL_BYTES};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::packed::{self, Packed, PackedOperation};
use crate::coding::{Reader, set_varint, varint_bytes};

/// Bytes of the checksum at the start of a record.
const CHECKSUM_BYTES: usize = 4;
/// So many bytes hold the length of any record.
pub(super) const LENGTH_TOLD_WITHIN: usize = CHECKSUM_BYTES + 10;
/// Bytes of the hash of the length in an encrypted segment.
const MARK_BYTES: usize = 4;
/// The fewest bytes of a record: checksum, length, and a delete of the empty key.
pub(super) const SMALLEST_RECORD: usize = CHECKSUM_BYTES + 3;

/// One batch as a commit gives it to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// The sequence of the first operation; the others follow one by one.
    pub(crate) first_sequence: u64,
    /// How many operations the payload holds, at least one.
    pub(crate) operations: u32,
    /// The operations; see [`super::Operation`].
    pub(crate) payload: &'a [u8],
}

impl Record<'_> {
    /// The sequence of the last operation.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.first_sequence + u64::from(self.operations) - 1
    }
}

/// Where a record stands: its checksum is good nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of the segment.
    pub(crate) log_number: u64,
    /// Bytes from the start of the segment.
    pub(crate) offset: u64,
}

impl Place {
    fn seed(self) -> u64 {
        self.log_number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.offset
    }

    fn checksum(self, bytes: &[u8]) -> u32 {
        xxh3_64_with_seed(bytes, self.seed()) as u32
    }

    fn mark(self, length: u64) -> [u8; MARK_BYTES] {
        ((xxh3_64_with_seed(&length.to_le_bytes(), self.seed()) >> 32) as u32).to_le_bytes()
    }
}

/// A sound record in the bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredRecord<'a> {
    body: Packed<'a>,
    bytes: usize,
}

impl<'a> StoredRecord<'a> {
    /// Appends a record of the operations in `payload`. `durable_through`, if not 0, is the sequence up to which the
    /// log is known to be synced.
    /// Sealed if there is a cipher.
    ///
    /// # Errors
    /// [`Inauthentic`] if it is too long for that; nothing of use is appended then.
    pub(super) fn write(
        payload: &[u8],
        durable_through: u64,
        place: Place,
        cipher: Option<&FileCipher>,
        into: &mut Vec<u8>,
    ) -> Result<(), Inauthentic> {
        let start = into.len();
        let mark_bytes = if cipher.is_some() { MARK_BYTES } else { 0 };
        // The length is not known yet, but nearly always how many bytes it takes: what is behind it then stays there.
        let length_bytes = varint_bytes(payload.len() as u64);
        into.resize(start + CHECKSUM_BYTES + length_bytes + mark_bytes, 0);
        let body = into.len();
        if durable_through > 0 {
            packed::pack_durable_through(durable_through, into);
        }
        packed::pack(payload, into);
        if let Some(cipher) = cipher {
            let tag = cipher.seal(place.offset, &[], &mut into[body..])?;
            into.extend_from_slice(&tag);
        }
        let length = into.len() - body;
        if cipher.is_some() {
            into[body - MARK_BYTES..body].copy_from_slice(&place.mark(length as u64));
        }
        let length_at = start + CHECKSUM_BYTES;
        let exact = varint_bytes(length as u64);
        if exact != length_bytes {
            into.splice(length_at..length_at + length_bytes, std::iter::repeat_n(0, exact));
        }
        set_varint(&mut into[length_at..length_at + exact], length as u64);
        let checksum = place.checksum(&into[start + CHECKSUM_BYTES..]);
        into[start..start + CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
        Ok(())
    }

    /// Reads the record at the start of `bytes`, which stand at `place`; `None` if it is not whole and sound. `room` is
    /// for what has to be decrypted.
    ///
    /// # Errors
    /// [`Inauthentic`] if it is whole, and not what was encrypted there: no torn write, but somebody's doing.
    pub(crate) fn read(
        bytes: &'a [u8],
        place: Place,
        cipher: Option<&FileCipher>,
        room: &'a mut Vec<u8>,
    ) -> Result<Option<StoredRecord<'a>>, Inauthentic> {
        match cipher {
            None => Ok(StoredRecord::read_within(bytes, place, &mut usize::MAX.clone())),
            Some(cipher) => StoredRecord::read_sealed(bytes, place, cipher, &mut usize::MAX.clone(), room),
        }
    }

    /// The same in an encrypted segment, with at most `effort` bytes to hash, or decrypt.
    pub(super) fn read_sealed(
        bytes: &[u8],
        place: Place,
        cipher: &FileCipher,
        effort: &mut usize,
        room: &'a mut Vec<u8>,
    ) -> Result<Option<StoredRecord<'a>>, Inauthentic> {
        let Some((stored, sealed, end)) = StoredRecord::find_sealed(bytes, place) else { return Ok(None) };
        let Some(left) = effort.checked_sub(2 * end) else {
            *effort = 0;
            return Ok(None);
        };
        *effort = left;
        if place.checksum(&bytes[CHECKSUM_BYTES..end]) != stored {
            return Ok(None);
        }
        room.clear();
        room.extend_from_slice(sealed);
        cipher.open_whole(place.offset, &[], room)?;
        let body = packed::read(room, &mut usize::MAX.clone()).ok_or(Inauthentic)?;
        Ok(Some(StoredRecord { body, bytes: end }))
    }

    /// The checksum, the sealed operations and the length of what may be a record of an encrypted segment.
    fn find_sealed(bytes: &[u8], place: Place) -> Option<(u32, &[u8], usize)> {
        let mut reader = Reader::new(bytes);
        let stored = reader.u32()?;
        let length = reader.length()?;
        let is_marked = reader.take(MARK_BYTES)? == place.mark(length as u64);
        let sealed_at = bytes.len() - reader.rest().len();
        let sealed = reader.take(length).filter(|_| is_marked && length > SEAL_BYTES)?;
        Some((stored, sealed, sealed_at + length))
    }

    /// A record that is not encrypted, with at most `effort` steps, an operation or a byte to hash each; takes those
    /// made from it.
    ///
    /// The structure is looked at before anything is hashed: a length that fits, and operations that end where it
    /// says. Cheap enough to be tried at every byte.
    pub(super) fn read_within(bytes: &'a [u8], place: Place, effort: &mut usize) -> Option<StoredRecord<'a>> {
        let mut reader = Reader::new(bytes);
        let stored = reader.u32()?;
        let length = reader.length()?;
        let body_at = bytes.len() - reader.rest().len();
        let body = packed::read(reader.take(length)?, effort)?;
        let end = body_at + length;
        let Some(left) = effort.checked_sub(end) else {
            *effort = 0;
            return None;
        };
        *effort = left;
        let sound = place.checksum(&bytes[CHECKSUM_BYTES..end]) == stored;
        sound.then_some(StoredRecord { body, bytes: end })
    }

    /// Everything up to this sequence was on the device when the record was written; 0 if it does not say.
    pub(crate) fn durable_through(&self) -> u64 {
        self.body.durable_through
    }

    /// How many operations it holds, at least one.
    #[inline]
    pub(crate) fn operation_count(&self) -> u32 {
        self.body.operations
    }

    /// Its operations.
    #[inline]
    pub(crate) fn operations(&self) -> impl Iterator<Item = PackedOperation<'a>> + use<'a> {
        self.body.operations()
    }

    /// The bytes that the record at the start of `bytes` takes by its length, which nothing has checked yet; none if
    /// `bytes` ends before the length does, or that is not as it is written. `is_sealed` tells that the segment is
    /// encrypted.
    pub(super) fn length_told(bytes: &[u8], is_sealed: bool) -> Option<u64> {
        let mut reader = Reader::new(bytes);
        reader.u32()?;
        let length = reader.varint()?;
        let mark_bytes = if is_sealed { MARK_BYTES } else { 0 };
        length.checked_add((bytes.len() - reader.rest().len() + mark_bytes) as u64)
    }

    /// Bytes the record takes in the log.
    pub(crate) fn encoded_bytes(&self) -> usize {
        self.bytes
    }

    /// The record as it was committed, the first operation at `first_sequence`. The payload is written to `room`.
    pub(crate) fn unpack<'b>(&self, first_sequence: u64, room: &'b mut Vec<u8>) -> Record<'b> {
        room.clear();
        self.body.unpack(room);
        Record { first_sequence, operations: self.body.operations, payload: room }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stroma_strata::encryption::{DataKey, Encryption, FileIdentity, StaticKeys};

    use super::super::Operation;
    use super::*;

    const PLACE: Place = Place { log_number: 7, offset: 48 };

    fn read_plain(bytes: &[u8], place: Place) -> Option<StoredRecord<'_>> {
        StoredRecord::read_within(bytes, place, &mut usize::MAX.clone())
    }

    fn cipher() -> FileCipher {
        let key = StaticKeys::new("a", DataKey::random().unwrap()).unwrap();
        let identity = FileIdentity { magic: *b"STROMWAL", number: 7 };
        Encryption::new(Arc::new(key)).new_file(identity, "f").unwrap().cipher
    }

    #[test]
    fn a_sealed_record_reads_back_and_a_forged_one_is_told_from_a_torn_one() {
        let (cipher, other) = (cipher(), cipher());
        for (value_bytes, durable_through) in [(3, 0), (3, 40), (104, 0), (300, 40)] {
            let (payload, mut bytes) = (payload(value_bytes), vec![9; 5]);
            StoredRecord::write(&payload, durable_through, PLACE, Some(&cipher), &mut bytes).unwrap();
            let mut bytes = bytes.split_off(5);
            assert!(!bytes.windows(8).any(|window| window == b"some key"));
            let mut room = Vec::new();
            let record = StoredRecord::read(&bytes, PLACE, Some(&cipher), &mut room).unwrap().unwrap();
            assert_eq!(record.encoded_bytes(), bytes.len());
            assert_eq!(record.durable_through(), durable_through);
            assert_eq!(record.unpack(42, &mut Vec::new()).payload, payload);
            for at in 0..bytes.len() {
                let mut room = Vec::new();
                assert_eq!(StoredRecord::read(&bytes[..at], PLACE, Some(&cipher), &mut room), Ok(None));
                bytes[at] ^= 1;
                let mut room = Vec::new();
                assert_eq!(StoredRecord::read(&bytes, PLACE, Some(&cipher), &mut room), Ok(None));
                bytes[at] ^= 1;
            }
            let mut room = Vec::new();
            assert_eq!(StoredRecord::read(&bytes, PLACE, Some(&other), &mut room), Err(Inauthentic));
            // Changed by somebody who knows how checksums are made.
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            let checksum = PLACE.checksum(&bytes[CHECKSUM_BYTES..]);
            bytes[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
            let mut room = Vec::new();
            assert_eq!(StoredRecord::read(&bytes, PLACE, Some(&cipher), &mut room), Err(Inauthentic));
        }
    }

    fn payload(value_bytes: usize) -> Vec<u8> {
        let mut payload = Vec::new();
        Operation::encode_put(&mut payload, &[0, 0, 0, 1], b"some key", &vec![5; value_bytes]);
        Operation::encode_delete(&mut payload, &[0, 0, 0, 2], b"another");
        payload
    }

    #[test]
    fn a_record_reads_back_and_every_cut_and_every_flipped_bit_is_noticed() {
        for (value_bytes, durable_through) in [(3, 0), (3, 40), (104, 0), (105, 40), (300, 0)] {
            let (payload, mut bytes) = (payload(value_bytes), Vec::new());
            StoredRecord::write(&payload, durable_through, PLACE, None, &mut bytes).unwrap();
            let record = read_plain(&bytes, PLACE).unwrap();
            assert_eq!(record.encoded_bytes(), bytes.len());
            assert_eq!(record.durable_through(), durable_through);
            let mut room = vec![1];
            let expected = Record { first_sequence: 42, operations: 2, payload: &payload };
            assert_eq!(record.unpack(42, &mut room), expected);
            for at in 0..bytes.len() {
                assert_eq!(read_plain(&bytes[..at], PLACE), None, "cut at {at}");
                for bit in 0..8 {
                    let mut damaged = bytes.clone();
                    damaged[at] ^= 1 << bit;
                    damaged.resize(2 * bytes.len(), 0xa5);
                    assert_eq!(read_plain(&damaged, PLACE), None, "byte {at} bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_record_is_sound_only_where_it_was_written() {
        let mut bytes = Vec::new();
        StoredRecord::write(&payload(20), 0, PLACE, None, &mut bytes).unwrap();
        for (log_number, offset) in [(7, 49), (8, 48), (6, 48), (7, 47), (48, 7)] {
            assert_eq!(read_plain(&bytes, Place { log_number, offset }), None);
        }
    }

    #[test]
    fn the_effort_to_read_is_bounded() {
        let mut bytes = Vec::new();
        StoredRecord::write(&payload(20), 0, PLACE, None, &mut bytes).unwrap();
        let needed = 2 + bytes.len();
        let mut effort = needed;
        assert!(StoredRecord::read_within(&bytes, PLACE, &mut effort).is_some());
        assert_eq!(effort, 0);
        assert!(StoredRecord::read_within(&bytes, PLACE, &mut (needed - 1)).is_none());
    }
}
