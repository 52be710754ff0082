//! The fixed bytes at both ends of a table.
//!
//! ```text
//! header (16)  magic "STRMTABL", u32 version, u32 zero
//! footer (184) section x 6: u64 offset, u64 length, u64 checksum, of what lies in the file, in file order:
//!                           range tombstones, filter, index, dictionary, envelope, properties
//!              u64 count of blocks
//!              u32 kind of filter, u32 kind of index
//!              u32 version, u32 zero
//!              magic "STRMTABL"
//!              u64 checksum of the footer up to here
//! ```

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use crate::Error;
use crate::coding::Reader;

/// What a table begins with and its footer ends with.
pub(crate) const MAGIC: [u8; 8] = *b"STRMTABL";
/// The version of the format that is written, and the only one that is read.
pub(super) const VERSION: u32 = 6;
/// The length of the header.
pub(super) const HEADER_BYTES: u64 = 16;
/// The length of the footer.
pub(super) const FOOTER_BYTES: usize = 6 * 24 + 8 + 8 + 8 + 8 + 8;

/// Where a section lies and what its bytes hash to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) checksum: u64,
}

/// The decoded footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) tombstones: Section,
    pub(super) filter: Section,
    pub(super) index: Section,
    pub(super) dictionary: Section,
    /// The table's own key, wrapped; empty if it is not encrypted.
    pub(super) envelope: Section,
    /// The last one: if the table is encrypted, the rest of the footer is authenticated with it.
    pub(super) properties: Section,
    pub(super) block_count: u64,
    pub(super) filter_kind: u32,
    pub(super) index_kind: u32,
}

/// The first bytes of a table.
pub(super) fn header() -> [u8; HEADER_BYTES as usize] {
    let mut bytes = [0; HEADER_BYTES as usize];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes
}

impl Section {
    /// The section of these bytes at `offset`.
    pub(super) fn of(offset: u64, bytes: &[u8]) -> Self {
        Self { offset, length: bytes.len() as u64, checksum: xxh3_64(bytes) }
    }

    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }

    /// The bytes of the file that it takes.
    pub(super) fn range(&self) -> Range<u64> {
        self.offset..self.end()
    }

    /// Whether these are its bytes.
    pub(super) fn check(&self, bytes: &[u8], file: &str, what: &str) -> Result<(), Error> {
        if bytes.len() as u64 == self.length && xxh3_64(bytes) == self.checksum {
            Ok(())
        } else {
            Err(Error::corrupt(file, self.offset, format!("the checksum of the {what} does not match")))
        }
    }
}

impl Footer {
    /// The stored form as it is before the properties are written: what is authenticated with them.
    pub(super) fn without_properties(&self) -> [u8; FOOTER_BYTES] {
        let properties = Section { offset: self.properties.offset, length: 0, checksum: 0 };
        Footer { properties, ..self.clone() }.encode()
    }

    /// The stored form.
    pub(super) fn encode(&self) -> [u8; FOOTER_BYTES] {
        let mut bytes = Vec::with_capacity(FOOTER_BYTES);
        for section in self.sections() {
            for number in [section.offset, section.length, section.checksum] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        bytes.extend_from_slice(&self.block_count.to_le_bytes());
        for number in [self.filter_kind, self.index_kind, VERSION, 0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&MAGIC);
        let checksum = xxh3_64(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        let mut footer = [0; FOOTER_BYTES];
        footer.copy_from_slice(&bytes);
        footer
    }

    /// Reads both ends of a file of `file_bytes` bytes, and checks that the sections follow one another
    /// without a gap up to the footer.
    pub(super) fn decode(
        header_bytes: &[u8],
        footer_bytes: &[u8; FOOTER_BYTES],
        file: &str,
        file_bytes: u64,
    ) -> Result<Self, Error> {
        let at = file_bytes - FOOTER_BYTES as u64;
        check_identity(header_bytes, footer_bytes, file, at)?;
        let damaged = |what: &str| Error::corrupt(file, at, what);
        let mut reader = Reader::new(footer_bytes);
        let footer = Self::read(&mut reader).ok_or_else(|| damaged("the footer is too short"))?;
        let mut end = footer.tombstones.offset;
        for section in footer.sections() {
            if section.offset != end || section.offset < HEADER_BYTES {
                return Err(damaged("the sections do not follow one another"));
            }
            end = end.checked_add(section.length).ok_or_else(|| damaged("a section without end"))?;
        }
        if end != at {
            return Err(damaged("the sections do not reach to the footer"));
        }
        Ok(footer)
    }

    /// All sections, in file order.
    pub(super) fn sections(&self) -> [Section; 6] {
        [self.tombstones, self.filter, self.index, self.dictionary, self.envelope, self.properties]
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut section =
            || Some(Section { offset: reader.u64()?, length: reader.u64()?, checksum: reader.u64()? });
        Some(Self {
            tombstones: section()?,
            filter: section()?,
            index: section()?,
            dictionary: section()?,
            envelope: section()?,
            properties: section()?,
            block_count: reader.u64()?,
            filter_kind: reader.u32()?,
            index_kind: reader.u32()?,
        })
    }
}

/// Checks what kind of file it is, then that its footer is whole, then the version.
fn check_identity(
    header_bytes: &[u8],
    footer_bytes: &[u8; FOOTER_BYTES],
    file: &str,
    at: u64,
) -> Result<(), Error> {
    if header_bytes.get(..8) != Some(&MAGIC[..]) {
        return Err(Error::corrupt(file, 0, "it does not begin as a table does"));
    }
    let (covered, checksum) = footer_bytes.split_at(FOOTER_BYTES - 8);
    if xxh3_64(covered).to_le_bytes() != checksum {
        return Err(Error::corrupt(file, at, "the checksum of the footer does not match"));
    }
    if covered[FOOTER_BYTES - 16..] != MAGIC {
        return Err(Error::corrupt(file, at, "it does not end as a table does"));
    }
    let version = &covered[FOOTER_BYTES - 24..FOOTER_BYTES - 16];
    if version != [&VERSION.to_le_bytes()[..], &[0; 4]].concat() {
        let found = u32::from_le_bytes([version[0], version[1], version[2], version[3]]);
        return Err(Error::Unsupported { file: file.to_owned(), what: format!("table format {found}") });
    }
    if header_bytes != header() {
        return Err(Error::corrupt(file, 8, "the header contradicts the footer"));
    }
    Ok(())
}
