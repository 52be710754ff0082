//! The fixed parts of a layer file: header, partition entries, footer. All numbers little-endian.

use xxhash_rust::xxh3::xxh3_64;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::paged::table_bytes;
use crate::kmer::Geometry;

pub(super) const MAGIC: [u8; 8] = *b"STRMKMER";
pub(super) const END_MAGIC: [u8; 8] = *b"STRMKEND";
pub(super) const VERSION: u32 = 5;

/// Mixed k-mers of a partition, ascending: the lower bits of each, and where each bucket of equal upper bits
/// begins.
pub(super) const DICTIONARY_BUCKETS: u8 = 2;
/// All k-mers of the layer in one dictionary of strings; partitions have only their number of k-mers.
pub(super) const DICTIONARY_STRINGS: u8 = 3;
/// Mixed k-mers of a partition in a stored quotient filter.
pub(super) const DICTIONARY_FILTER: u8 = 4;
/// A colour-set id for each k-mer, packed at `colour_width` bits.
pub(super) const COLOURS_PACKED: u8 = 1;
/// The colour-set ids are the colours of the dictionary of strings.
pub(super) const COLOURS_IN_STRINGS: u8 = 2;
/// A list of the partition's colour-set ids; the values of the filter are places in it.
pub(super) const COLOURS_CHOSEN: u8 = 3;
/// Colour sets are the leaves of one chunk; see the module `colours`.
pub(super) const SETS_OF_ONE_CHUNK: u8 = 3;
/// Colour sets are nodes over the leaves of chunks.
pub(super) const SETS_AS_NODES: u8 = 4;

/// Sections begin at multiples of this.
pub(super) const ALIGNMENT: u64 = 8;

/// Where a section lies, and its checksum: of its bytes, or of the table of its pages' checksums.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct SectionPointer {
    pub(super) offset: U64,
    pub(super) bytes: U64,
    pub(super) checksum: U64,
}

impl SectionPointer {
    /// First byte after the section; `None` on overflow.
    pub(super) fn end(&self) -> Option<u64> {
        self.offset.get().checked_add(self.bytes.get())
    }

    /// First byte after the section's table of checksums, where it has one for each page; `None` on overflow.
    pub(super) fn paged_end(&self) -> Option<u64> {
        let end = self.end()?.checked_next_multiple_of(ALIGNMENT)?;
        end.checked_add(table_bytes(self.bytes.get()))
    }
}

/// First bytes of the file.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) version: U32,
    pub(super) k: u8,
    pub(super) word_bytes: u8,
    pub(super) minimizer_length: u8,
    pub(super) partition_bits: u8,
    /// Colours of each sample.
    pub(super) levels: u8,
    pub(super) reserved: [u8; 7],
    pub(super) checksum: U64,
}

impl Header {
    pub(super) fn new(geometry: Geometry, levels: u32) -> Self {
        let mut header = Header {
            magic: MAGIC,
            version: VERSION.into(),
            k: geometry.k(),
            word_bytes: geometry.word_bytes(),
            minimizer_length: geometry.minimizer_length(),
            partition_bits: geometry.partition_bits(),
            levels: levels as u8,
            reserved: [0; 7],
            checksum: 0.into(),
        };
        header.checksum = header.expected_checksum().into();
        header
    }

    pub(super) fn expected_checksum(&self) -> u64 {
        xxh3_64(&self.as_bytes()[..HEADER_BYTES - 8])
    }
}

/// One partition in the directory.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct PartitionEntry {
    /// The lower bits of the k-mers, or the filter of them.
    pub(super) kmers: SectionPointer,
    pub(super) colours: SectionPointer,
    pub(super) starts: SectionPointer,
    pub(super) kmer_count: U64,
    pub(super) dictionary_coding: u8,
    pub(super) colour_coding: u8,
    pub(super) kmer_width: u8,
    pub(super) colour_width: u8,
    pub(super) bucket_bits: u8,
    pub(super) reserved: [u8; 3],
}

/// Last bytes of the file.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Footer {
    /// The dictionary of strings; empty where the k-mers are in partitions.
    pub(super) dictionary: SectionPointer,
    pub(super) directory: SectionPointer,
    pub(super) samples: SectionPointer,
    pub(super) sets: SectionPointer,
    pub(super) set_offsets: SectionPointer,
    pub(super) set_chunks: SectionPointer,
    pub(super) set_pairs: SectionPointer,
    pub(super) set_roots: SectionPointer,
    pub(super) kmer_count: U64,
    pub(super) sample_count: U32,
    pub(super) set_count: U32,
    pub(super) pair_count: U32,
    pub(super) set_coding: u8,
    /// Most pairs between a set and its leaves.
    pub(super) set_depth: u8,
    pub(super) reserved: [u8; 2],
    pub(super) checksum: U64,
    pub(super) magic: [u8; 8],
}

impl Footer {
    pub(super) fn expected_checksum(&self) -> u64 {
        xxh3_64(&self.as_bytes()[..FOOTER_BYTES - 16])
    }
}

pub(super) const HEADER_BYTES: usize = size_of::<Header>();
pub(super) const PARTITION_ENTRY_BYTES: usize = size_of::<PartitionEntry>();
pub(super) const FOOTER_BYTES: usize = size_of::<Footer>();

const _: () = assert!(HEADER_BYTES == 32 && PARTITION_ENTRY_BYTES == 88 && FOOTER_BYTES == 232);
