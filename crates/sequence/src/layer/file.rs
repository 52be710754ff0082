//! An open layer file: its structure is checked when it is opened, each section when it is first touched.

use std::sync::Arc;

use stroma_strata::storage::Blob;

use super::LayerError;
use super::colours::{Chunk, ColourSet, ColourTable, Met, TableParts};
use super::format::{DICTIONARY_FILTER, Footer, PartitionEntry, SETS_AS_NODES};
use super::open::Opener;
use super::paged::{Awaited, Paged, PagedSection};
use super::partition::{PartitionForm, PartitionParts, PartitionView, Unreadable};
use super::section::Section;
use crate::kmer::{Geometry, Word};
use crate::unitig::{DictionaryError, Searcher, UnitigDictionary};

/// A search touches another place of a dictionary after so many bases, where strings are like those of genomes. One
/// for what is not in the dictionary touches more.
const BASES_A_PLACE: usize = 16;

/// A layer file, open for searching.
#[derive(Debug)]
pub struct Layer {
    pub(super) blob: Arc<dyn Blob>,
    geometry: Geometry,
    levels: u32,
    pub(super) footer: Footer,
    samples: Vec<u32>,
    pub(super) partitions: Vec<Partition>,
    /// Of a cold layer.
    pub(super) dictionary: Option<PagedSection>,
    pub(super) sets: ColourSections,
}

/// The colour-set table.
#[derive(Debug)]
pub(super) struct ColourSections {
    chunks: Vec<Chunk>,
    pub(super) sets: PagedSection,
    pub(super) offsets: PagedSection,
    pub(super) pairs: PagedSection,
    pub(super) roots: PagedSection,
}

#[derive(Debug)]
pub(super) struct Partition {
    pub(super) kmers: Section,
    pub(super) colours: Section,
    starts: Section,
    pub(super) entry: PartitionEntry,
}

/// A partition read into memory of its own: for merges, which touch each byte once and leave none behind in
/// memory.
#[derive(Debug)]
pub(crate) struct LoadedPartition<'a> {
    kmers: Vec<u8>,
    colours: Vec<u8>,
    starts: Vec<u8>,
    partition: &'a Partition,
    layer: &'a Layer,
}

impl LoadedPartition<'_> {
    pub(crate) fn view<W: Word>(&self) -> Result<PartitionView<'_, W>, LayerError> {
        let sections = [&self.kmers, &self.colours, &self.starts];
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
        let sets = ColourSections {
            chunks: opener.chunks(&footer, samples.len() as u32 * levels)?,
            sets: PagedSection::new(footer.sets),
            offsets: PagedSection::new(footer.set_offsets),
            pairs: PagedSection::new(footer.set_pairs),
            roots: PagedSection::new(footer.set_roots),
        };
        let partitions = directory.into_iter().map(|entry| Partition {
            kmers: Section::new(entry.kmers),
            colours: Section::new(entry.colours),
            starts: Section::new(entry.starts),
            entry,
        });
        let is_cold = footer.dictionary.bytes.get() > 0;
        Ok(Layer {
            geometry,
            levels,
            samples,
            dictionary: is_cold.then(|| PagedSection::new(footer.dictionary)),
            partitions: partitions.collect(),
            sets,
            footer,
            blob,
        })
    }

    /// k, minimizer length, partitions.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Ids of the samples, each once. The colours of the sample at position p are those from p times
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
        let Footer { sets, set_offsets, set_chunks, set_pairs, set_roots, .. } = &self.footer;
        [sets, set_offsets, set_chunks, set_pairs, set_roots].iter().map(|part| part.bytes.get()).sum()
    }

    pub(super) fn footer_checksum(&self) -> u64 {
        self.footer.checksum.get()
    }

    pub(super) fn place(&self) -> String {
        self.blob.describe()
    }

    /// Whether the k-mers are in one [dictionary](Self::dictionary) instead of in partitions.
    pub fn is_cold(&self) -> bool {
        self.dictionary.is_some()
    }

    /// The dictionary of a cold layer, whose colours are colour-set ids; none of another layer. All of it is
    /// verified when this is first asked for: for who walks along it.
    ///
    /// # Errors
    /// [`LayerError::Corrupt`], or a failure of the storage.
    pub fn dictionary(&self) -> Result<Option<UnitigDictionary<'_>>, LayerError> {
        let Some(section) = &self.dictionary else { return Ok(None) };
        self.open_dictionary(section, section.whole(&self.blob)?).map(Some)
    }

    /// What a search for so many bases finds in the dictionary of a cold layer; none of another layer. Only what is
    /// touched is read and verified.
    ///
    /// # Errors
    /// [`LayerError::Corrupt`] where something was touched that is damaged, or a failure of the storage.
    pub(crate) fn search_dictionary<T>(
        &self,
        bases: usize,
        search: impl FnOnce(&Searcher<'_>) -> T,
    ) -> Result<Option<T>, LayerError> {
        let Some(section) = &self.dictionary else { return Ok(None) };
        let (bytes, awaited) = (section.view(&self.blob)?, Awaited::default());
        bytes.expect(bases / BASES_A_PLACE);
        // The header is waited for.
        let found = self.open_dictionary(section, bytes).and_then(|_| {
            let dictionary = self.open_dictionary(section, bytes.awaiting(&awaited))?;
            Ok(search(&Searcher::new(dictionary, &awaited)))
        });
        section.check_touched(&*self.blob)?;
        found.map(Some)
    }

    fn open_dictionary<'a>(
        &self,
        section: &PagedSection,
        bytes: Paged<'a>,
    ) -> Result<UnitigDictionary<'a>, LayerError> {
        let dictionary =
            UnitigDictionary::open_paged(bytes).map_err(|error| self.damaged_dictionary(error))?;
        if dictionary.k() != self.geometry.k() || dictionary.kmers() != self.kmers() {
            return Err(section.corrupt(&*self.blob, "the dictionary is not that of the layer"));
        }
        Ok(dictionary)
    }

    /// What is wrong with the dictionary, as an error of the layer.
    pub(super) fn damaged_dictionary(&self, error: DictionaryError) -> LayerError {
        let (place, start) = (self.place(), self.footer.dictionary.offset.get());
        match error {
            DictionaryError::Corrupt { offset, what } => {
                LayerError::Corrupt { place, offset: start.saturating_add(offset), what }
            }
            DictionaryError::Unsupported { found } => {
                LayerError::Unsupported { place, what: "k-mer dictionary version", found }
            }
            _ => LayerError::Corrupt { place, offset: start, what: "the k-mer dictionary makes no sense" },
        }
    }

    /// Opens a partition; its sections are verified when first touched.
    ///
    /// # Errors
    /// [`LayerError::Corrupt`], or a failure of the storage. A [cold](Self::is_cold) layer has no partitions:
    /// one with k-mers in it is an error, too.
    ///
    /// # Panics
    /// If there is no such partition, or the word is too narrow for k.
    pub fn partition<W: Word>(&self, partition: u32) -> Result<PartitionView<'_, W>, LayerError> {
        let partition = &self.partitions[partition as usize];
        let blob = &*self.blob;
        let Partition { kmers, colours, starts, .. } = partition;
        self.view(partition, [kmers.bytes(blob)?, colours.bytes(blob)?, starts.bytes(blob)?])
    }

    /// Reads a partition into memory of its own, verified.
    pub(crate) fn load_partition(&self, partition: u32) -> Result<LoadedPartition<'_>, LayerError> {
        let partition = &self.partitions[partition as usize];
        let blob = &*self.blob;
        let Partition { kmers, colours, starts, .. } = partition;
        Ok(LoadedPartition {
            kmers: kmers.read(blob)?,
            colours: colours.read(blob)?,
            starts: starts.read(blob)?,
            partition,
            layer: self,
        })
    }

    fn view<'a, W: Word>(
        &self,
        partition: &Partition,
        [kmers, set_ids, starts]: [&'a [u8]; 3],
    ) -> Result<PartitionView<'a, W>, LayerError> {
        assert!(self.geometry.word_bytes() <= W::BYTES, "a k-mer does not fit the word");
        let entry = &partition.entry;
        let form = match entry.dictionary_coding {
            DICTIONARY_FILTER => PartitionForm::Filter,
            _ => PartitionForm::Buckets,
        };
        let parts = PartitionParts {
            form,
            kmers,
            set_ids,
            starts,
            count: entry.kmer_count.get(),
            bucket_bits: entry.bucket_bits.into(),
            kmer_bits: self.geometry.kmer_bits(),
            colour_width: entry.colour_width.into(),
        };
        PartitionView::new(&parts).map_err(|error| self.unreadable(partition, error))
    }

    /// Why a partition cannot be read, as an error of the layer.
    pub(super) fn unreadable(&self, partition: &Partition, error: Unreadable) -> LayerError {
        match error {
            Unreadable::Corrupt(what) => partition.kmers.corrupt(&*self.blob, what),
            Unreadable::FilterVersion(found) => {
                LayerError::Unsupported { place: self.place(), what: "k-mer filter version", found }
            }
        }
    }

    /// Number of k-mers of a partition.
    pub(super) fn partition_kmers(&self, partition: u32) -> u64 {
        self.partitions[partition as usize].entry.kmer_count.get()
    }

    /// Bytes of a partition's sections; of a cold layer, its share of the dictionary.
    pub(super) fn partition_bytes(&self, partition: u32) -> u64 {
        let entry = &self.partitions[partition as usize].entry;
        if self.is_cold() {
            let share = u128::from(self.footer.dictionary.bytes.get()) * u128::from(entry.kmer_count.get());
            return (share / u128::from(self.kmers().max(1))) as u64;
        }
        [entry.kmers, entry.colours, entry.starts].iter().map(|section| section.bytes.get()).sum()
    }

    /// The colour-set table, all of it verified when this is first asked for: for merges, which copy it.
    ///
    /// # Errors
    /// [`LayerError::Corrupt`] where it makes no sense, or a failure of the storage.
    pub(super) fn colour_table(&self) -> Result<ColourTable<'_>, LayerError> {
        self.open_table(|section| section.whole(&self.blob))
    }

    /// What `look` finds in the colour-set table. Only what is touched is read and verified.
    fn search_table<T>(&self, look: impl FnOnce(&ColourTable<'_>) -> Option<T>) -> Result<T, LayerError> {
        let found = look(&self.open_table(|section| section.view(&self.blob))?);
        let ColourSections { sets, offsets, pairs, roots, .. } = &self.sets;
        for section in [sets, offsets, pairs, roots] {
            section.check_touched(&*self.blob)?;
        }
        found.ok_or_else(|| self.corrupt_sets())
    }

    fn open_table<'a>(
        &'a self,
        bytes: impl Fn(&'a PagedSection) -> Result<Paged<'a>, LayerError>,
    ) -> Result<ColourTable<'a>, LayerError> {
        let own = &self.sets;
        let roots = bytes(&own.roots)?;
        let parts = TableParts {
            chunks: &own.chunks,
            sets: bytes(&own.sets)?,
            offsets: bytes(&own.offsets)?,
            pairs: bytes(&own.pairs)?,
            pair_count: self.footer.pair_count.get(),
            roots: (self.footer.set_coding == SETS_AS_NODES).then_some(roots),
            set_count: self.footer.set_count.get(),
            depth: self.footer.set_depth,
        };
        ColourTable::new(parts).ok_or_else(|| self.corrupt_sets())
    }

    pub(super) fn corrupt_sets(&self) -> LayerError {
        self.sets.sets.corrupt(&*self.blob, "the colour-set table does not hold the set asked for")
    }

    /// Decodes a colour set into `into`.
    ///
    /// # Errors
    /// [`LayerError::Corrupt`] where id or table make no sense, or a failure of the storage.
    pub(crate) fn decode_set(&self, id: u32, into: &mut ColourSet) -> Result<(), LayerError> {
        self.search_table(|table| table.decode(id, into))
    }

    /// Hands out how often queries met colours of the layer: the colour, the query and the number, for some
    /// several times. `met` tells how often each query met sets, by their ids.
    ///
    /// # Errors
    /// [`LayerError::Corrupt`] where ids or table make no sense, or a failure of the storage.
    pub(crate) fn weigh(&self, met: Vec<Met>, take: impl FnMut(u32, u32, u32)) -> Result<(), LayerError> {
        self.search_table(|table| table.weigh(met, take))
    }
}
