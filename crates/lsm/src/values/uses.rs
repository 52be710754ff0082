//! How many bytes of which value files a table refers to: what the manifest keeps of it.

use crate::coding::{Reader, put_varint};

/// So many bytes of a file, pieces with their frames, are referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValueUse {
    /// The number of the file.
    pub(crate) file: u64,
    /// The bytes; not 0.
    pub(crate) bytes: u64,
}

impl ValueUse {
    /// Appends the count of `uses`, then of each, by ascending file, how much greater the file's number is than the
    /// one before, and the bytes. All are varints.
    pub(crate) fn encode_all(uses: &[ValueUse], out: &mut Vec<u8>) {
        put_varint(out, uses.len() as u64);
        let mut before = 0;
        for each in uses {
            put_varint(out, each.file - before);
            put_varint(out, each.bytes);
            before = each.file;
        }
    }

    /// Reads what [`encode_all`](ValueUse::encode_all) wrote.
    pub(crate) fn decode_all(reader: &mut Reader<'_>) -> Option<Vec<ValueUse>> {
        let count = reader.varint()?;
        // Each takes two bytes at least.
        if count > reader.rest().len() as u64 / 2 {
            return None;
        }
        let mut uses: Vec<ValueUse> = Vec::with_capacity(count as usize);
        for number in 0..count {
            let step = reader.varint()?;
            if number > 0 && step == 0 {
                return None;
            }
            let file = uses.last().map_or(0, |last| last.file).checked_add(step)?;
            let bytes = reader.varint()?;
            uses.push(ValueUse { file, bytes });
        }
        uses.iter().all(|each| each.bytes > 0).then_some(uses)
    }
}
