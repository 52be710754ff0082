//! The first page of a map's file.

use xxhash_rust::xxh3::xxh3_64;

use super::error::MapFileError;
use super::leaves::Layout;
use crate::Key;
use crate::map::config::{Config, Lengths};
use crate::mapped::MappedRegion;
use crate::stored::{u32_at, u64_at};

/// Where the leaves begin.
pub(super) const PAGE: usize = 4096;

const MAGIC: [u8; 8] = *b"STRMHMAP";
const VERSION: u32 = 1;
/// Reads otherwise on a machine of the other byte order. Keys and values lie as they do in memory.
const ORDER: u32 = 0x0102_0304;
/// Bytes that the header's checksum covers.
const COVERED: usize = 64;

/// Whether what the header says holds.
const SYNCED: u32 = 1;
const CHANGING: u32 = 2;

/// What changes in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Whether nothing was changed since the rest was written.
    pub(super) synced: bool,
    pub(super) leaves: u64,
    pub(super) entries: u64,
    /// Checksum of the table behind the leaves.
    pub(super) table: u64,
}

/// What is fixed by the configuration: name, value.
fn shape<C: Config>() -> [(&'static str, u32); 4] {
    [
        ("byte order mark", ORDER),
        ("key type code", C::Key::TYPE_CODE),
        ("bytes of a value:", Layout::<C>::VALUE as u32),
        ("slots of a leaf:", Lengths::<C>::LEAF as u32),
    ]
}

impl Header {
    /// Writes the header into the first page.
    pub(super) fn write<C: Config>(self, page: &mut [u8]) {
        page[..8].copy_from_slice(&MAGIC);
        page[8..12].copy_from_slice(&VERSION.to_le_bytes());
        for (place, (_, value)) in shape::<C>().into_iter().enumerate() {
            // The mark for the byte order is the one number that is written as this machine does.
            let bytes = if place == 0 { value.to_ne_bytes() } else { value.to_le_bytes() };
            page[12 + place * 4..16 + place * 4].copy_from_slice(&bytes);
        }
        let state = if self.synced { SYNCED } else { CHANGING };
        page[28..32].copy_from_slice(&state.to_le_bytes());
        for (place, value) in [self.leaves, self.entries, self.table, 0].into_iter().enumerate() {
            page[32 + place * 8..40 + place * 8].copy_from_slice(&value.to_le_bytes());
        }
        let checksum = xxh3_64(&page[..COVERED]);
        page[COVERED..COVERED + 8].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Reads and checks the header of a file that is to be opened with a configuration.
    pub(super) fn read<C: Config>(region: &MappedRegion) -> Result<Self, MapFileError> {
        let place = || region.path().display().to_string();
        let bytes = region.bytes();
        let Some(page) = bytes.get(..PAGE).filter(|page| page[..8] == MAGIC) else {
            let found = bytes[..bytes.len().min(8)].to_vec();
            return Err(MapFileError::NotAMap { place: place(), found });
        };
        let found = u32_at(page, 8);
        if found != VERSION {
            return Err(MapFileError::UnsupportedVersion { place: place(), found, supported: VERSION });
        }
        let (stored, computed) = (u64_at(page, COVERED), xxh3_64(&page[..COVERED]));
        if stored != computed {
            let what = "the header";
            return Err(MapFileError::Damaged { place: place(), what, offset: 0, stored, computed });
        }
        for (number, (what, expected)) in shape::<C>().into_iter().enumerate() {
            let found = u32_at(page, 12 + number * 4);
            let found = if number == 0 { u32::from_ne_bytes(found.to_le_bytes()) } else { found };
            if found != expected {
                return Err(MapFileError::WrongShape { place: place(), what, expected, found });
            }
        }
        let synced = match u32_at(page, 28) {
            SYNCED => true,
            CHANGING => false,
            _ => {
                let what = "a state that is neither synced nor changing";
                return Err(MapFileError::Inconsistent { place: place(), offset: 28, what });
            }
        };
        let header =
            Self { synced, leaves: u64_at(page, 32), entries: u64_at(page, 40), table: u64_at(page, 48) };
        if header.synced { Ok(header) } else { Err(MapFileError::NotSynced { place: place() }) }
    }
}
