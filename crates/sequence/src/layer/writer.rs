//! Writes a layer file from its first byte to its last, one partition in memory at a time.

use xxhash_rust::xxh3::xxh3_64;
use zerocopy::IntoBytes;

use super::colours::ColourTableBuilder;
use super::encode::EncodedKmers;
use super::format::{
    ALIGNMENT, COLOURS_IN_STRINGS, COLOURS_PACKED, DICTIONARY_BUCKETS, DICTIONARY_STRINGS, END_MAGIC, Footer,
    Header, PartitionEntry, SETS_DIFFERENCES, SectionPointer,
};
use super::packed::{PackedBuffer, width_for};
use super::{ColourSet, LayerError};
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

/// A layer being written: the partitions in order, each once, or all in one [`dictionary`](Self::dictionary); then
/// [`finish`](Self::finish). Nothing is written before the first of them.
pub(crate) struct LayerBuilder<'a> {
    sink: &'a mut dyn Sink,
    position: u64,
    geometry: Geometry,
    levels: u32,
    /// Ids of the samples, ascending.
    samples: Vec<u32>,
    table: ColourTableBuilder,
    dictionary: Option<SectionPointer>,
    directory: Vec<PartitionEntry>,
    kmers: u64,
}

impl<'a> LayerBuilder<'a> {
    /// Begins a layer. `samples` are the ids of the samples, ascending; each has as many colours as there are
    /// levels.
    pub(crate) fn start(
        sink: &'a mut dyn Sink,
        geometry: Geometry,
        levels: u32,
        samples: Vec<u32>,
    ) -> Result<Self, LayerError> {
        let colours =
            (samples.len() as u64).checked_mul(levels.into()).and_then(|all| u32::try_from(all).ok());
        let limit = u64::from(u32::MAX / levels.max(1));
        let table = ColourTableBuilder::new(colours.ok_or(LayerError::TooMany { what: "samples", limit })?);
        let directory = Vec::with_capacity(geometry.partitions() as usize);
        let (position, dictionary, kmers) = (0, None, 0);
        Ok(LayerBuilder { sink, position, geometry, levels, samples, table, dictionary, directory, kmers })
    }

    /// The id of a set of the layer's colours.
    pub(crate) fn set_id(&mut self, set: &ColourSet) -> Result<u32, LayerError> {
        self.table.id_of(set)
    }

    /// The next partition: its k-mers, and the colour-set id of each.
    pub(crate) fn partition(
        &mut self,
        kmers: &EncodedKmers,
        set_ids: impl ExactSizeIterator<Item = u32> + Clone,
    ) -> Result<(), LayerError> {
        debug_assert_eq!(kmers.len(), set_ids.len());
        let colour_width = width_for(set_ids.clone().max().unwrap_or(0).into());
        let colours = PackedBuffer::from_values(set_ids.map(u64::from), colour_width);
        let entry = PartitionEntry {
            lows: self.section(&kmers.lows.bytes)?,
            colours: self.section(&colours.bytes)?,
            starts: self.section(&kmers.starts.bytes)?,
            kmer_count: (kmers.len() as u64).into(),
            dictionary_coding: DICTIONARY_BUCKETS,
            colour_coding: COLOURS_PACKED,
            kmer_width: self.geometry.kmer_bits() as u8,
            colour_width: colour_width as u8,
            bucket_bits: kmers.bucket_bits as u8,
            reserved: [0; 3],
        };
        self.kmers += kmers.len() as u64;
        self.directory.push(entry);
        Ok(())
    }

    /// All partitions at once: the dictionary of their k-mers, whose colours are colour-set ids, and how many k-mers
    /// each partition has.
    pub(crate) fn dictionary(&mut self, bytes: &[u8], kmers: &[u64]) -> Result<(), LayerError> {
        for &count in kmers {
            let entry = PartitionEntry {
                lows: self.section(&[])?,
                colours: self.section(&[])?,
                starts: self.section(&[])?,
                kmer_count: count.into(),
                dictionary_coding: DICTIONARY_STRINGS,
                colour_coding: COLOURS_IN_STRINGS,
                kmer_width: self.geometry.kmer_bits() as u8,
                ..PartitionEntry::default()
            };
            self.kmers += count;
            self.directory.push(entry);
        }
        self.dictionary = Some(self.section(bytes)?);
        Ok(())
    }

    /// Fails if what is being written is not wanted any more: for work that writes nothing for a while.
    pub(crate) fn check_wanted(&mut self) -> Result<(), LayerError> {
        self.sink.write_all(&[])
    }

    /// Writes the tables and the footer.
    pub(crate) fn finish(mut self) -> Result<LayerTotals, LayerError> {
        debug_assert_eq!(self.directory.len(), self.geometry.partitions() as usize);
        let table = std::mem::replace(&mut self.table, ColourTableBuilder::new(0)).finish();
        let samples: Vec<u8> = self.samples.iter().flat_map(|id| id.to_le_bytes()).collect();
        let directory = std::mem::take(&mut self.directory);
        let dictionary = match self.dictionary {
            Some(dictionary) => dictionary,
            None => self.section(&[])?,
        };
        let mut footer = Footer {
            dictionary,
            directory: self.section(directory.as_bytes())?,
            samples: self.section(&samples)?,
            sets: self.section(&table.sets)?,
            set_offsets: self.section(&table.offsets.bytes)?,
            kmer_count: self.kmers.into(),
            sample_count: (self.samples.len() as u32).into(),
            set_count: table.set_count.into(),
            set_coding: SETS_DIFFERENCES,
            set_offset_width: table.offsets.width as u8,
            reserved: [0; 6],
            checksum: 0.into(),
            magic: END_MAGIC,
        };
        let footer_checksum = footer.expected_checksum();
        footer.checksum = footer_checksum.into();
        self.write(footer.as_bytes())?;
        Ok(LayerTotals { kmers: self.kmers, colour_sets: table.set_count.into(), footer_checksum })
    }

    /// Writes a section, padded to the alignment.
    fn section(&mut self, bytes: &[u8]) -> Result<SectionPointer, LayerError> {
        if self.position == 0 {
            self.write(Header::new(self.geometry, self.levels).as_bytes())?;
        }
        let pointer = SectionPointer {
            offset: self.position.into(),
            bytes: (bytes.len() as u64).into(),
            checksum: xxh3_64(bytes).into(),
        };
        self.write(bytes)?;
        let padding = self.position.next_multiple_of(ALIGNMENT) - self.position;
        self.write(&[0; ALIGNMENT as usize][..padding as usize])?;
        Ok(pointer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.sink.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}
