//! Writes the layer of one sample, partition by partition.

use super::colours::ColourTableBuilder;
use super::encode::EncodedKmers;
use super::writer::{LayerBuilder, LayerTotals, Sink};
use super::{ColourSet, LayerError};
use crate::abundance::LEVELS;
use crate::kmer::{Geometry, Word};

/// The k-mers of one partition of one sample.
#[derive(Debug, Default)]
pub(crate) struct SamplePartition {
    kmers: EncodedKmers,
    /// The levels of abundance that there are, in the order in which k-mers have them; one where none are kept.
    levels: Vec<u8>,
    /// For each k-mer its level, as a place in `levels`; empty where none are kept.
    chosen: Vec<u8>,
}

impl SamplePartition {
    /// Ascending mixed k-mers of `kmer_bits` bits, and the level of each one's abundance; none of levels where
    /// these are not kept.
    pub(crate) fn new<W: Word>(kmers: &[W], mut levels: Vec<u8>, kmer_bits: u32) -> Self {
        const UNMET: u8 = u8::MAX;
        let mut places = [UNMET; LEVELS as usize];
        let mut met = Vec::new();
        for level in &mut levels {
            let place = &mut places[usize::from(*level)];
            if *place == UNMET {
                *place = met.len() as u8;
                met.push(*level);
            }
            *level = *place;
        }
        if levels.is_empty() && !kmers.is_empty() {
            met.push(0);
        }
        let encoded = EncodedKmers::new(kmers, &levels, kmer_bits);
        SamplePartition { kmers: encoded, levels: met, chosen: levels }
    }

    /// Number of k-mers.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.kmers.len()
    }

    /// The level of each k-mer, where these are kept.
    #[cfg(test)]
    pub(crate) fn levels(&self) -> impl Iterator<Item = u8> {
        self.chosen.iter().map(|&place| self.levels[usize::from(place)])
    }
}

/// The layer of one sample being written. Partitions must come in order.
pub(crate) struct SampleWriter<'a> {
    builder: LayerBuilder<'a>,
    keeps_abundances: bool,
    /// The id of the set of each level's colour, once it was met.
    sets: [Option<u32>; LEVELS as usize],
}

impl<'a> SampleWriter<'a> {
    pub(crate) fn start(
        sink: &'a mut dyn Sink,
        geometry: Geometry,
        keeps_abundances: bool,
        sample: u32,
    ) -> Result<Self, LayerError> {
        let levels = if keeps_abundances { LEVELS } else { 1 };
        let table = ColourTableBuilder::new([], [levels])?;
        let builder = LayerBuilder::start(sink, geometry, levels, vec![sample], table)?;
        Ok(SampleWriter { builder, keeps_abundances, sets: [None; LEVELS as usize] })
    }

    pub(crate) fn partition(&mut self, partition: &SamplePartition) -> Result<(), LayerError> {
        let SamplePartition { kmers, levels, chosen } = partition;
        let ids: Vec<u32> = levels.iter().map(|&level| self.set_of(level)).collect::<Result<_, _>>()?;
        self.builder.partition(kmers, chosen, &ids)
    }

    /// The id of the set of a level's colour.
    fn set_of(&mut self, level: u8) -> Result<u32, LayerError> {
        let known = &mut self.sets[usize::from(level)];
        if let Some(id) = *known {
            return Ok(id);
        }
        let mut set = ColourSet::empty(if self.keeps_abundances { LEVELS } else { 1 });
        set.insert(level.into());
        let table = self.builder.table();
        let leaf = table.leaf(0, set.words())?;
        let id = table.set_id(leaf);
        *known = Some(id);
        Ok(id)
    }

    pub(crate) fn finish(self) -> Result<LayerTotals, LayerError> {
        self.builder.finish()
    }
}
