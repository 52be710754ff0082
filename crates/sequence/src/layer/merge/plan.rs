//! What goes into a merge, and how much memory it may take.

use std::collections::BTreeSet;
use std::ops::Range;

use super::read_back::bytes_of_entry;
use super::sets::{Arrangement, InputSets, arrange};
use crate::kmer::{Geometry, Word};
use crate::layer::{Layer, LayerError, Resources};

/// The merge of some layers, before it is written.
pub(in crate::layer) struct Merge<'a> {
    pub(super) inputs: Vec<Input<'a>>,
    pub(super) geometry: Geometry,
    /// Colours of each sample.
    pub(super) levels: u32,
    /// Ids of the samples of the output: those of tables that are kept, then those of new chunks.
    pub(super) samples: Vec<u32>,
    /// Samples of each new chunk.
    pub(super) groups: Vec<u32>,
    /// Whether samples fall out, so that k-mers may.
    pub(super) loses_samples: bool,
}

/// A layer to be merged, and what its sets become in the output.
pub(super) struct Input<'a> {
    pub(super) layer: &'a Layer,
    pub(super) sets: InputSets,
}

/// Sets of the inputs that meet in a k-mer: for each the input in the upper half and the set's id in the
/// lower, ascending.
pub(super) type Combination = Box<[u64]>;

/// What the output is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// k-mers in partitions.
    Partitions,
    /// k-mers in one dictionary of strings.
    Strings,
}

impl<'a> Merge<'a> {
    /// Plans the merge of at least one layer, leaving out the samples in `removed`. Samples of small layers
    /// are put into chunks of so many; of fewer where abundances are kept.
    pub(in crate::layer) fn plan(
        layers: &[&'a Layer],
        removed: &BTreeSet<u32>,
        chunk_samples: usize,
    ) -> Result<Option<Self>, LayerError> {
        let Some(first) = layers.first() else { return Ok(None) };
        let (geometry, levels) = (first.geometry(), first.levels());
        if let Some(other) =
            layers.iter().find(|layer| layer.geometry() != geometry || layer.levels() != levels)
        {
            let (expected, found) = (geometry, other.geometry());
            return Err(LayerError::Mismatch { place: other.place(), expected, found });
        }
        let mut ordered: Vec<&'a Layer> = layers.to_vec();
        // Samples that came one after the other are most alike.
        ordered.sort_by_key(|layer| layer.samples().iter().min().copied());
        let Arrangement { inputs, samples, groups } = arrange(&ordered, removed, chunk_samples)?;
        let all: usize = layers.iter().map(|layer| layer.samples().len()).sum();
        let loses_samples = all > samples.len();
        Ok(Some(Merge { inputs, geometry, levels, samples, groups, loses_samples }))
    }

    /// Whether every sample of the inputs was removed, so that nothing is left to write.
    pub(in crate::layer) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// k-mers of all inputs; one that is in several counts in each.
    pub(in crate::layer) fn kmers(&self) -> u64 {
        saturating_sum(self.inputs.iter().map(|input| input.layer.kmers()))
    }

    /// Inputs whose k-mers must be read back from strings.
    pub(super) fn cold_inputs(&self) -> impl Iterator<Item = (usize, &'a Layer)> {
        let layers = self.inputs.iter().map(|input| input.layer).enumerate();
        layers.filter(|(_, layer)| layer.is_cold())
    }

    /// Equal parts of the memory for partitions: one for those being merged, one for the k-mers of cold inputs, one for
    /// the paths of a cold output if they are to be there.
    pub(super) fn shares(&self, with_paths: bool) -> u64 {
        1 + u64::from(self.cold_inputs().next().is_some()) + u64::from(with_paths)
    }

    /// Bytes that a partition takes while it is merged.
    pub(super) fn bytes_of_partition<W: Word>(&self, partition: u32, form: Form) -> u64 {
        let inputs = || self.inputs.iter().map(|input| input.layer);
        let kmers = saturating_sum(inputs().map(|layer| layer.partition_kmers(partition)));
        let read = saturating_sum(inputs().map(|layer| layer.partition_bytes(partition)));
        let word = u64::from(W::BYTES);
        // The output's k-mers and combinations; canonical ones with colours, and what covering them takes.
        let covering = if form == Form::Strings { 2 * bytes_of_entry::<W>() + word + 12 } else { 0 };
        // The inputs, and the encoded output.
        read.saturating_mul(2).saturating_add(kmers.saturating_mul(word + 4 + covering))
    }

    /// Ranges of partitions whose k-mers in cold inputs fit their share of the memory; one where no input is
    /// cold.
    ///
    /// # Errors
    /// [`LayerError::Memory`] where those of one partition do not.
    pub(super) fn passes<W: Word>(
        &self,
        resources: &Resources,
        shares: u64,
    ) -> Result<Vec<Range<u32>>, LayerError> {
        let (mut passes, mut begin, mut taken) = (Vec::new(), 0, 0);
        for partition in 0..self.geometry.partitions() {
            let kmers = self.cold_inputs().map(|(_, layer)| layer.partition_kmers(partition));
            let bytes = saturating_sum(kmers).saturating_mul(bytes_of_entry::<W>());
            resources.check_share(bytes, shares)?;
            if taken + bytes > resources.partition_bytes() / shares {
                passes.push(begin..partition);
                (begin, taken) = (partition, 0);
            }
            taken += bytes;
        }
        passes.push(begin..self.geometry.partitions());
        Ok(passes)
    }
}

/// The sum of numbers that forged directories may have made up.
fn saturating_sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}
