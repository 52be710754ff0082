//! Merges any number of layers into one, a partition at a time, as streams of ascending k-mers.
//!
//! Each sample lies in just one layer, so the set of samples of a merged k-mer is the union of its sets in the
//! inputs. Which input sets meet in a k-mer is looked up in a table first: only a combination that was never
//! seen before is decoded, mapped to the output's colours (removed samples fall out here) and given an id.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::hash::BuildHasherDefault;

use super::packed::PackedBuilder;
use super::writer::{LayerBuilder, LayerTotals, Sink};
use super::{ColourSet, Layer, LayerError};
use crate::hash::WordHasher;
use crate::kmer::Geometry;

/// What the union of some input sets becomes in the output; none where all its samples were removed.
type Combinations = HashMap<Box<[u32]>, Option<u32>, BuildHasherDefault<WordHasher>>;

/// The merge of some layers, before it is written.
pub(super) struct Merge<'a> {
    inputs: Vec<Input<'a>>,
    geometry: Geometry,
    samples: Vec<u32>,
}

/// A layer to be merged, and what its colours become in the output.
struct Input<'a> {
    layer: &'a Layer,
    /// For each colour of the layer its colour in the output; none for a removed sample.
    colours: Vec<Option<u32>>,
}

impl<'a> Merge<'a> {
    /// Plans the merge of at least one layer, leaving out the samples in `removed`.
    pub(super) fn plan(layers: &[&'a Layer], removed: &BTreeSet<u32>) -> Result<Option<Self>, LayerError> {
        let Some(first) = layers.first() else { return Ok(None) };
        let geometry = first.geometry();
        if let Some(other) = layers.iter().find(|layer| layer.geometry() != geometry) {
            let (expected, found) = (geometry, other.geometry());
            return Err(LayerError::Mismatch { place: other.place(), expected, found });
        }
        let live: BTreeSet<u32> = layers
            .iter()
            .flat_map(|layer| layer.samples().iter().copied())
            .filter(|sample| !removed.contains(sample))
            .collect();
        let samples: Vec<u32> = live.into_iter().collect();
        let colour_of = |sample: &u32| samples.binary_search(sample).ok().map(|colour| colour as u32);
        let inputs = layers
            .iter()
            .map(|layer| Input { layer, colours: layer.samples().iter().map(colour_of).collect() })
            .collect();
        Ok(Some(Merge { inputs, geometry, samples }))
    }

    /// Whether every sample of the inputs was removed, so that nothing is left to write.
    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Writes the merged layer, telling after each partition how many bytes of the inputs were read.
    /// Memory: one output partition, the output's colour table and the combinations.
    pub(super) fn write(
        &self,
        sink: &mut dyn Sink,
        mut note_read: impl FnMut(u64),
    ) -> Result<LayerTotals, LayerError> {
        let mut builder = LayerBuilder::start(sink, self.geometry, self.samples.clone())?;
        let mut combinations = Combinations::default();
        for partition in 0..self.geometry.partitions() {
            let mut kmers = PackedBuilder::new(self.geometry.kmer_bits());
            let mut set_ids = Vec::new();
            self.merge_partition(partition, |kmer, combination| {
                let id = match combinations.get(combination) {
                    Some(&id) => id,
                    None => {
                        let id = self.resolve(combination, &mut builder)?;
                        combinations.insert(combination.into(), id);
                        id
                    }
                };
                if let Some(id) = id {
                    kmers.push(kmer);
                    set_ids.push(id);
                }
                Ok(())
            })?;
            builder.partition(&kmers.finish(), &set_ids)?;
            note_read(self.inputs.iter().map(|input| input.layer.partition_bytes(partition)).sum());
        }
        builder.finish()
    }

    /// Calls `each` with every k-mer of a partition, ascending, and for each input its set id plus one, or 0.
    fn merge_partition(
        &self,
        partition: u32,
        mut each: impl FnMut(u64, &[u32]) -> Result<(), LayerError>,
    ) -> Result<(), LayerError> {
        let mut views = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            views.push(input.layer.partition(partition)?);
        }
        let mut positions = vec![0; views.len()];
        let mut heads: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::with_capacity(views.len());
        for (input, view) in views.iter().enumerate().filter(|(_, view)| !view.is_empty()) {
            heads.push(Reverse((view.at(0).0, input)));
        }
        let mut combination = vec![0; views.len()];
        while let Some(&Reverse((kmer, _))) = heads.peek() {
            combination.fill(0);
            while let Some(mut head) = heads.peek_mut().filter(|head| head.0.0 == kmer) {
                let input = head.0.1;
                let position = positions[input];
                // Saturating: a damaged id must become an error when it is decoded, not an overflow here.
                combination[input] = views[input].at(position).1.saturating_add(1);
                positions[input] = position + 1;
                if position + 1 < views[input].len() {
                    *head = Reverse((views[input].at(position + 1).0, input));
                } else {
                    std::collections::binary_heap::PeekMut::pop(head);
                }
            }
            each(kmer, &combination)?;
        }
        Ok(())
    }

    /// Decodes the sets that meet and gives their union an id in the output.
    fn resolve(
        &self,
        combination: &[u32],
        builder: &mut LayerBuilder<'_>,
    ) -> Result<Option<u32>, LayerError> {
        let mut union = ColourSet::empty(self.samples.len() as u32);
        let mut part = ColourSet::empty(0);
        for (input, &id) in self.inputs.iter().zip(combination).filter(|(_, id)| **id != 0) {
            input.layer.decode_set(id - 1, &mut part)?;
            for colour in part.iter().filter_map(|colour| input.colours[colour as usize]) {
                union.insert(colour);
            }
        }
        if union.is_empty() { Ok(None) } else { builder.set_id(&union).map(Some) }
    }
}
