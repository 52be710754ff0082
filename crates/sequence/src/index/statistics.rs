//! What an index tells of its size and its work.

use stroma_strata::SetStatistics;

use super::SequenceIndex;
use crate::layer::LeftHot;

/// Sizes and counts of an index at one moment.
#[derive(Clone, Debug)]
pub struct IndexStatistics {
    /// Samples in the index.
    pub samples: usize,
    /// Its layers, newest first.
    pub layers: Vec<LayerStatistics>,
    /// The last merge since the index was opened, where it should have made a cold layer and there was too little
    /// memory.
    pub left_hot: Option<LeftHot>,
    /// What the layered set tells: levels, bytes written by additions and merges, merges at work.
    pub set: SetStatistics,
}

/// Sizes and counts of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerStatistics {
    /// Its id in the manifest.
    pub id: u64,
    /// Its level: how many merges lie behind it.
    pub level: u32,
    /// Whether its k-mers are kept as strings of overlaps, not in partitions.
    pub is_cold: bool,
    /// Samples whose k-mers it holds, removed ones included.
    pub samples: usize,
    /// Distinct k-mers.
    pub kmers: u64,
    /// Different sets of samples.
    pub colour_sets: u32,
    /// Bytes of the table of these sets.
    pub colour_bytes: u64,
    /// Bytes of the whole file.
    pub bytes: u64,
}

impl IndexStatistics {
    /// Bytes of all layers.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.bytes).sum()
    }

    /// k-mers of all layers; one that lies in several layers is counted in each.
    pub fn kmers(&self) -> u64 {
        self.layers.iter().map(|layer| layer.kmers).sum()
    }

    /// Bits of the layers for each of their k-mers; none without k-mers.
    pub fn bits_per_kmer(&self) -> Option<f64> {
        (self.kmers() > 0).then(|| self.bytes() as f64 * 8.0 / self.kmers() as f64)
    }
}

impl SequenceIndex {
    /// Sizes and counts as of now.
    pub fn statistics(&self) -> IndexStatistics {
        let version = self.set.current();
        let layers = version.layers().map(|layer| LayerStatistics {
            id: layer.descriptor().id,
            level: layer.descriptor().level,
            is_cold: layer.layer().is_cold(),
            samples: layer.layer().samples().len(),
            kmers: layer.layer().kmers(),
            colour_sets: layer.layer().colour_sets(),
            colour_bytes: layer.layer().colour_bytes(),
            bytes: layer.layer().bytes(),
        });
        IndexStatistics {
            samples: self.samples.read().samples().len(),
            layers: layers.collect(),
            left_hot: self.resources.left_hot(),
            set: self.set.statistics(),
        }
    }
}
