//! Builds an S+-tree in one pass: the separators as they come, the levels above them at the end.

use super::layer::SPlusLayer;
use super::shape::{CHILDREN, Level, NODE_KEYS, levels, tree_bytes};
use crate::processor::room_for_lines;
use crate::separators::Separators;
use crate::{Error, Key, KeySource, LittleEndianKeys};

/// Builds an [`SPlusLayer`] from sorted keys pushed one at a time, in memory proportional to the layer.
///
/// It believes that the keys are sorted.
#[derive(Debug, Clone)]
pub struct SPlusLayerBuilder<K> {
    pub(crate) separators: Separators<K>,
}

/// Largest fanout, which is at least 1.
const MOST_FANOUT: usize = 1 << 20;

/// Whether an S+-tree may have such a fanout.
pub(super) fn fits_tree_limits(fanout: usize) -> bool {
    (1..=MOST_FANOUT).contains(&fanout)
}

impl<K: Key> SPlusLayerBuilder<K> {
    /// A layer of no keys yet.
    ///
    /// # Errors
    /// [`Error::BadParameter`] if `fanout` is outside 1..=2^20.
    pub fn new(fanout: usize) -> Result<Self, Error> {
        if !fits_tree_limits(fanout) {
            let (value, largest) = (fanout as u64, MOST_FANOUT as u64);
            return Err(Error::BadParameter { name: "fanout", value, smallest: 1, largest });
        }
        Ok(Self { separators: Separators::new(fanout) })
    }

    /// Takes the next key.
    #[inline]
    pub fn push(&mut self, key: K) {
        self.separators.push(key);
    }

    /// Bytes the layer would have if it ended here, about.
    pub(crate) fn size_bytes(&self) -> usize {
        let separators = self.separators.count();
        (separators + separators / NODE_KEYS) * K::WIDTH
    }

    /// The layer, in O(separators).
    pub fn finish(self) -> SPlusLayer<K> {
        let key_count = self.separators.pushed;
        self.finish_at(key_count)
    }

    /// The layer over so many keys.
    pub(crate) fn finish_at(self, key_count: usize) -> SPlusLayer<K> {
        let separators = self.separators.keys();
        let levels = levels(separators.len());
        let (mut bytes, padding) = room_for_lines(tree_bytes::<K>(&levels).unwrap_or(0));
        for (height, level) in levels.iter().rev().enumerate().rev() {
            if height == 0 {
                write_leaves(&separators, *level, &mut bytes);
            } else {
                let below = levels[levels.len() - height];
                write_inner(&separators, height, *level, below.node_count, &mut bytes);
            }
        }
        SPlusLayer::from_tree(bytes, padding, levels, &self.separators, key_count)
    }
}

/// The separators themselves, filled up to whole nodes.
fn write_leaves<K: Key>(separators: &LittleEndianKeys<'_, K>, level: Level, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(separators.as_bytes());
    (separators.len()..level.node_count * NODE_KEYS).for_each(|_| K::LARGEST.write(bytes));
}

/// For each child but the last its largest separator; a key above it is in a later child.
fn write_inner<K: Key>(
    separators: &LittleEndianKeys<'_, K>,
    height: usize,
    level: Level,
    child_count: usize,
    bytes: &mut Vec<u8>,
) {
    // A child has this many separators, unless it is the last.
    let child_size = NODE_KEYS * CHILDREN.pow(height as u32 - 1);
    for node in 0..level.node_count {
        for child in node * CHILDREN..node * CHILDREN + NODE_KEYS {
            let is_inner = child + 1 < child_count;
            let largest = if is_inner { separators.get((child + 1) * child_size - 1) } else { K::LARGEST };
            largest.write(bytes);
        }
    }
}
