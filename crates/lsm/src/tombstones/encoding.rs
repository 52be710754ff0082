//! A set of range tombstones as bytes: the body of a table's range-tombstone section.

use std::sync::Arc;

use super::{Fragment, RangeTombstones};
use crate::coding::{Reader, put_bytes, put_varint};
use crate::entry::{MAX_BOUND_BYTES, MAX_SEQUENCE};

impl RangeTombstones {
    /// Appends the count of fragments and each fragment: start, end, count of sequences, the newest sequence,
    /// then how much less each following one is. All numbers are varints.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.fragments().len() as u64);
        for fragment in self.fragments() {
            put_bytes(out, &fragment.start);
            put_bytes(out, &fragment.end);
            put_varint(out, fragment.sequences.len() as u64);
            let mut above = 0;
            for (index, &sequence) in fragment.sequences.iter().enumerate() {
                put_varint(out, if index == 0 { sequence } else { above - sequence });
                above = sequence;
            }
        }
    }

    /// Reads what [`encode`](Self::encode) wrote, all of `bytes`; `None` if it is anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        // At least a byte stands for each fragment and each sequence, so a length that fits bounds a count.
        let count = reader.length()?;
        let mut fragments = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            fragments.push(decode_fragment(&mut reader)?);
        }
        if reader.is_empty() { Self::from_fragments(fragments) } else { None }
    }
}

fn decode_fragment(reader: &mut Reader<'_>) -> Option<Fragment> {
    let start = reader.bytes().filter(|key| key.len() <= MAX_BOUND_BYTES)?;
    let end = reader.bytes().filter(|key| key.len() <= MAX_BOUND_BYTES)?;
    let count = reader.length()?;
    let mut sequences = Vec::with_capacity(count.min(64));
    for index in 0..count {
        let number = reader.varint()?;
        let sequence = match sequences.last() {
            Some(&above) if index > 0 => u64::checked_sub(above, number)?,
            _ => number,
        };
        if sequence > MAX_SEQUENCE {
            return None;
        }
        sequences.push(sequence);
    }
    Some(Fragment { start: Arc::from(start), end: Arc::from(end), sequences })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> RangeTombstones {
        let mut set = RangeTombstones::default();
        set.insert(b"", b"m", 500);
        set.insert(b"c", b"x", 40);
        set.insert(b"d", b"e", 900);
        set
    }

    #[test]
    fn comes_back_as_written() {
        for set in [RangeTombstones::default(), sample()] {
            let mut bytes = Vec::new();
            set.encode(&mut bytes);
            assert_eq!(RangeTombstones::decode(&bytes), Some(set));
        }
    }

    #[test]
    fn cut_or_hostile_bytes_are_refused_or_read_as_a_valid_set() {
        let mut bytes = Vec::new();
        sample().encode(&mut bytes);
        for end in 0..bytes.len() {
            assert_eq!(RangeTombstones::decode(&bytes[..end]), None);
        }
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                if let Some(set) = RangeTombstones::decode(&changed) {
                    assert!(RangeTombstones::from_fragments(set.fragments().to_vec()).is_some());
                }
            }
        }
    }
}
