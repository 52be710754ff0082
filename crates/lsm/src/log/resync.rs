//! Finding sound records behind a damaged one: the evidence for what the damage was.

use super::format::{RECORD_HEADER_BYTES, Record};

/// What stands behind a hole in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Behind {
    /// Sound records found.
    pub(crate) records: u64,
    /// The largest `durable_through` any of them (or a later segment) names.
    pub(crate) durable_through: u64,
}

impl Behind {
    /// Joins what two stretches of the log tell.
    pub(crate) fn join(self, other: Behind) -> Behind {
        Behind {
            records: self.records + other.records,
            durable_through: self.durable_through.max(other.durable_through),
        }
    }
}

/// Looks for sound records that start with a sequence of at least `expected`, at every byte of `bytes`.
///
/// A candidate must have plausible lengths and sequences before its checksum is computed, so that a scan costs
/// little more than reading the bytes. Hostile bytes can make every position plausible; the bytes hashed in all
/// are therefore held to eight times the length, after which the scan ends with what it has found.
pub(crate) fn scan(bytes: &[u8], log_number: u64, expected: u64) -> Behind {
    let mut behind = Behind::default();
    let mut budget = bytes.len().saturating_mul(8);
    let mut at = 0;
    while at + RECORD_HEADER_BYTES <= bytes.len() {
        let candidate = Record::decode_unchecked(&bytes[at..]).filter(|record| {
            // No more operations can lie in between than there are bytes.
            record.first_sequence >= expected && record.first_sequence - expected <= bytes.len() as u64
        });
        let Some(candidate) = candidate else {
            at += 1;
            continue;
        };
        let Some(left) = budget.checked_sub(candidate.encoded_bytes()) else {
            break;
        };
        budget = left;
        match Record::decode(&bytes[at..], log_number) {
            Some(record) => {
                behind = behind.join(Behind { records: 1, durable_through: record.durable_through });
                at += record.encoded_bytes();
            }
            None => at += 1,
        }
    }
    behind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_behind_garbage_of_any_length() {
        for garbage in 0..70 {
            let mut bytes = vec![0xa5; garbage];
            for first_sequence in [10, 11] {
                let record = Record {
                    first_sequence,
                    operations: 1,
                    durable_through: first_sequence - 5,
                    payload: b"x",
                };
                record.encode(3, &mut bytes);
            }
            assert_eq!(scan(&bytes, 3, 8), Behind { records: 2, durable_through: 6 });
            assert_eq!(scan(&bytes, 4, 8), Behind::default(), "another segment's records");
        }
    }
}
