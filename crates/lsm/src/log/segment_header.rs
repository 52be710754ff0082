//! The first bytes of a segment of the write-ahead log: what it is, and where in the history it stands.
//!
//! `docs/formats/write-ahead-log.md` gives the same layout as a table. All integers are little-endian.

use xxhash_rust::xxh3::xxh3_64;

use crate::coding::Reader;
use crate::entry::MAX_SEQUENCE;

/// First bytes of every segment.
pub(crate) const MAGIC: [u8; 8] = *b"STROMWAL";
/// The format version written, and the newest one read.
pub(crate) const VERSION: u32 = 4;
/// Bytes of a segment header: magic, version, bytes of the key, log number, first sequence, durable through, checksum.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 48;

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
    /// Bytes between this header and the first record: those of the key, 0 if the segment is not encrypted.
    pub(crate) key_bytes: u32,
}

/// How reading a segment's first bytes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderOutcome {
    /// A segment of ours, of a version we read.
    Valid(SegmentHeader),
    /// A segment of ours in another version of the format.
    OtherVersion {
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
        header[12..16].copy_from_slice(&self.key_bytes.to_le_bytes());
        header[16..24].copy_from_slice(&self.log_number.to_le_bytes());
        header[24..32].copy_from_slice(&self.first_sequence.to_le_bytes());
        header[32..40].copy_from_slice(&self.durable_through.to_le_bytes());
        let checksum = xxh3_64(&header[..40]);
        header[40..].copy_from_slice(&checksum.to_le_bytes());
        header
    }

    /// Where its first record starts.
    pub(crate) fn records_at(&self) -> usize {
        SEGMENT_HEADER_BYTES + self.key_bytes as usize
    }

    /// Reads the header at the start of a segment's bytes.
    pub(crate) fn decode(bytes: &[u8]) -> HeaderOutcome {
        SegmentHeader::read(bytes).unwrap_or(HeaderOutcome::Invalid)
    }

    fn read(bytes: &[u8]) -> Option<HeaderOutcome> {
        let header = bytes.get(..SEGMENT_HEADER_BYTES)?;
        let mut reader = Reader::new(header);
        if reader.take(8)? != MAGIC {
            return None;
        }
        let (version, key_bytes) = (reader.u32()?, reader.u32()?);
        let (log_number, first_sequence, durable_through) = (reader.u64()?, reader.u64()?, reader.u64()?);
        if reader.u64()? != xxh3_64(&header[..40]) {
            return None;
        }
        // So that the sequences of its records can be counted without a check each.
        let sound = (1..=MAX_SEQUENCE).contains(&first_sequence)
            && key_bytes as usize <= super::segment_key::MAX_START_BYTES - SEGMENT_HEADER_BYTES;
        Some(match version {
            VERSION if sound => {
                HeaderOutcome::Valid(SegmentHeader { log_number, first_sequence, durable_through, key_bytes })
            }
            VERSION => return None,
            version => HeaderOutcome::OtherVersion { version },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_header_tells_ours_from_damaged_and_from_another_version() {
        let header = SegmentHeader { log_number: 9, first_sequence: 100, durable_through: 98, key_bytes: 0 };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes), HeaderOutcome::Valid(header));
        for at in 0..bytes.len() {
            assert_eq!(SegmentHeader::decode(&bytes[..at]), HeaderOutcome::Invalid);
            let mut damaged = bytes;
            damaged[at] ^= 1;
            assert_eq!(SegmentHeader::decode(&damaged), HeaderOutcome::Invalid);
        }
        let mut newer = bytes;
        newer[8] = VERSION as u8 + 1;
        let checksum = xxh3_64(&newer[..40]);
        newer[40..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&newer), HeaderOutcome::OtherVersion { version: VERSION + 1 });
    }
}
