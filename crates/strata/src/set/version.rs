//! A version: the frozen list of layers that a reader looks at.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::file::LayerFile;
use super::key_head::key_head;
use super::read_costs::ReadCosts;
use crate::layer::{LayerDescriptor, LayerKind};
use crate::manifest::Records;
use crate::picker::LayerShape;

/// A layer of a version, open for reading.
pub struct Layer<K: LayerKind> {
    pub(super) descriptor: LayerDescriptor,
    pub(super) file: Arc<LayerFile<K::Layer>>,
}

impl<K: LayerKind> Layer<K> {
    /// What the manifest knows of it.
    pub fn descriptor(&self) -> &LayerDescriptor {
        &self.descriptor
    }

    /// The open layer.
    pub fn layer(&self) -> &K::Layer {
        &self.file.layer
    }
}

impl<K: LayerKind> fmt::Debug for Layer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Layer").field(&self.descriptor).finish()
    }
}

/// Layers that do not overlap, in the order of keys. Dereferences to them.
pub struct Run<K: LayerKind> {
    layers: Vec<Arc<Layer<K>>>,
    /// Of each layer the heads of its smallest and its largest key: they lie side by side, and tell it mostly.
    bounds: Vec<(u128, u128)>,
}

impl<K: LayerKind> Run<K> {
    fn new(layers: Vec<Arc<Layer<K>>>) -> Run<K> {
        let bounds = layers.iter().map(|layer| {
            let LayerDescriptor { smallest, largest, .. } = &layer.descriptor;
            (key_head(smallest), key_head(largest))
        });
        Run { bounds: bounds.collect(), layers }
    }

    /// The only layer of the run whose range holds `key`, if there is one; in logarithmic time.
    pub fn find(&self, key: &[u8]) -> Option<&Arc<Layer<K>>> {
        let head = key_head(key);
        let at = self.bounds.partition_point(|(_, largest)| *largest < head);
        let (smallest, largest) = *self.bounds.get(at)?;
        if largest == head {
            return self.find_by_keys(at, key);
        }
        let holds =
            smallest < head || smallest == head && self.layers[at].descriptor.smallest.as_slice() <= key;
        if holds { self.layers.get(at) } else { None }
    }

    /// The place of the first layer whose range does not end before `key`; in logarithmic time.
    pub fn first_from(&self, key: &[u8]) -> usize {
        let head = key_head(key);
        let at = self.bounds.partition_point(|(_, largest)| *largest < head);
        match self.bounds.get(at) {
            // Heads are equal that differ later.
            Some((_, largest)) if *largest == head => {
                at + self.layers[at..].partition_point(|layer| layer.descriptor.largest.as_slice() < key)
            }
            _ => at,
        }
    }

    /// The same among the layers from `first` on, by whole keys: heads are equal that differ later.
    #[cold]
    fn find_by_keys(&self, first: usize, key: &[u8]) -> Option<&Arc<Layer<K>>> {
        let layers = &self.layers[first..];
        let at = layers.partition_point(|layer| layer.descriptor.largest.as_slice() < key);
        layers.get(at).filter(|layer| layer.descriptor.smallest.as_slice() <= key)
    }
}

impl<K: LayerKind> Deref for Run<K> {
    type Target = [Arc<Layer<K>>];

    fn deref(&self) -> &Self::Target {
        &self.layers
    }
}

impl<K: LayerKind> fmt::Debug for Run<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.layers).finish()
    }
}

/// A level of a version.
pub struct Level<K: LayerKind> {
    number: u32,
    runs: Vec<Run<K>>,
}

impl<K: LayerKind> Level<K> {
    /// Zero is the newest.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The runs, newest first. A level whose layers do not overlap at all is a single run, in the order of
    /// keys, however recent they are.
    pub fn runs(&self) -> &[Run<K>] {
        &self.runs
    }

    /// The layers, newest run first.
    pub fn layers(&self) -> impl Iterator<Item = &Arc<Layer<K>>> {
        self.runs.iter().flat_map(|run| run.iter())
    }
}

impl<K: LayerKind> fmt::Debug for Level<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Level").field("number", &self.number).field("runs", &self.runs).finish()
    }
}

/// A frozen list of layers, and the records that were written with it. Holding it keeps its layers' blobs.
///
/// Of two overlapping layers the newer one comes first: by level, then by recency, larger first.
pub struct Version<K: LayerKind> {
    number: u64,
    levels: Vec<Level<K>>,
    records: Records,
    read_costs: Arc<ReadCosts>,
}

impl<K: LayerKind> Version<K> {
    pub(super) fn new(
        number: u64,
        mut layers: Vec<Arc<Layer<K>>>,
        records: Records,
        read_costs: Arc<ReadCosts>,
    ) -> Version<K> {
        layers.sort_by(|one, other| {
            let (one, other) = (&one.descriptor, &other.descriptor);
            let by_level = one.level.cmp(&other.level);
            by_level.then(other.recency.cmp(&one.recency)).then_with(|| one.smallest.cmp(&other.smallest))
        });
        let levels = layers
            .chunk_by(|one, other| one.descriptor.level == other.descriptor.level)
            .map(|layers| Level { number: layers[0].descriptor.level, runs: split_into_runs(layers) })
            .collect();
        Version { number, levels, records, read_costs }
    }

    /// The number of the manifest's blob that made this version.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The levels that have layers, newest first.
    pub fn levels(&self) -> &[Level<K>] {
        &self.levels
    }

    /// All layers, newest first.
    pub fn layers(&self) -> impl Iterator<Item = &Arc<Layer<K>>> {
        self.levels.iter().flat_map(Level::layers)
    }

    /// All runs, newest first.
    pub fn runs(&self) -> impl Iterator<Item = &Run<K>> {
        self.levels.iter().flat_map(Level::runs)
    }

    /// The records, as of this version.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Where a read accounts for what it pays because layers are not merged.
    #[inline]
    pub fn read_costs(&self) -> &ReadCosts {
        &self.read_costs
    }

    /// One record.
    pub fn record(&self, name: &str) -> Option<&[u8]> {
        self.records.get(name)
    }

    pub(super) fn shapes(&self) -> Vec<LayerShape<'_>> {
        self.layers().map(|layer| LayerShape::of(&layer.descriptor)).collect()
    }
}

impl<K: LayerKind> fmt::Debug for Version<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version").field("number", &self.number).field("levels", &self.levels).finish()
    }
}

/// One run in the order of keys if no two layers overlap; else one run for each recency.
fn split_into_runs<K: LayerKind>(layers: &[Arc<Layer<K>>]) -> Vec<Run<K>> {
    let mut by_key = layers.to_vec();
    by_key.sort_by(|one, other| one.descriptor.smallest.cmp(&other.descriptor.smallest));
    let disjoint = by_key.windows(2).all(|pair| !pair[0].descriptor.overlaps(&pair[1].descriptor));
    if disjoint {
        return vec![Run::new(by_key)];
    }
    layers
        .chunk_by(|one, other| one.descriptor.recency == other.descriptor.recency)
        .map(|layers| Run::new(layers.to_vec()))
        .collect()
}
