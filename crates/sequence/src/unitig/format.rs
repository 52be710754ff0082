//! The stored form of a dictionary: a header from whose numbers the lengths of all sections follow, and the sections.

use xxhash_rust::xxh3::xxh3_64;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::sampling::Sampling;
use super::{DictionaryError, bases, places, runs};
use crate::layer::packed::width_for;
use crate::layer::paged::Paged;

pub(super) const MAGIC: [u8; 8] = *b"STRMUNIT";
pub(super) const VERSION: u32 = 1;

/// First bytes of a dictionary.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) version: U32,
    pub(super) k: u8,
    pub(super) m: u8,
    pub(super) t: u8,
    pub(super) colour_width: u8,
    pub(super) kmers: U64,
    pub(super) strings: U64,
    pub(super) bases: U64,
    pub(super) runs: U64,
    pub(super) buckets: U64,
    pub(super) entries: U64,
    pub(super) heavy_buckets: U64,
    pub(super) heavy_entries: U64,
    /// Checksum of all that follows the header.
    pub(super) body_checksum: U64,
    /// Checksum of the bytes before.
    pub(super) checksum: U64,
}

pub(super) const HEADER_BYTES: usize = size_of::<Header>();
const _: () = assert!(HEADER_BYTES == 96);

/// Number of sections.
pub(super) const SECTIONS: usize = 12;

impl Header {
    pub(super) fn expected_checksum(&self) -> u64 {
        xxh3_64(&self.as_bytes()[..HEADER_BYTES - 8])
    }

    pub(super) fn sampling(&self) -> Sampling {
        Sampling { k: self.k.into(), m: self.m.into(), t: self.t.into() }
    }

    /// Bits of a position of the strings. All ones is no position: there are that many bases at most.
    pub(super) fn position_width(&self) -> u32 {
        width_for(self.bases.get())
    }

    /// Lengths of all sections in their order; `None` where they overflow.
    pub(super) fn section_bytes(&self) -> Option<[u64; SECTIONS]> {
        let (bases, width) = (self.bases.get(), self.position_width());
        let [a, b, c, d, e] = runs::stored_bytes(bases, self.runs.get(), self.colour_width.into())?;
        let [f, g, h] = places::stored_bytes(self.buckets.get(), self.entries.get(), width)?;
        let [i, j, l] = places::stored_bytes(self.heavy_buckets.get(), self.heavy_entries.get(), width)?;
        Some([bases::stored_bytes(bases)?, a, b, c, d, e, f, g, h, i, j, l])
    }
}

/// Splits the bytes of a dictionary; the header is verified, the sections are not.
pub(super) fn split(bytes: Paged<'_>) -> Result<(Header, [Paged<'_>; SECTIONS]), DictionaryError> {
    let corrupt = |offset, what| DictionaryError::Corrupt { offset, what };
    let header = bytes.chunk::<HEADER_BYTES>(0).ok_or_else(|| corrupt(0, "the header is cut short"))?;
    let (header, body): (Header, _) = (zerocopy::transmute!(*header), bytes.split_at(HEADER_BYTES).1);
    if header.magic != MAGIC {
        return Err(corrupt(0, "this is no k-mer dictionary"));
    }
    if header.version.get() != VERSION {
        return Err(DictionaryError::Unsupported { found: header.version.get() });
    }
    if header.checksum.get() != header.expected_checksum() {
        return Err(corrupt(0, "the checksum of the header does not match"));
    }
    let fits = header.sampling().is_valid() && header.k % 2 == 1 && header.colour_width <= 32;
    let lengths = header.section_bytes().filter(|_| fits);
    let lengths = lengths.ok_or_else(|| corrupt(0, "the numbers of the header make no sense"))?;
    let total = lengths.iter().try_fold(0_u64, |sum, &length| sum.checked_add(length));
    if total != Some(body.len() as u64) {
        return Err(corrupt(HEADER_BYTES as u64, "the dictionary is not as long as the header says"));
    }
    let mut rest = body;
    let sections = lengths.map(|length| {
        // The sum of all lengths is that of the body.
        let (section, others) = rest.split_at(length as usize);
        rest = others;
        section
    });
    Ok((header, sections))
}
