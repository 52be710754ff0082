//! Writes a layer file from its first byte to its last, one partition in memory at a time.

use stroma_hybrid::pages::PageSums;
use xxhash_rust::xxh3::xxh3_64;
use zerocopy::IntoBytes;

use super::LayerError;
use super::colours::ColourTableBuilder;
use super::encode::{EncodedForm, EncodedKmers};
use super::filtered::encode_sets;
use super::format::{
    ALIGNMENT, COLOURS_CHOSEN, COLOURS_IN_STRINGS, COLOURS_PACKED, DICTIONARY_BUCKETS, DICTIONARY_FILTER,
    DICTIONARY_STRINGS, END_MAGIC, Footer, Header, PartitionEntry, SETS_AS_NODES, SETS_OF_ONE_CHUNK,
    SectionPointer,
};
use super::packed::{PackedBuffer, width_for};
use crate::kmer::Geometry;

/// Where the bytes of a layer go: a blob being written, or memory in tests.
pub(crate) trait Sink {
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LayerError>;
}

impl Sink for Vec<u8> {
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LayerTotals {
    /// Distinct k-mers.
    pub(crate) kmers: u64,
    /// Different sets of samples.
    pub(crate) colour_sets: u64,
    /// Checksum of the footer, which holds those of all else but the header.
    pub(crate) footer_checksum: u64,
}

/// A layer being written: the partitions in order, each once, or all in one [`dictionary`](Self::dictionary);
/// then [`finish`](Self::finish). Nothing is written before the first of them.
pub(crate) struct LayerBuilder<'a> {
    sections: Sections<'a>,
    /// Ids of the samples, each once.
    samples: Vec<u32>,
    table: ColourTableBuilder<'a>,
    dictionary: Option<SectionPointer>,
    directory: Vec<PartitionEntry>,
    kmers: u64,
}

impl<'a> LayerBuilder<'a> {
    /// Begins a layer. `samples` are the ids of the samples, each once; each has as many colours as there are
    /// levels, in the order of the samples. Their sets are in `table`.
    pub(crate) fn start(
        sink: &'a mut dyn Sink,
        geometry: Geometry,
        levels: u32,
        samples: Vec<u32>,
        table: ColourTableBuilder<'a>,
    ) -> Result<Self, LayerError> {
        let limit = u64::from(u32::MAX / levels.max(1));
        if samples.len() as u64 > limit {
            return Err(LayerError::TooMany { what: "samples", limit });
        }
        let directory = Vec::with_capacity(geometry.partitions() as usize);
        let sections = Sections { sink, position: 0, geometry, levels };
        Ok(LayerBuilder { sections, samples, table, dictionary: None, directory, kmers: 0 })
    }

    /// The table of the layer's sets.
    pub(super) fn table(&mut self) -> &mut ColourTableBuilder<'a> {
        &mut self.table
    }

    /// The next partition: its k-mers, and the ids of its colour sets, of which `chosen` tells the place of
    /// each k-mer's; it is empty where all have the first. `chosen` must be what the k-mers were encoded with.
    pub(crate) fn partition<N: Copy + Into<u64>>(
        &mut self,
        kmers: &EncodedKmers,
        chosen: &[N],
        ids: &[u32],
    ) -> Result<(), LayerError> {
        let entry = match &kmers.form {
            EncodedForm::Filter(filter) => {
                let (sets, colour_width) = encode_sets(ids);
                PartitionEntry {
                    kmers: self.sections.push(filter)?,
                    colours: self.sections.push(&sets)?,
                    starts: self.sections.push(&[])?,
                    dictionary_coding: DICTIONARY_FILTER,
                    colour_coding: COLOURS_CHOSEN,
                    colour_width: colour_width as u8,
                    ..PartitionEntry::default()
                }
            }
            EncodedForm::Buckets(buckets) => {
                let colours = packed_sets(kmers.len(), chosen, ids);
                PartitionEntry {
                    kmers: self.sections.push(&buckets.lows.bytes)?,
                    colours: self.sections.push(&colours.bytes)?,
                    starts: self.sections.push(&buckets.starts.bytes)?,
                    dictionary_coding: DICTIONARY_BUCKETS,
                    colour_coding: COLOURS_PACKED,
                    colour_width: colours.width as u8,
                    bucket_bits: buckets.bucket_bits as u8,
                    ..PartitionEntry::default()
                }
            }
        };
        let kmer_width = self.sections.geometry.kmer_bits() as u8;
        self.directory.push(PartitionEntry { kmer_count: (kmers.len() as u64).into(), kmer_width, ..entry });
        self.kmers += kmers.len() as u64;
        Ok(())
    }

    /// All partitions at once: the dictionary of their k-mers, whose colours are colour-set ids, and how many
    /// k-mers each partition has.
    pub(crate) fn dictionary(&mut self, bytes: &[u8], kmers: &[u64]) -> Result<(), LayerError> {
        for &count in kmers {
            let entry = PartitionEntry {
                kmers: self.sections.push(&[])?,
                colours: self.sections.push(&[])?,
                starts: self.sections.push(&[])?,
                kmer_count: count.into(),
                dictionary_coding: DICTIONARY_STRINGS,
                colour_coding: COLOURS_IN_STRINGS,
                kmer_width: self.sections.geometry.kmer_bits() as u8,
                ..PartitionEntry::default()
            };
            self.kmers += count;
            self.directory.push(entry);
        }
        self.dictionary = Some(self.sections.push_paged([bytes].into_iter())?);
        Ok(())
    }

    /// Fails if what is being written is not wanted any more: for work that writes nothing for a while.
    pub(crate) fn check_wanted(&mut self) -> Result<(), LayerError> {
        self.sections.sink.write_all(&[])
    }

    /// Writes the tables and the footer.
    pub(crate) fn finish(self) -> Result<LayerTotals, LayerError> {
        let LayerBuilder { mut sections, samples, table, dictionary, directory, kmers } = self;
        debug_assert_eq!(directory.len(), sections.geometry.partitions() as usize);
        let table = table.finish()?;
        let list: Vec<u8> = samples.iter().flat_map(|id| id.to_le_bytes()).collect();
        let dictionary = match dictionary {
            Some(dictionary) => dictionary,
            None => sections.push_paged(std::iter::empty())?,
        };
        let roots = table.roots.as_ref().map_or(&[][..], |roots| &roots.bytes);
        let mut footer = Footer {
            dictionary,
            directory: sections.push(directory.as_bytes())?,
            samples: sections.push(&list)?,
            sets: sections.push_paged(table.sets.iter().map(|part| &**part))?,
            set_offsets: sections.push_paged(table.offsets.iter().map(|part| &**part))?,
            set_chunks: sections.push(&table.chunks)?,
            set_pairs: sections.push_paged([&*table.pairs.bytes].into_iter())?,
            set_roots: sections.push_paged([roots].into_iter())?,
            kmer_count: kmers.into(),
            sample_count: (samples.len() as u32).into(),
            set_count: table.set_count.into(),
            pair_count: table.pair_count.into(),
            set_coding: if table.roots.is_some() { SETS_AS_NODES } else { SETS_OF_ONE_CHUNK },
            set_depth: table.depth,
            reserved: [0; 2],
            checksum: 0.into(),
            magic: END_MAGIC,
        };
        let footer_checksum = footer.expected_checksum();
        footer.checksum = footer_checksum.into();
        sections.write(footer.as_bytes())?;
        Ok(LayerTotals { kmers, colour_sets: table.set_count.into(), footer_checksum })
    }
}

/// The colour-set id of each k-mer.
pub(super) fn packed_sets<N: Copy + Into<u64>>(kmers: usize, chosen: &[N], ids: &[u32]) -> PackedBuffer {
    let width = width_for(ids.iter().copied().max().unwrap_or(0).into());
    let id = |place: u64| u64::from(ids[place as usize]);
    if chosen.is_empty() {
        return PackedBuffer::from_values((0..kmers).map(|_| id(0)), width);
    }
    PackedBuffer::from_values(chosen.iter().map(|&place| id(place.into())), width)
}

/// Writes sections one behind the other.
struct Sections<'a> {
    sink: &'a mut dyn Sink,
    position: u64,
    geometry: Geometry,
    levels: u32,
}

impl Sections<'_> {
    /// Writes a section with one checksum.
    fn push(&mut self, bytes: &[u8]) -> Result<SectionPointer, LayerError> {
        self.begin()?;
        let offset = self.position;
        self.write(bytes)?;
        self.end(offset, xxh3_64(bytes))
    }

    /// Writes a section that comes in parts, and behind it the checksums of its pages.
    fn push_paged<'p>(
        &mut self,
        parts: impl Iterator<Item = &'p [u8]>,
    ) -> Result<SectionPointer, LayerError> {
        self.begin()?;
        let (offset, mut sums) = (self.position, PageSums::default());
        for part in parts {
            sums.update(part);
            self.write(part)?;
        }
        let table = sums.finish();
        let pointer = self.end(offset, xxh3_64(&table))?;
        self.write(&table)?;
        Ok(pointer)
    }

    /// The header comes before the first section.
    fn begin(&mut self) -> Result<(), LayerError> {
        if self.position > 0 {
            return Ok(());
        }
        self.write(Header::new(self.geometry, self.levels).as_bytes())
    }

    /// Pads the section that began at `offset` to the alignment.
    fn end(&mut self, offset: u64, checksum: u64) -> Result<SectionPointer, LayerError> {
        let bytes = self.position - offset;
        let padding = self.position.next_multiple_of(ALIGNMENT) - self.position;
        self.write(&[0; ALIGNMENT as usize][..padding as usize])?;
        Ok(SectionPointer { offset: offset.into(), bytes: bytes.into(), checksum: checksum.into() })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.sink.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}
