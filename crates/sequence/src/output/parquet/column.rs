//! One column of a row group: its values gathered, then written as one compressed page.

use super::thrift::{push_varint, write_struct};

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnType {
    Text,
    Integer,
    Double,
}

impl ColumnType {
    /// The format's number of the physical type.
    pub(super) fn number(self) -> i32 {
        match self {
            ColumnType::Integer => 2,
            ColumnType::Double => 5,
            ColumnType::Text => 6,
        }
    }
}

/// Values as they stand, no dictionary.
pub(super) const PLAIN: i32 = 0;
/// Runs and packed bits, for which values are there.
pub(super) const RUNS: i32 = 3;
/// Zstandard.
pub(super) const ZSTD: i32 = 6;

const LEVEL: i32 = 3;

/// A column, and its values since the last row group.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) of: ColumnType,
    /// Whether rows may have no value.
    pub(super) is_optional: bool,
    values: Vec<u8>,
    /// A bit for each row: whether it has a value.
    present: Vec<u8>,
    rows: usize,
}

/// Where a column of a row group was written.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) offset: u64,
    pub(super) rows: u64,
    pub(super) compressed: u64,
    pub(super) uncompressed: u64,
}

impl Column {
    pub(super) fn new(name: &'static str, of: ColumnType, is_optional: bool) -> Self {
        Column { name, of, is_optional, values: Vec::new(), present: Vec::new(), rows: 0 }
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.values.len()
    }

    fn note(&mut self, is_present: bool) {
        if self.rows.is_multiple_of(8) {
            self.present.push(0);
        }
        if let Some(last) = self.present.last_mut() {
            *last |= u8::from(is_present) << (self.rows % 8);
        }
        self.rows += 1;
    }

    pub(super) fn push_none(&mut self) {
        debug_assert!(self.is_optional);
        self.note(false);
    }

    pub(super) fn push_text(&mut self, text: &str) {
        self.note(true);
        self.values.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.values.extend_from_slice(text.as_bytes());
    }

    pub(super) fn push_integer(&mut self, number: u64) {
        self.note(true);
        self.values.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn push_double(&mut self, number: f64) {
        self.note(true);
        self.values.extend_from_slice(&number.to_le_bytes());
    }

    /// Appends the page to `out`, which will stand at `offset` of the file, and forgets the values.
    pub(super) fn write_page(&mut self, out: &mut Vec<u8>, offset: u64) -> std::io::Result<Chunk> {
        let mut page = Vec::with_capacity(self.values.len() + self.present.len() + 16);
        if self.is_optional {
            // One run of packed bits, eight rows a byte.
            let mut levels = Vec::new();
            push_varint(&mut levels, (self.present.len() as u64) << 1 | 1);
            levels.append(&mut self.present);
            page.extend_from_slice(&(levels.len() as u32).to_le_bytes());
            page.extend_from_slice(&levels);
        }
        page.append(&mut self.values);
        self.present.clear();
        let rows = std::mem::take(&mut self.rows);
        let compressed = zstd::bulk::compress(&page, LEVEL)?;
        let start = out.len();
        write_struct(out, |head| {
            head.int32(1, 0).int32(2, page.len() as i32).int32(3, compressed.len() as i32).inner(5, |data| {
                data.int32(1, rows as i32).int32(2, PLAIN).int32(3, RUNS).int32(4, RUNS);
            });
        });
        let head = out.len() - start;
        out.extend_from_slice(&compressed);
        Ok(Chunk {
            offset,
            rows: rows as u64,
            compressed: (head + compressed.len()) as u64,
            uncompressed: (head + page.len()) as u64,
        })
    }
}
