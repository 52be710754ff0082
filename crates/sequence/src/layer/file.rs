//! An open layer file: its structure is checked when it is opened, each section when it is first touched.

use std::sync::Arc;

use stroma_strata::storage::Blob;

use super::LayerError;
use super::colours::{ColourSet, ColourTable};
use super::format::{ALIGNMENT, Footer, PartitionEntry};
use super::open::{Opener, sections_in_order};
use super::packed::Packed;
use super::partition::{PartitionParts, PartitionView};
use super::section::Section;
use crate::kmer::{Geometry, Word};

/// A layer file, open for searching.
#[derive(Debug)]
pub struct Layer {
    blob: Arc<dyn Blob>,
    geometry: Geometry,
    levels: u32,
    footer: Footer,
    samples: Vec<u32>,
    partitions: Vec<Partition>,
    sets: Section,
    set_offsets: Section,
}

#[derive(Debug)]
struct Partition {
    lows: Section,
    colours: Section,
    starts: Section,
    entry: PartitionEntry,
}

/// A partition read into memory of its own: for merges, which touch each byte once and leave none behind in memory.
#[derive(Debug)]
pub(crate) struct LoadedPartition<'a> {
    lows: Vec<u8>,
    colours: Vec<u8>,
    starts: Vec<u8>,
    partition: &'a Partition,
    layer: &'a Layer,
}

impl LoadedPartition<'_> {
    pub(crate) fn view<W: Word>(&self) -> Result<PartitionView<'_, W>, LayerError> {
        let sections = [&self.lows, &self.colours, &self.starts];
        self.layer.view(self.partition, sections.map(Vec::as_slice))
    }
}

impl Layer {
    /// Opens a layer: reads and verifies header, footer, directory and samples. O(partitions).
    ///
    /// # Errors
    /// [`LayerError`] where the bytes are damaged, or written by a newer version.
    pub fn open(blob: Arc<dyn Blob>) -> Result<Self, LayerError> {
        let opener = Opener { blob: &*blob };
        let (geometry, levels) = opener.geometry()?;
        let footer = opener.footer()?;
        let directory = opener.directory(&footer, geometry)?;
        opener.check_tiling(&directory, &footer)?;
        let samples = opener.samples(&footer, levels)?;
        let partitions = directory.into_iter().map(|entry| Partition {
            lows: Section::new(entry.lows),
            colours: Section::new(entry.colours),
            starts: Section::new(entry.starts),
            entry,
        });
        Ok(Layer {
            geometry,
            levels,
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

    /// Ids of the samples, ascending. The colours of the sample at position p are those from p times
    /// [`levels`](Self::levels) on, one for each abundance.
    pub fn samples(&self) -> &[u32] {
        &self.samples
    }

    /// Different abundances that are told apart; 1 where they are not kept.
    pub fn levels(&self) -> u32 {
        self.levels
    }

    /// Number of colours.
    pub(crate) fn colours(&self) -> u32 {
        self.samples.len() as u32 * self.levels
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
    /// If there is no such partition, or the word is too narrow for k.
    pub fn partition<W: Word>(&self, partition: u32) -> Result<PartitionView<'_, W>, LayerError> {
        let partition = &self.partitions[partition as usize];
        let blob = &*self.blob;
        let Partition { lows, colours, starts, .. } = partition;
        self.view(partition, [lows.bytes(blob)?, colours.bytes(blob)?, starts.bytes(blob)?])
    }

    /// Reads a partition into memory of its own, verified.
    pub(crate) fn load_partition(&self, partition: u32) -> Result<LoadedPartition<'_>, LayerError> {
        let partition = &self.partitions[partition as usize];
        let blob = &*self.blob;
        let Partition { lows, colours, starts, .. } = partition;
        Ok(LoadedPartition {
            lows: lows.read(blob)?,
            colours: colours.read(blob)?,
            starts: starts.read(blob)?,
            partition,
            layer: self,
        })
    }

    fn view<'a, W: Word>(
        &self,
        partition: &Partition,
        [lows, set_ids, starts]: [&'a [u8]; 3],
    ) -> Result<PartitionView<'a, W>, LayerError> {
        assert!(self.geometry.word_bytes() <= W::BYTES, "a k-mer does not fit the word");
        let entry = &partition.entry;
        let parts = PartitionParts {
            starts,
            lows,
            set_ids,
            count: entry.kmer_count.get(),
            bucket_bits: entry.bucket_bits.into(),
            kmer_bits: self.geometry.kmer_bits(),
            colour_width: entry.colour_width.into(),
        };
        PartitionView::new(&parts).ok_or_else(|| {
            let what = "a section is not as long as the directory says";
            partition.lows.corrupt(&*self.blob, what)
        })
    }

    /// Number of k-mers of a partition.
    pub(super) fn partition_kmers(&self, partition: u32) -> u64 {
        self.partitions[partition as usize].entry.kmer_count.get()
    }

    /// Bytes of a partition's sections.
    pub(super) fn partition_bytes(&self, partition: u32) -> u64 {
        let entry = &self.partitions[partition as usize].entry;
        [entry.lows, entry.colours, entry.starts].iter().map(|section| section.bytes.get()).sum()
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
        let table = ColourTable { sets, offsets, colours: self.colours() };
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
        let mut set = ColourSet::empty(self.colours());
        for id in 0..self.colour_sets() {
            self.decode_set(id, &mut set)?;
        }
        for number in 0..self.geometry.partitions() {
            if self.geometry.is_wide() {
                self.verify_partition::<u128>(number)?;
            } else {
                self.verify_partition::<u64>(number)?;
            }
        }
        self.verify_padding()
    }

    fn verify_partition<W: Word>(&self, number: u32) -> Result<(), LayerError> {
        let (blob, partition) = (&*self.blob, &self.partitions[number as usize]);
        let loaded = self.load_partition(number)?;
        let view = loaded.view::<W>()?;
        if !view.is_in_order() {
            return Err(partition.lows.corrupt(blob, "the k-mers do not ascend"));
        }
        let sets = self.colour_sets();
        if view.iter().any(|(_, set_id)| set_id >= sets) {
            return Err(partition.colours.corrupt(blob, "a k-mer has a colour set that is not there"));
        }
        Ok(())
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
