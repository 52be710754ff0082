//! The byte layout of a write-ahead log segment: one header, then records, each with its own checksum.
//!
//! `docs/formats/write-ahead-log.md` gives the same layout as tables. All integers are little-endian.
//!
//! A record says how far the log was known to be synced when it was written (`durable_through`). That one field
//! lets recovery tell two things apart which look alike: a hole that a power loss may leave in bytes nobody
//! promised to keep, and damage to bytes that were promised. See [`super::replay`].

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// First bytes of every segment.
pub(crate) const MAGIC: [u8; 8] = *b"STROMWAL";
/// The format version written, and the newest one read.
pub(crate) const VERSION: u32 = 1;
/// Bytes of a segment header: magic, version, reserved, log number, first sequence, durable through, checksum.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 48;
/// Bytes of a record header: checksum, payload length, operations, first sequence, durable through.
pub(crate) const RECORD_HEADER_BYTES: usize = 32;

/// What a segment says of itself in its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Its number, as it was created.
    pub(crate) log_number: u64,
    /// The sequence its first record starts with. Records of earlier segments from this sequence on are void:
    /// a recovery cut them before it started this segment.
    pub(crate) first_sequence: u64,
    /// Everything up to this sequence was synced before this segment was made.
    pub(crate) durable_through: u64,
}

/// How reading a segment's first bytes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderOutcome {
    /// A segment of ours, of a version we read.
    Valid(SegmentHeader),
    /// A segment of ours that a later program wrote.
    Newer {
        /// The version it names.
        version: u32,
    },
    /// Cut short or damaged.
    Invalid,
}

impl SegmentHeader {
    /// The header's bytes.
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut header = [0; SEGMENT_HEADER_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        header[16..24].copy_from_slice(&self.log_number.to_le_bytes());
        header[24..32].copy_from_slice(&self.first_sequence.to_le_bytes());
        header[32..40].copy_from_slice(&self.durable_through.to_le_bytes());
        let checksum = xxh3_64(&header[..40]);
        header[40..].copy_from_slice(&checksum.to_le_bytes());
        header
    }

    /// Reads the header at the start of a segment's bytes.
    pub(crate) fn decode(bytes: &[u8]) -> HeaderOutcome {
        let Some(header) = bytes.get(..SEGMENT_HEADER_BYTES) else {
            return HeaderOutcome::Invalid;
        };
        if header[..8] != MAGIC || u64_at(header, 40) != xxh3_64(&header[..40]) {
            return HeaderOutcome::Invalid;
        }
        match u32_at(header, 8) {
            VERSION => HeaderOutcome::Valid(SegmentHeader {
                log_number: u64_at(header, 16),
                first_sequence: u64_at(header, 24),
                durable_through: u64_at(header, 32),
            }),
            version => HeaderOutcome::Newer { version },
        }
    }
}

/// One batch in the log, its payload borrowed from the segment's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// The sequence of the first operation; the others follow one by one.
    pub(crate) first_sequence: u64,
    /// How many operations the payload holds, at least one.
    pub(crate) operations: u32,
    /// Everything up to this sequence was synced before this record was written.
    pub(crate) durable_through: u64,
    /// The encoded operations.
    pub(crate) payload: &'a [u8],
}

impl<'a> Record<'a> {
    /// The sequence of the last operation.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.first_sequence + u64::from(self.operations) - 1
    }

    /// Bytes the record takes in the log.
    pub(crate) fn encoded_bytes(&self) -> usize {
        RECORD_HEADER_BYTES + self.payload.len()
    }

    /// Appends the record to `into`. The checksum is seeded with the segment's number, so that bytes of another
    /// segment never pass for bytes of this one.
    pub(crate) fn encode(&self, log_number: u64, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(&[0; 8]);
        into.extend_from_slice(&(self.payload.len() as u32).to_le_bytes());
        into.extend_from_slice(&self.operations.to_le_bytes());
        into.extend_from_slice(&self.first_sequence.to_le_bytes());
        into.extend_from_slice(&self.durable_through.to_le_bytes());
        into.extend_from_slice(self.payload);
        let checksum = xxh3_64_with_seed(&into[start + 8..], log_number);
        into[start..start + 8].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Reads the record at the start of `bytes`, or `None` if what stands there is not a whole, sound record.
    pub(crate) fn decode(bytes: &'a [u8], log_number: u64) -> Option<Record<'a>> {
        let record = Record::decode_unchecked(bytes)?;
        let end = record.encoded_bytes();
        (u64_at(bytes, 0) == xxh3_64_with_seed(&bytes[8..end], log_number)).then_some(record)
    }

    /// Reads the record at the start of `bytes` with every check but the checksum: lengths that fit, sequences
    /// that make sense. Cheap enough to try at every byte.
    pub(crate) fn decode_unchecked(bytes: &'a [u8]) -> Option<Record<'a>> {
        let header = bytes.get(..RECORD_HEADER_BYTES)?;
        let length = u32_at(header, 8) as usize;
        let operations = u32_at(header, 12);
        let first_sequence = u64_at(header, 16);
        let durable_through = u64_at(header, 24);
        let payload = bytes.get(RECORD_HEADER_BYTES..RECORD_HEADER_BYTES.checked_add(length)?)?;
        let sound = operations > 0
            && operations as usize <= length
            && durable_through < first_sequence
            && first_sequence.checked_add(u64::from(operations)).is_some();
        sound.then_some(Record { first_sequence, operations, durable_through, payload })
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(payload: &[u8]) -> Record<'_> {
        Record { first_sequence: 42, operations: 2, durable_through: 40, payload }
    }

    #[test]
    fn a_record_reads_back_and_every_damaged_byte_is_noticed() {
        let mut bytes = Vec::new();
        record(b"some payload").encode(7, &mut bytes);
        assert_eq!(Record::decode(&bytes, 7), Some(record(b"some payload")));
        assert_eq!(Record::decode(&bytes, 8), None, "a record of another segment");
        for at in 0..bytes.len() {
            assert_eq!(Record::decode(&bytes[..at], 7), None, "cut at {at}");
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(Record::decode(&damaged, 7), None, "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn a_segment_header_tells_ours_from_damaged_and_from_newer() {
        let header = SegmentHeader { log_number: 9, first_sequence: 100, durable_through: 98 };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes), HeaderOutcome::Valid(header));
        for at in 0..bytes.len() {
            assert_eq!(SegmentHeader::decode(&bytes[..at]), HeaderOutcome::Invalid);
            let mut damaged = bytes;
            damaged[at] ^= 1;
            assert_eq!(SegmentHeader::decode(&damaged), HeaderOutcome::Invalid);
        }
        let mut newer = bytes;
        newer[8] = 2;
        let checksum = xxh3_64(&newer[..40]);
        newer[40..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&newer), HeaderOutcome::Newer { version: 2 });
    }
}
