//! The steps of opening a layer file: each checks what the next relies on.

use stroma_strata::storage::Blob;
use xxhash_rust::xxh3::xxh3_64;
use zerocopy::FromBytes;

use super::LayerError;
use super::colours::Chunk;
use super::format::{
    ALIGNMENT, COLOURS_CHOSEN, COLOURS_IN_STRINGS, COLOURS_PACKED, DICTIONARY_BUCKETS, DICTIONARY_FILTER,
    DICTIONARY_STRINGS, END_MAGIC, FOOTER_BYTES, Footer, HEADER_BYTES, Header, MAGIC, PARTITION_ENTRY_BYTES,
    PartitionEntry, SETS_AS_NODES, SETS_OF_ONE_CHUNK, SectionPointer, VERSION,
};
use crate::abundance::LEVELS;
use crate::kmer::Geometry;

/// Reads and verifies the fixed parts of one file.
pub(super) struct Opener<'a> {
    pub(super) blob: &'a dyn Blob,
}

impl Opener<'_> {
    fn corrupt(&self, offset: u64, what: &'static str) -> LayerError {
        LayerError::Corrupt { place: self.blob.describe(), offset, what }
    }

    fn unsupported(&self, what: &'static str, found: u32) -> LayerError {
        LayerError::Unsupported { place: self.blob.describe(), what, found }
    }

    fn read<const N: usize>(&self, offset: u64) -> Result<[u8; N], LayerError> {
        if offset.checked_add(N as u64).is_none_or(|end| end > self.blob.len()) {
            return Err(self.corrupt(offset, "the file ends too early"));
        }
        let mut bytes = [0; N];
        self.blob.read_exact_at(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// k, minimizer length and partitions; and how many abundances a sample's k-mer may have.
    pub(super) fn geometry(&self) -> Result<(Geometry, u32), LayerError> {
        if self.blob.len() < (HEADER_BYTES + FOOTER_BYTES) as u64 {
            return Err(self.corrupt(self.blob.len(), "the file ends too early"));
        }
        let bytes: [u8; HEADER_BYTES] = self.read(0)?;
        let header: Header = zerocopy::transmute!(bytes);
        if header.magic != MAGIC {
            return Err(self.corrupt(0, "this is no k-mer layer"));
        }
        if header.version.get() != VERSION {
            return Err(self.unsupported("format version", header.version.get()));
        }
        if header.checksum.get() != header.expected_checksum() || header.reserved != [0; 7] {
            return Err(self.corrupt(0, "the checksum of the header does not match"));
        }
        let geometry = Geometry::from_parts(header.k, header.minimizer_length, header.partition_bits)
            .map_err(|source| LayerError::Geometry { place: self.blob.describe(), source })?;
        if header.word_bytes != geometry.word_bytes() {
            return Err(self.unsupported("k-mer word width", header.word_bytes.into()));
        }
        let levels = u32::from(header.levels);
        if levels != 1 && levels != LEVELS {
            return Err(self.unsupported("number of abundance levels", levels));
        }
        Ok((geometry, levels))
    }

    pub(super) fn footer(&self) -> Result<Footer, LayerError> {
        let offset = self.blob.len() - FOOTER_BYTES as u64;
        let bytes: [u8; FOOTER_BYTES] = self.read(offset)?;
        let footer: Footer = zerocopy::transmute!(bytes);
        if footer.magic != END_MAGIC {
            return Err(self.corrupt(offset, "the end mark is missing; the file was cut short"));
        }
        if footer.checksum.get() != footer.expected_checksum() {
            return Err(self.corrupt(offset, "the checksum of the footer does not match"));
        }
        if footer.set_coding != SETS_OF_ONE_CHUNK && footer.set_coding != SETS_AS_NODES {
            return Err(self.unsupported("colour-set coding", footer.set_coding.into()));
        }
        Ok(footer)
    }

    /// Bytes of a table, verified; a table longer than the file is refused before it is read.
    fn table(&self, pointer: SectionPointer, bytes: u64) -> Result<Vec<u8>, LayerError> {
        let offset = pointer.offset.get();
        if pointer.bytes.get() != bytes || pointer.end().is_none_or(|end| end > self.blob.len()) {
            return Err(self.corrupt(offset, "a table is not as long as the footer says"));
        }
        let mut table = vec![0; bytes as usize];
        self.blob.read_exact_at(offset, &mut table)?;
        if xxh3_64(&table) != pointer.checksum.get() {
            return Err(self.corrupt(offset, "the checksum of a table does not match"));
        }
        Ok(table)
    }

    pub(super) fn directory(
        &self,
        footer: &Footer,
        geometry: Geometry,
    ) -> Result<Vec<PartitionEntry>, LayerError> {
        let bytes = u64::from(geometry.partitions()) * PARTITION_ENTRY_BYTES as u64;
        let table = self.table(footer.directory, bytes)?;
        let mut directory = Vec::with_capacity(geometry.partitions() as usize);
        for bytes in table.chunks_exact(PARTITION_ENTRY_BYTES) {
            let entry = PartitionEntry::read_from_bytes(bytes)
                .map_err(|_| self.corrupt(footer.directory.offset.get(), "a directory entry is cut short"))?;
            let colour_coding = match entry.dictionary_coding {
                DICTIONARY_BUCKETS => COLOURS_PACKED,
                DICTIONARY_STRINGS => COLOURS_IN_STRINGS,
                DICTIONARY_FILTER => COLOURS_CHOSEN,
                other => return Err(self.unsupported("k-mer dictionary coding", other.into())),
            };
            if entry.colour_coding != colour_coding {
                return Err(self.unsupported("colour coding", entry.colour_coding.into()));
            }
            let widths_fit = u32::from(entry.kmer_width) == geometry.kmer_bits() && entry.colour_width <= 32;
            // Where k-mers take no bits beside their bucket's number, nothing else bounds how many there are.
            let are_possible = u128::from(entry.kmer_count.get()) <= 1 << geometry.kmer_bits();
            if !widths_fit || !are_possible || entry.reserved != [0; 3] {
                return Err(self.corrupt(footer.directory.offset.get(), "a directory entry makes no sense"));
            }
            directory.push(entry);
        }
        self.check_coding(&directory, footer)?;
        Ok(directory)
    }

    /// All partitions must be in the dictionary or none, and what one coding does not use must be empty.
    fn check_coding(&self, directory: &[PartitionEntry], footer: &Footer) -> Result<(), LayerError> {
        let place = footer.directory.offset.get();
        let is_in_strings = |entry: &PartitionEntry| entry.dictionary_coding == DICTIONARY_STRINGS;
        let is_cold = directory.first().is_some_and(is_in_strings);
        if directory.iter().any(|entry| is_in_strings(entry) != is_cold) {
            return Err(self.corrupt(place, "some partitions are in a dictionary, and others are not"));
        }
        if is_cold == (footer.dictionary.bytes.get() == 0) {
            return Err(self.corrupt(place, "there is a dictionary that should not be there, or none"));
        }
        let has_sections = |entry: &PartitionEntry| {
            [entry.kmers, entry.colours, entry.starts].iter().any(|section| section.bytes.get() > 0)
        };
        if is_cold && directory.iter().any(has_sections) {
            return Err(self.corrupt(place, "a partition has sections beside the dictionary"));
        }
        let counts = || directory.iter().map(|entry| entry.kmer_count.get());
        let total = counts().try_fold(0_u64, |sum, count| sum.checked_add(count));
        // Four bases a byte: a merge sets memory aside by these numbers.
        let has_room = !is_cold || footer.kmer_count.get() / 4 <= footer.dictionary.bytes.get();
        if total != Some(footer.kmer_count.get()) || !has_room {
            return Err(self.corrupt(place, "the numbers of k-mers contradict each other"));
        }
        Ok(())
    }

    /// Sections must follow each other without holes from the header to the footer.
    pub(super) fn check_tiling(
        &self,
        directory: &[PartitionEntry],
        footer: &Footer,
    ) -> Result<(), LayerError> {
        let mut expected = HEADER_BYTES as u64;
        for (pointer, end) in sections_in_order(directory.iter(), footer) {
            match end.and_then(|end| end.checked_next_multiple_of(ALIGNMENT)) {
                Some(end) if pointer.offset.get() == expected && end <= self.blob.len() => expected = end,
                _ => return Err(self.corrupt(pointer.offset.get(), "the sections do not fit together")),
            }
        }
        if expected != self.blob.len() - FOOTER_BYTES as u64 {
            return Err(self.corrupt(expected, "the sections do not end where the footer begins"));
        }
        Ok(())
    }

    pub(super) fn samples(&self, footer: &Footer, levels: u32) -> Result<Vec<u32>, LayerError> {
        let table = self.table(footer.samples, 4 * u64::from(footer.sample_count.get()))?;
        let samples: Vec<u32> =
            table.chunks_exact(4).map(|id| u32::from_le_bytes([id[0], id[1], id[2], id[3]])).collect();
        if footer.sample_count.get().checked_mul(levels).is_none() {
            return Err(self.corrupt(footer.samples.offset.get(), "there are more samples than colours"));
        }
        let mut ascending = samples.clone();
        ascending.sort_unstable();
        if !ascending.is_sorted_by(|a, b| a < b) {
            return Err(self.corrupt(footer.samples.offset.get(), "a sample is there twice"));
        }
        Ok(samples)
    }
}

impl Opener<'_> {
    /// The chunks of the colour-set table, which must fit each other, the samples and the sections' lengths.
    pub(super) fn chunks(&self, footer: &Footer, colours: u32) -> Result<Vec<Chunk>, LayerError> {
        let entries = self.table(footer.set_chunks, footer.set_chunks.bytes.get())?;
        let chunks = Chunk::list(&entries).filter(|chunks| Chunk::fit(chunks, colours, footer));
        chunks.ok_or_else(|| {
            self.corrupt(footer.set_chunks.offset.get(), "the chunks of colours make no sense")
        })
    }
}

/// All sections in the order in which they lie in the file, each with where it ends, its table of checksums
/// included; `None` where that overflows.
pub(super) fn sections_in_order<'a>(
    directory: impl Iterator<Item = &'a PartitionEntry>,
    footer: &Footer,
) -> impl Iterator<Item = (SectionPointer, Option<u64>)> {
    let whole = |section: SectionPointer| (section, section.end());
    let paged = |section: SectionPointer| (section, section.paged_end());
    let tables = [
        paged(footer.dictionary),
        whole(footer.directory),
        whole(footer.samples),
        paged(footer.sets),
        paged(footer.set_offsets),
        whole(footer.set_chunks),
        paged(footer.set_pairs),
        paged(footer.set_roots),
    ];
    directory.flat_map(|entry| [entry.kmers, entry.colours, entry.starts]).map(whole).chain(tables)
}
