//! Merges any number of layers into one, partition by partition, several at a time.
//!
//! Each sample lies in just one layer, so the set of samples of a merged k-mer is the union of its sets in the
//! inputs. Which input sets meet in a k-mer is looked up in a table first: only a combination that was never
//! seen before is decoded, mapped to the output's colours (removed samples fall out here) and given an id.
//!
//! Mixed k-mers are spread evenly. So a partition is cut into ranges of some hundreds of k-mers, of all inputs
//! together, and each range is gathered and sorted within the processor's nearest cache: for many inputs that costs
//! less than a heap with its unpredictable branches, and for few no more.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use super::encode::EncodedKmers;
use super::file::LoadedPartition;
use super::writer::{LayerBuilder, LayerTotals, Sink};
use super::{ColourSet, Layer, LayerError, PartitionIter, Resources};
use crate::hash::WordHasher;
use crate::kmer::{Geometry, Word};
use crate::parallel;

/// k-mers of a range, on average at most.
const RANGE_KMERS: usize = 512;

/// Sets of the inputs that meet in a k-mer: for each the input in the upper half and the set's id in the lower,
/// ascending.
type Combination = Box<[u64]>;

type CombinationIds = HashMap<Combination, u32, BuildHasherDefault<WordHasher>>;

/// The merge of some layers, before it is written.
pub(super) struct Merge<'a> {
    inputs: Vec<Input<'a>>,
    geometry: Geometry,
    /// Colours of each sample.
    levels: u32,
    samples: Vec<u32>,
    /// Whether samples fall out, so that k-mers may.
    loses_samples: bool,
}

/// A layer to be merged, and what its samples become in the output.
struct Input<'a> {
    layer: &'a Layer,
    /// For each sample of the layer its position in the output; none for a removed one.
    positions: Vec<Option<u32>>,
}

/// One partition, merged; its sets have no ids in the output yet.
struct MergedPartition {
    kmers: EncodedKmers,
    combinations: Vec<Combination>,
    /// For each k-mer its combination, as a position in `combinations`.
    chosen: Vec<u32>,
}

impl<'a> Merge<'a> {
    /// Plans the merge of at least one layer, leaving out the samples in `removed`.
    pub(super) fn plan(layers: &[&'a Layer], removed: &BTreeSet<u32>) -> Result<Option<Self>, LayerError> {
        let Some(first) = layers.first() else { return Ok(None) };
        let (geometry, levels) = (first.geometry(), first.levels());
        if let Some(other) =
            layers.iter().find(|layer| layer.geometry() != geometry || layer.levels() != levels)
        {
            let (expected, found) = (geometry, other.geometry());
            return Err(LayerError::Mismatch { place: other.place(), expected, found });
        }
        let all = layers.iter().flat_map(|layer| layer.samples().iter().copied());
        let live: BTreeSet<u32> = all.clone().filter(|sample| !removed.contains(sample)).collect();
        let samples: Vec<u32> = live.into_iter().collect();
        let position_of = |sample: &u32| samples.binary_search(sample).ok().map(|position| position as u32);
        let inputs = layers
            .iter()
            .map(|layer| Input { layer, positions: layer.samples().iter().map(position_of).collect() })
            .collect();
        let loses_samples = all.count() > samples.len();
        Ok(Some(Merge { inputs, geometry, levels, samples, loses_samples }))
    }

    /// Whether every sample of the inputs was removed, so that nothing is left to write.
    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Writes the merged layer, telling after each partition how many bytes of the inputs were read.
    /// Memory: as many partitions as fit the cap, the output's colour table and the combinations.
    pub(super) fn write(
        &self,
        sink: &mut dyn Sink,
        resources: &Resources,
        note_read: impl FnMut(u64),
    ) -> Result<LayerTotals, LayerError> {
        if self.geometry.is_wide() {
            self.write_words::<u128>(sink, resources, note_read)
        } else {
            self.write_words::<u64>(sink, resources, note_read)
        }
    }

    fn write_words<W: Word>(
        &self,
        sink: &mut dyn Sink,
        resources: &Resources,
        mut note_read: impl FnMut(u64),
    ) -> Result<LayerTotals, LayerError> {
        let mut builder = LayerBuilder::start(sink, self.geometry, self.levels, self.samples.clone())?;
        let mut known = CombinationIds::default();
        let threads = self.threads_within::<W>(resources)?;
        parallel::in_order(
            threads,
            self.geometry.partitions(),
            |partition| self.merge_partition::<W>(partition),
            |partition, merged| {
                let mut ids = Vec::with_capacity(merged.combinations.len());
                for combination in merged.combinations {
                    let id = match known.get(&combination) {
                        Some(&id) => id,
                        None => {
                            let id = builder.set_id(&self.union(&combination)?)?;
                            known.insert(combination, id);
                            id
                        }
                    };
                    ids.push(id);
                }
                builder.partition(&merged.kmers, merged.chosen.iter().map(|&chosen| ids[chosen as usize]))?;
                note_read(self.inputs.iter().map(|input| input.layer.partition_bytes(partition)).sum());
                Ok(())
            },
        )?;
        builder.finish()
    }

    /// How many partitions may be worked on at once within the cap on memory.
    fn threads_within<W: Word>(&self, resources: &Resources) -> Result<usize, LayerError> {
        let needed = |partition| {
            let inputs = self.inputs.iter().map(|input| input.layer);
            let kmers: u64 = inputs.clone().map(|layer| layer.partition_kmers(partition)).sum();
            let read: u64 = inputs.map(|layer| layer.partition_bytes(partition)).sum();
            // The inputs, the output's k-mers and combinations, and the encoded output.
            2 * read + kmers * (u64::from(W::BYTES) + 4)
        };
        let largest = (0..self.geometry.partitions()).map(needed).max().unwrap_or(0);
        resources.threads_for(largest)
    }

    fn merge_partition<W: Word>(&self, partition: u32) -> Result<MergedPartition, LayerError> {
        let loaded: Vec<LoadedPartition<'_>> = self
            .inputs
            .iter()
            .map(|input| input.layer.load_partition(partition))
            .collect::<Result<_, LayerError>>()?;
        let mut cursors = Vec::with_capacity(loaded.len());
        for (input, loaded) in (0_u64..).zip(&loaded) {
            cursors.push(Cursor::new(loaded.view::<W>()?.iter(), input << 32));
        }
        let total: usize = cursors.iter().map(Cursor::len).sum();
        let range_bits =
            (total / RANGE_KMERS).checked_ilog2().unwrap_or(0).min(self.geometry.kmer_bits() - 1);
        let shift = self.geometry.kmer_bits() - range_bits;
        let mut combining = Combining { merge: self, ids: CombinationIds::default(), found: Vec::new() };
        let (mut kmers, mut chosen) = (Vec::new(), Vec::new());
        let (mut gathered, mut meeting) = (Vec::new(), Vec::new());
        for range in 1..=1_u64 << range_bits {
            let limit = (range >> range_bits == 0).then(|| W::from(range) << shift);
            cursors.iter_mut().for_each(|cursor| cursor.take_below(limit, &mut gathered));
            gathered.sort_unstable();
            let mut rest = gathered.drain(..).map(W::untagged).peekable();
            while let Some((kmer, tag)) = rest.next() {
                meeting.clear();
                meeting.push(tag);
                while let Some((_, tag)) = rest.next_if(|(other, _)| *other == kmer) {
                    meeting.push(tag);
                }
                if let Some(id) = combining.id_of(&meeting)? {
                    kmers.push(kmer);
                    chosen.push(id);
                }
            }
        }
        drop(cursors);
        drop(loaded);
        let kmers = EncodedKmers::new(&kmers, self.geometry.kmer_bits());
        Ok(MergedPartition { kmers, combinations: combining.found, chosen })
    }

    /// The union of the sets that meet, in the output's colours.
    fn union(&self, combination: &[u64]) -> Result<ColourSet, LayerError> {
        let mut union = ColourSet::empty(self.samples.len() as u32 * self.levels);
        let mut part = ColourSet::empty(0);
        for tag in combination {
            let input = &self.inputs[(tag >> 32) as usize];
            input.layer.decode_set(*tag as u32, &mut part)?;
            for colour in part.iter() {
                if let Some(position) = input.positions[(colour / self.levels) as usize] {
                    union.insert(position * self.levels + colour % self.levels);
                }
            }
        }
        Ok(union)
    }
}

/// Gives each combination met in a partition a number of its own.
struct Combining<'a> {
    merge: &'a Merge<'a>,
    /// A combination all of whose samples were removed has the number [`GONE`].
    ids: CombinationIds,
    found: Vec<Combination>,
}

const GONE: u32 = u32::MAX;

impl Combining<'_> {
    /// The number of the combination; none if all its samples were removed.
    #[inline]
    fn id_of(&mut self, meeting: &[u64]) -> Result<Option<u32>, LayerError> {
        let id = match self.ids.get(meeting) {
            Some(&id) => id,
            None => self.add(meeting)?,
        };
        Ok(Some(id).filter(|&id| id != GONE))
    }

    #[cold]
    fn add(&mut self, meeting: &[u64]) -> Result<u32, LayerError> {
        let is_gone = self.merge.loses_samples && self.merge.union(meeting)?.is_empty();
        let id = if is_gone { GONE } else { self.found.len() as u32 };
        if !is_gone {
            self.found.push(meeting.into());
        }
        self.ids.insert(meeting.into(), id);
        Ok(id)
    }
}

/// Hands out the k-mers of one input in order, tagged with input and set.
struct Cursor<'a, W> {
    rest: PartitionIter<'a, W>,
    next: Option<(W, u32)>,
    tag: u64,
}

impl<'a, W: Word> Cursor<'a, W> {
    fn new(mut rest: PartitionIter<'a, W>, tag: u64) -> Self {
        let next = rest.next();
        Cursor { rest, next, tag }
    }

    fn len(&self) -> usize {
        self.rest.len() + usize::from(self.next.is_some())
    }

    /// Takes all k-mers below the limit, or all there are.
    #[inline]
    fn take_below(&mut self, limit: Option<W>, into: &mut Vec<W::Tagged>) {
        while let Some((kmer, set_id)) = self.next {
            if limit.is_some_and(|limit| kmer >= limit) {
                break;
            }
            into.push(kmer.tagged(self.tag | u64::from(set_id)));
            self.next = self.rest.next();
        }
    }
}
