//! Writes the layer of one sample, partition by partition.

use super::colours::ColourTableBuilder;
use super::encode::EncodedKmers;
use super::writer::{LayerBuilder, LayerTotals, Sink};
use super::{ColourSet, LayerError};
use crate::abundance::LEVELS;
use crate::kmer::Geometry;

/// The k-mers of one partition of one sample.
#[derive(Debug, Default)]
pub(crate) struct SamplePartition {
    pub(crate) kmers: EncodedKmers,
    /// The level of each k-mer's abundance, where these are kept; empty where not.
    pub(crate) levels: Vec<u8>,
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
        let SamplePartition { kmers, levels } = partition;
        if !self.keeps_abundances {
            let id = if kmers.len() == 0 { 0 } else { self.set_of(0)? };
            return self.builder.partition(kmers, std::iter::repeat_n(id, kmers.len()));
        }
        let mut ids = [0; LEVELS as usize];
        for &level in levels {
            // Told apart by the table, so that each level is asked for only once.
            if self.sets[usize::from(level)].is_none() {
                self.set_of(level)?;
            }
        }
        for (id, set) in ids.iter_mut().zip(&self.sets) {
            *id = set.unwrap_or(0);
        }
        self.builder.partition(kmers, levels.iter().map(|&level| ids[usize::from(level)]))
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
