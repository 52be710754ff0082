//! An open layer file: its structure is checked when it is opened, each section when it is first touched.

use std::sync::{Arc, OnceLock};

use stroma_hybrid::{Index, IndexRef};
use stroma_strata::storage::Blob;
use xxhash_rust::xxh3::xxh3_64;
use zerocopy::FromBytes;

use super::LayerError;
use super::colours::{ColourSet, ColourTable};
use super::format::{
    ALIGNMENT, COLOURS_PACKED, DICTIONARY_SORTED, END_MAGIC, FOOTER_BYTES, Footer, HEADER_BYTES, Header,
    MAGIC, PARTITION_ENTRY_BYTES, PartitionEntry, SETS_DIFFERENCES, SectionPointer, VERSION,
};
use super::packed::Packed;
use super::section::Section;
use crate::kmer::Geometry;

/// A layer file, open for searching.
#[derive(Debug)]
pub struct Layer {
    blob: Arc<dyn Blob>,
    geometry: Geometry,
    footer: Footer,
    samples: Vec<u32>,
    partitions: Vec<Partition>,
    sets: Section,
    set_offsets: Section,
}

#[derive(Debug)]
struct Partition {
    kmers: Section,
    colours: Section,
    index: Section,
    /// Opened at the first touch and kept: a few tenths of a bit for each k-mer.
    opened_index: OnceLock<Index<u64>>,
    entry: PartitionEntry,
}

/// The k-mers of one partition, ready for look-ups.
#[derive(Debug)]
pub struct PartitionView<'a> {
    kmers: Packed<'a>,
    set_ids: Packed<'a>,
    /// None where the partition is empty.
    index: Option<&'a Index<u64>>,
}

impl Partition {
    /// The index over the k-mers, opened at the first call.
    fn index(&self, blob: &dyn Blob) -> Result<&Index<u64>, LayerError> {
        if let Some(index) = self.opened_index.get() {
            return Ok(index);
        }
        let corrupt = || self.index.corrupt(blob, "the directory of the k-mers cannot be opened");
        let count = usize::try_from(self.entry.kmer_count.get()).map_err(|_| corrupt())?;
        let opened = IndexRef::open(self.index.bytes(blob)?, count).map_err(|_| corrupt())?;
        Ok(self.opened_index.get_or_init(|| opened.to_owned()))
    }
}

impl PartitionView<'_> {
    /// Number of k-mers.
    pub fn len(&self) -> usize {
        self.kmers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The colour-set id of a k-mer; none where the layer does not have it. O(log n).
    #[inline]
    pub fn set_id(&self, kmer: u64) -> Option<u32> {
        let position = self.index?.get(&self.kmers, kmer)?;
        Some(self.set_ids.get(position) as u32)
    }

    /// As [`set_id`](Self::set_id), for k-mers that come in ascending order and close together: seeks onward from
    /// `position`, where the last look-up ended (0 at first), in ever larger steps. O(log distance).
    #[inline]
    pub(crate) fn set_id_onward(&self, position: &mut usize, kmer: u64) -> Option<u32> {
        let length = self.kmers.len();
        let (mut low, mut step) = (*position, 1);
        let mut high = low;
        while high < length && self.kmers.get(high) < kmer {
            low = high + 1;
            high += step;
            step *= 2;
        }
        high = high.min(length);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.kmers.get(middle) < kmer { low = middle + 1 } else { high = middle }
        }
        *position = low;
        (low < length && self.kmers.get(low) == kmer).then(|| self.set_ids.get(low) as u32)
    }

    /// k-mer and colour-set id at a position, ascending by k-mer.
    ///
    /// # Panics
    /// If the position is not below [`len`](Self::len).
    #[inline]
    pub fn at(&self, position: usize) -> (u64, u32) {
        (self.kmers.get(position), self.set_ids.get(position) as u32)
    }
}

impl Layer {
    /// Opens a layer: reads and verifies header, footer, directory and samples. O(partitions).
    ///
    /// # Errors
    /// [`LayerError`] where the bytes are damaged, or written by a newer version.
    pub fn open(blob: Arc<dyn Blob>) -> Result<Self, LayerError> {
        let opener = Opener { blob: &*blob };
        let geometry = opener.geometry()?;
        let footer = opener.footer()?;
        let directory = opener.directory(&footer, geometry)?;
        opener.check_tiling(&directory, &footer)?;
        let samples = opener.samples(&footer)?;
        let partitions = directory.into_iter().map(|entry| Partition {
            kmers: Section::new(entry.kmers),
            colours: Section::new(entry.colours),
            index: Section::new(entry.index),
            opened_index: OnceLock::new(),
            entry,
        });
        Ok(Layer {
            geometry,
            samples,
            partitions: partitions.collect(),
            sets: Section::new(footer.sets),
            set_offsets: Section::new(footer.set_offsets),
            footer,
            blob,
        })
    }

    /// k, minimizer length, partitions.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Ids of the samples, ascending; their positions are the layer's colours.
    pub fn samples(&self) -> &[u32] {
        &self.samples
    }

    /// Distinct k-mers.
    pub fn kmers(&self) -> u64 {
        self.footer.kmer_count.get()
    }

    /// Different sets of samples.
    pub fn colour_sets(&self) -> u32 {
        self.footer.set_count.get()
    }

    /// Length of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.blob.len()
    }

    /// Bytes of the colour-set table.
    pub fn colour_bytes(&self) -> u64 {
        self.footer.sets.bytes.get() + self.footer.set_offsets.bytes.get()
    }

    pub(super) fn footer_checksum(&self) -> u64 {
        self.footer.checksum.get()
    }

    pub(super) fn place(&self) -> String {
        self.blob.describe()
    }

    /// Opens a partition; its sections are verified when first touched.
    ///
    /// # Errors
    /// [`LayerError::Corrupt`], or a failure of the storage.
    ///
    /// # Panics
    /// If there is no such partition.
    pub fn partition(&self, partition: u32) -> Result<PartitionView<'_>, LayerError> {
        let partition = &self.partitions[partition as usize];
        let Partition { kmers, colours, entry, .. } = partition;
        let (count, blob) = (entry.kmer_count.get(), &*self.blob);
        let view = |section: &Section, bytes, width: u8| {
            Packed::new(bytes, width.into(), count)
                .ok_or_else(|| section.corrupt(blob, "the section is not as long as the directory says"))
        };
        let (kmer_bytes, colour_bytes) = (kmers.bytes(blob)?, colours.bytes(blob)?);
        let kmers = view(kmers, kmer_bytes, entry.kmer_width)?;
        let set_ids = view(colours, colour_bytes, entry.colour_width)?;
        let index = if count == 0 { None } else { Some(partition.index(blob)?) };
        Ok(PartitionView { kmers, set_ids, index })
    }

    /// Bytes of a partition's sections.
    pub(super) fn partition_bytes(&self, partition: u32) -> u64 {
        let entry = &self.partitions[partition as usize].entry;
        [entry.kmers, entry.colours, entry.index].iter().map(|section| section.bytes.get()).sum()
    }

    /// Decodes a colour set into `into`.
    ///
    /// # Errors
    /// [`LayerError::Corrupt`] where id or table make no sense, or a failure of the storage.
    pub(crate) fn decode_set(&self, id: u32, into: &mut ColourSet) -> Result<(), LayerError> {
        let corrupt =
            || self.sets.corrupt(&*self.blob, "the colour-set table does not hold the set asked for");
        let count = u64::from(self.footer.set_count.get()) + 1;
        let offsets = self.set_offsets.bytes(&*self.blob)?;
        let offsets = Packed::new(offsets, self.footer.set_offset_width.into(), count).ok_or_else(corrupt)?;
        let sets = self.sets.bytes(&*self.blob)?;
        let table = ColourTable { sets, offsets, colours: self.samples.len() as u32 };
        table.decode(id, into).ok_or_else(corrupt)
    }

    /// Verifies every checksum and every byte between the sections, that k-mers ascend and that each colour-set
    /// id can be decoded.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn verify(&self) -> Result<(), LayerError> {
        let blob = &*self.blob;
        for section in [&self.sets, &self.set_offsets] {
            section.verify(blob)?;
        }
        let mut set = ColourSet::empty(self.samples.len() as u32);
        for id in 0..self.colour_sets() {
            self.decode_set(id, &mut set)?;
        }
        for (number, partition) in self.partitions.iter().enumerate() {
            for section in [&partition.kmers, &partition.colours, &partition.index] {
                section.verify(blob)?;
            }
            let view = self.partition(number as u32)?;
            let mut previous = None;
            for (kmer, set_id) in (0..view.len()).map(|position| view.at(position)) {
                if previous.is_some_and(|previous| previous >= kmer) {
                    return Err(partition.kmers.corrupt(blob, "the k-mers do not ascend"));
                }
                if set_id >= self.colour_sets() {
                    return Err(partition
                        .colours
                        .corrupt(blob, "a k-mer has a colour set that is not there"));
                }
                previous = Some(kmer);
            }
        }
        self.verify_padding()
    }

    /// The bytes between sections must be zero.
    fn verify_padding(&self) -> Result<(), LayerError> {
        let entries = self.partitions.iter().map(|partition| &partition.entry);
        for pointer in sections_in_order(entries, &self.footer) {
            let end = pointer.end().unwrap_or(u64::MAX);
            let mut padding = [0; ALIGNMENT as usize];
            let length = (end.next_multiple_of(ALIGNMENT) - end) as usize;
            self.blob.read_exact_at(end, &mut padding[..length])?;
            if padding != [0; ALIGNMENT as usize] {
                let (place, what) = (self.place(), "the bytes between two sections are not zero");
                return Err(LayerError::Corrupt { place, offset: end, what });
            }
        }
        Ok(())
    }
}

/// All sections in the order in which they lie in the file.
fn sections_in_order<'a>(
    directory: impl Iterator<Item = &'a PartitionEntry>,
    footer: &Footer,
) -> impl Iterator<Item = SectionPointer> {
    let tables = [footer.directory, footer.samples, footer.sets, footer.set_offsets];
    directory.flat_map(|entry| [entry.kmers, entry.colours, entry.index]).chain(tables)
}

/// The steps of opening: each checks what the next relies on.
struct Opener<'a> {
    blob: &'a dyn Blob,
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

    fn geometry(&self) -> Result<Geometry, LayerError> {
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
        if header.checksum.get() != header.expected_checksum() || header.reserved != [0; 8] {
            return Err(self.corrupt(0, "the checksum of the header does not match"));
        }
        if header.word_bytes != crate::kmer::WORD_BYTES {
            return Err(self.unsupported("k-mer word width", header.word_bytes.into()));
        }
        Geometry::from_parts(header.k, header.minimizer_length, header.partition_bits)
            .map_err(|source| LayerError::Geometry { place: self.blob.describe(), source })
    }

    fn footer(&self) -> Result<Footer, LayerError> {
        let offset = self.blob.len() - FOOTER_BYTES as u64;
        let bytes: [u8; FOOTER_BYTES] = self.read(offset)?;
        let footer: Footer = zerocopy::transmute!(bytes);
        if footer.magic != END_MAGIC {
            return Err(self.corrupt(offset, "the end mark is missing; the file was cut short"));
        }
        if footer.checksum.get() != footer.expected_checksum() {
            return Err(self.corrupt(offset, "the checksum of the footer does not match"));
        }
        if footer.set_coding != SETS_DIFFERENCES {
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

    fn directory(&self, footer: &Footer, geometry: Geometry) -> Result<Vec<PartitionEntry>, LayerError> {
        let bytes = u64::from(geometry.partitions()) * PARTITION_ENTRY_BYTES as u64;
        let table = self.table(footer.directory, bytes)?;
        let mut directory = Vec::with_capacity(geometry.partitions() as usize);
        for bytes in table.chunks_exact(PARTITION_ENTRY_BYTES) {
            let entry = PartitionEntry::read_from_bytes(bytes)
                .map_err(|_| self.corrupt(footer.directory.offset.get(), "a directory entry is cut short"))?;
            if entry.dictionary_coding != DICTIONARY_SORTED {
                return Err(self.unsupported("k-mer dictionary coding", entry.dictionary_coding.into()));
            }
            if entry.colour_coding != COLOURS_PACKED {
                return Err(self.unsupported("colour coding", entry.colour_coding.into()));
            }
            let widths_fit = u32::from(entry.kmer_width) == geometry.kmer_bits() && entry.colour_width <= 32;
            if !widths_fit || entry.reserved != [0; 4] {
                return Err(self.corrupt(footer.directory.offset.get(), "a directory entry makes no sense"));
            }
            directory.push(entry);
        }
        Ok(directory)
    }

    /// Sections must follow each other without holes from the header to the footer.
    fn check_tiling(&self, directory: &[PartitionEntry], footer: &Footer) -> Result<(), LayerError> {
        let mut expected = HEADER_BYTES as u64;
        for pointer in sections_in_order(directory.iter(), footer) {
            let end = pointer.end().and_then(|end| end.checked_next_multiple_of(ALIGNMENT));
            match end {
                Some(end) if pointer.offset.get() == expected && end <= self.blob.len() => expected = end,
                _ => return Err(self.corrupt(pointer.offset.get(), "the sections do not fit together")),
            }
        }
        if expected != self.blob.len() - FOOTER_BYTES as u64 {
            return Err(self.corrupt(expected, "the sections do not end where the footer begins"));
        }
        Ok(())
    }

    fn samples(&self, footer: &Footer) -> Result<Vec<u32>, LayerError> {
        let table = self.table(footer.samples, 4 * u64::from(footer.sample_count.get()))?;
        let samples: Vec<u32> =
            table.chunks_exact(4).map(|id| u32::from_le_bytes([id[0], id[1], id[2], id[3]])).collect();
        if !samples.is_sorted_by(|a, b| a < b) {
            return Err(self.corrupt(footer.samples.offset.get(), "the samples do not ascend"));
        }
        Ok(samples)
    }
}
