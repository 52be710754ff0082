//! The first page of a dictionary file: what the file holds and where.

use core::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use crate::mapped::MappedError;
use crate::pages::PAGE_BYTES;
use crate::stored::{u32_at, u64_at};

const MAGIC: [u8; 8] = *b"STRMDICT";
const VERSION: u32 = 1;
/// Written in the byte order of the machine, as values are.
const ORDER_MARK: u32 = 0x0a0b_0c0d;
const DESCRIPTORS_AT: usize = 64;
const DESCRIPTOR_BYTES: usize = 16;
const CHECKSUM_AT: usize = PAGE_BYTES - 8;
/// The header has a checksum of its own.
pub(super) const HEADER_PAGES: usize = 1;
/// A dictionary has fewer sections than this.
const MOST_SECTIONS: usize = 8;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(in crate::mapped) enum SectionKind {
    /// Keys of one width, one after another.
    Keys = 1,
    /// Values, as they lie in the memory of the machine that wrote them.
    Values = 2,
    /// The eight bytes after the prefix of each byte string, as numbers.
    Heads = 3,
    /// Where each byte string ends in the text.
    Ends = 4,
    /// Byte strings without their prefix, one after another.
    Text = 5,
    /// What all byte strings begin with.
    Prefix = 6,
}

/// What the first page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mapped) struct Header {
    /// [`Key::TYPE_CODE`](crate::Key::TYPE_CODE).
    pub(super) key_type: u32,
    /// Bytes of one value.
    pub(super) value_size: u32,
    /// How many entries there are.
    pub(super) count: u64,
    /// Bytes of the index.
    pub(super) index_bytes: u64,
    /// The sections in the order they stand in the file, with the bytes they use.
    pub(super) sections: Vec<(u32, u64)>,
    /// XXH3-64 of the table of page checksums.
    pub(super) table_checksum: u64,
}

/// Where the parts of a file lie, in bytes; worked out from the header, and known to fit the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// Each section's kind and bytes, without the zeros that fill its last page.
    pub(super) sections: Vec<(u32, Range<usize>)>,
    pub(super) index: Range<usize>,
    /// One checksum of eight bytes for each page of the sections.
    pub(super) table: Range<usize>,
}

impl Header {
    /// Of a file whose other fields are filled in as it is written.
    pub(in crate::mapped) fn new(key_type: u32, value_size: u32, count: u64) -> Self {
        Self { key_type, value_size, count, index_bytes: 0, sections: Vec::new(), table_checksum: 0 }
    }

    /// The page as it is stored in a file of `file_bytes`.
    pub(super) fn encode(&self, file_bytes: u64) -> Vec<u8> {
        let mut page = Vec::with_capacity(PAGE_BYTES);
        page.extend_from_slice(&MAGIC);
        page.extend_from_slice(&VERSION.to_le_bytes());
        page.extend_from_slice(&ORDER_MARK.to_ne_bytes());
        for number in [self.key_type, self.value_size, PAGE_BYTES as u32, self.sections.len() as u32] {
            page.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.count, self.index_bytes, file_bytes, self.table_checksum] {
            page.extend_from_slice(&number.to_le_bytes());
        }
        for (kind, length) in &self.sections {
            page.extend_from_slice(&kind.to_le_bytes());
            page.extend_from_slice(&[0; 4]);
            page.extend_from_slice(&length.to_le_bytes());
        }
        page.resize(CHECKSUM_AT, 0);
        let checksum = xxh3_64(&page);
        page.extend_from_slice(&checksum.to_le_bytes());
        page
    }

    /// Reads the first page of `file` and checks it against the file's length. Looks at nothing else.
    pub(super) fn decode(file: &[u8], place: &str) -> Result<(Self, Layout), MappedError> {
        let place = || place.to_owned();
        if let Some(found) = file.first_chunk::<8>()
            && *found != MAGIC
        {
            return Err(MappedError::NotADictionary { place: place(), found: *found });
        }
        let available = file.len() as u64;
        let Some(page) = file.first_chunk::<PAGE_BYTES>() else {
            return Err(MappedError::WrongLength { place: place(), needed: PAGE_BYTES as u64, available });
        };
        let found = u32_at(page, 8);
        if found != VERSION {
            return Err(MappedError::UnsupportedVersion { place: place(), found, supported: VERSION });
        }
        let (stored, computed) = (u64_at(page, CHECKSUM_AT), xxh3_64(&page[..CHECKSUM_AT]));
        if stored != computed {
            let what = "the header";
            return Err(MappedError::Damaged { place: place(), what, offset: 0, stored, computed });
        }
        let found = u32::from_ne_bytes([page[12], page[13], page[14], page[15]]);
        if found != ORDER_MARK {
            return Err(MappedError::ForeignByteOrder { place: place(), found });
        }
        let inconsistent = |offset, what| MappedError::Inconsistent { place: place(), offset, what };
        if u32_at(page, 24) != PAGE_BYTES as u32 {
            return Err(inconsistent(24, "pages of another size than 4096 bytes"));
        }
        let section_count = u32_at(page, 28) as usize;
        if section_count > MOST_SECTIONS {
            return Err(inconsistent(28, "more than eight sections"));
        }
        let sections = (0..section_count).map(|section| DESCRIPTORS_AT + section * DESCRIPTOR_BYTES);
        let header = Self {
            key_type: u32_at(page, 16),
            value_size: u32_at(page, 20),
            count: u64_at(page, 32),
            index_bytes: u64_at(page, 40),
            table_checksum: u64_at(page, 56),
            sections: sections.map(|at| (u32_at(page, at), u64_at(page, at + 8))).collect(),
        };
        let needed = u64_at(page, 48);
        if needed != available {
            return Err(MappedError::WrongLength { place: place(), needed, available });
        }
        let layout = header.layout(available).ok_or_else(|| {
            inconsistent(40, "the lengths of its parts do not add up to the length of the file")
        })?;
        Ok((header, layout))
    }

    /// Where everything lies; `None` if that is not `file_bytes` in all.
    pub(super) fn layout(&self, file_bytes: u64) -> Option<Layout> {
        let mut at = PAGE_BYTES as u64;
        let mut part = |bytes: u64, align: u64| {
            let start = at;
            let end = start.checked_add(bytes)?;
            at = end.checked_next_multiple_of(align)?;
            // Within a file that this machine holds, once the sum has been compared below.
            (end <= file_bytes).then_some(start as usize..end as usize)
        };
        let page = PAGE_BYTES as u64;
        let mut sections = Vec::with_capacity(self.sections.len());
        let mut pages = 0;
        for &(kind, bytes) in &self.sections {
            sections.push((kind, part(bytes, page)?));
            pages += bytes.div_ceil(page);
        }
        let index = part(self.index_bytes, page)?;
        let table = part(pages * 8, 1)?;
        (at == file_bytes).then_some(Layout { sections, index, table })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Header, Vec<u8>) {
        let header = Header {
            key_type: 0x1_0008,
            value_size: 4,
            count: 1000,
            index_bytes: 100,
            sections: vec![(1, 8000), (2, 4000)],
            table_checksum: 5,
        };
        let length = 4096 * 5 + 24;
        let mut file = header.encode(length);
        file.resize(length as usize, 0);
        (header, file)
    }

    #[test]
    fn comes_back_and_every_flipped_bit_and_cut_is_noticed() {
        let (header, file) = sample();
        let (decoded, layout) = Header::decode(&file, "f").unwrap();
        assert_eq!(decoded, header);
        assert_eq!(layout.sections, [(1, 4096..12096), (2, 12288..16288)]);
        assert_eq!((layout.index, layout.table), (16384..16484, 20480..20504));
        let mut damaged = file.clone();
        for bit in 0..PAGE_BYTES * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&damaged, "f").is_err(), "bit {bit}");
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..file.len() {
            assert!(Header::decode(&file[..length], "f").is_err(), "cut to {length}");
        }
        damaged.push(0);
        assert!(matches!(Header::decode(&damaged, "f"), Err(MappedError::WrongLength { .. })));
    }

    /// With the checksum made right again, fields are still held against each other.
    #[test]
    fn forged_fields_are_errors_or_describe_the_file_within_its_bounds() {
        let (_, file) = sample();
        for at in 8..DESCRIPTORS_AT + MOST_SECTIONS * DESCRIPTOR_BYTES {
            for byte in [0, 1, 2, 7, 0x7f, 0x80, 0xff] {
                let mut forged = file.clone();
                forged[at] = byte;
                let checksum = xxh3_64(&forged[..CHECKSUM_AT]).to_le_bytes();
                forged[CHECKSUM_AT..PAGE_BYTES].copy_from_slice(&checksum);
                let Ok((_, layout)) = Header::decode(&forged, "f") else { continue };
                let ends = layout.sections.iter().map(|(_, range)| range.end);
                assert!(ends.chain([layout.index.end, layout.table.end]).all(|end| end <= file.len()));
            }
        }
    }
}
