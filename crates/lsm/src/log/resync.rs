//! Finding sound records behind a damaged one: the evidence for what the damage was.

use stroma_strata::encryption::FileCipher;

use super::record::{Place, SMALLEST_RECORD, StoredRecord};

/// What stands behind a hole in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Behind {
    /// Sound records found.
    pub(crate) records: u64,
    /// The largest `durable_through` any of them (or a later segment) names.
    pub(crate) durable_through: u64,
    /// Whether something there was made by somebody who had not the key.
    pub(crate) is_forged: bool,
}

impl Behind {
    /// Joins what two stretches of the log tell.
    pub(crate) fn join(self, other: Behind) -> Behind {
        Behind {
            records: self.records + other.records,
            durable_through: self.durable_through.max(other.durable_through),
            is_forged: self.is_forged || other.is_forged,
        }
    }
}

/// Looks for sound records at every byte of `segment` from `from` on. None can know of a sequence beyond `latest`.
///
/// A candidate must have a length that fits and operations that end there before its checksum is computed, so that a
/// scan costs little more than reading the bytes. Hostile bytes can make every position plausible; the bytes hashed
/// and operations looked at in all are therefore held to eight times the length, after which the scan ends with what
/// it has found.
///
/// In an encrypted segment only what bears the hash of its length is a candidate; there is no other structure to see.
pub(crate) fn scan(
    segment: &[u8],
    from: usize,
    log_number: u64,
    latest: u64,
    cipher: Option<&FileCipher>,
) -> Behind {
    let mut behind = Behind::default();
    let length = segment.len().saturating_sub(from);
    let mut effort = length.saturating_mul(8);
    let mut at = from;
    while at + SMALLEST_RECORD <= segment.len() && effort > 0 {
        let place = Place { log_number, offset: at as u64 };
        let mut room = Vec::new();
        let candidate = match cipher {
            None => Ok(StoredRecord::read_within(&segment[at..], place, &mut effort)),
            Some(cipher) => StoredRecord::read_sealed(&segment[at..], place, cipher, &mut effort, &mut room),
        };
        match candidate {
            Ok(Some(record)) if record.durable_through() <= latest => {
                let durable_through = record.durable_through();
                behind = behind.join(Behind { records: 1, durable_through, is_forged: false });
                at += record.encoded_bytes();
            }
            Ok(_) => at += 1,
            Err(_) => {
                behind.is_forged = true;
                at += 1;
            }
        }
    }
    behind
}

#[cfg(test)]
mod tests {
    use super::super::Operation;
    use super::*;

    fn write(durable_through: u64, log_number: u64, into: &mut Vec<u8>) {
        let mut payload = Vec::new();
        Operation::encode_put(&mut payload, &[0, 0, 0, 1], b"key", b"value");
        let place = Place { log_number, offset: into.len() as u64 };
        StoredRecord::write(&payload, durable_through, place, None, into).unwrap();
    }

    #[test]
    fn records_are_found_behind_garbage_of_any_length() {
        for garbage in 0..70 {
            let mut bytes = vec![0xa5; garbage];
            [0, 6, 0, 5].into_iter().for_each(|durable_through| write(durable_through, 3, &mut bytes));
            assert_eq!(
                scan(&bytes, 0, 3, 8, None),
                Behind { records: 4, durable_through: 6, is_forged: false }
            );
            assert_eq!(scan(&bytes, 0, 4, 8, None), Behind::default(), "another segment's records");
            assert_eq!(scan(&bytes[1..], 0, 3, 8, None), Behind::default(), "records of another place");
        }
    }

    #[test]
    fn what_cannot_have_been_synced_is_no_evidence() {
        let mut bytes = Vec::new();
        write(9, 3, &mut bytes);
        assert_eq!(scan(&bytes, 0, 3, 8, None), Behind::default());
    }

    #[test]
    fn bytes_that_look_like_records_everywhere_end_the_search() {
        // Deletes of the empty key, in a record of a length that always fits.
        let bytes = [0x06, 0x00].repeat(1 << 17);
        assert_eq!(scan(&bytes, 0, 3, 8, None), Behind::default());
    }
}
