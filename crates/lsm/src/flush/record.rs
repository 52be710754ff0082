//! What the manifest says of the log, changed together with the tables.

use crate::entry::Sequence;

/// The record `log` of the manifest: two or three integers of eight bytes, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlushRecord {
    /// Tables hold every commit up to this sequence, but for what later commits superseded.
    pub(crate) flushed_through: Sequence,
    /// The first log segment that recovery reads.
    pub(crate) first_needed_log: u64,
    /// Everything up to this sequence is on the device: up to `flushed_through` in tables, after it in the log.
    /// Written only if it is larger than `flushed_through`.
    pub(crate) durable_through: Sequence,
}

impl FlushRecord {
    /// Its name in the manifest.
    pub(crate) const NAME: &str = "log";

    /// When tables hold every commit up to `sequence` and the log is needed from segment `first_needed_log` on.
    pub(crate) fn all_in_tables(sequence: Sequence, first_needed_log: u64) -> Self {
        FlushRecord { flushed_through: sequence, first_needed_log, durable_through: sequence }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = [self.flushed_through.to_le_bytes(), self.first_needed_log.to_le_bytes()].concat();
        if self.durable_through > self.flushed_through {
            bytes.extend_from_slice(&self.durable_through.to_le_bytes());
        }
        bytes
    }

    /// What a database holds that never flushed, for `None`; nothing for malformed bytes.
    pub(crate) fn decode(bytes: Option<&[u8]>) -> Option<FlushRecord> {
        let Some(bytes) = bytes else {
            return Some(FlushRecord::all_in_tables(0, 0));
        };
        let (numbers, []) = bytes.as_chunks::<8>() else {
            return None;
        };
        match *numbers {
            [flushed, log] => {
                Some(FlushRecord::all_in_tables(u64::from_le_bytes(flushed), u64::from_le_bytes(log)))
            }
            [flushed, log, durable] => {
                let record = FlushRecord {
                    flushed_through: u64::from_le_bytes(flushed),
                    first_needed_log: u64::from_le_bytes(log),
                    durable_through: u64::from_le_bytes(durable),
                };
                (record.durable_through > record.flushed_through).then_some(record)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_read_back_and_others_are_refused() {
        let short = FlushRecord::all_in_tables(7, 3);
        let long = FlushRecord { durable_through: 9, ..short };
        for (record, length) in [(short, 16), (long, 24)] {
            let bytes = record.encode();
            assert_eq!(bytes.len(), length);
            assert_eq!(FlushRecord::decode(Some(&bytes)), Some(record));
            for end in (0..length).filter(|end| *end != 16) {
                assert_eq!(FlushRecord::decode(Some(&bytes[..end])), None, "cut at {end}");
            }
        }
        let mut contradictory = long.encode();
        contradictory[16] = 7;
        assert_eq!(FlushRecord::decode(Some(&contradictory)), None);
        assert_eq!(FlushRecord::decode(None), Some(FlushRecord::all_in_tables(0, 0)));
    }
}
