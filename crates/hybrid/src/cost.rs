//! What a lookup is estimated to cost: cache lines touched, comparisons made, bytes kept.

use crate::linear::LINE_BYTES;
use crate::policy::DEFAULT_FANOUT;
use crate::{Below, LayerKind, Offer};

/// Costs in picoseconds. The defaults are round figures of a server of the 2020s; only their proportions
/// matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostModel {
    /// Cost of touching a line of an array, by the array's size: pairs of (largest size in bytes, cost).
    /// A larger array costs what the last pair says.
    pub line: [(u64, u64); 4],
    /// One step of a binary search in cached memory.
    pub comparison: u64,
    /// Evaluating one line of a linear layer: a wide multiplication and shifts.
    pub prediction: u64,
    /// What a byte of index per thousand keys is worth, so that a tie goes to the smaller one.
    pub byte_per_thousand_keys: u64,
}

impl Default for CostModel {
    fn default() -> Self {
        Self {
            line: [(32 << 10, 1_000), (1 << 20, 5_000), (16 << 20, 25_000), (u64::MAX, 90_000)],
            comparison: 1_200,
            prediction: 3_000,
            byte_per_thousand_keys: 10,
        }
    }
}

impl CostModel {
    fn line_cost(&self, array_bytes: u64) -> u64 {
        let fits = self.line.iter().find(|(size, _)| array_bytes <= *size);
        fits.or(self.line.last()).map_or(0, |(_, cost)| *cost)
    }

    /// Binary search among `window` neighbouring keys of an array.
    fn search(&self, window: usize, width: usize, array_bytes: u64) -> u64 {
        let lines = (window * width / 64 + 1) as u64;
        // A binary search touches a line per halving until what is left lies within one line. The lines
        // after the first are near it: same page, and often fetched along with it.
        let further = u64::from((lines + 1).ilog2()) - u64::from(lines == 1);
        let line = self.line_cost(array_bytes);
        line + further * line / 5 + u64::from(window.max(1).ilog2() + 1) * self.comparison
    }

    /// Cost of a lookup through an offered layer, in picoseconds, the memory it takes weighed in; the layers
    /// above it are taken to be B-tree layers.
    pub(crate) fn estimate(&self, below: Below, offer: &Offer) -> u64 {
        let (length, width) = (below.length, below.key_width);
        let mut time = self.search(offer.window.min(length), width, (length * width) as u64);
        if offer.plan.kind() == LayerKind::Linear {
            time += self.line_cost((offer.entries * LINE_BYTES) as u64) + self.prediction;
        }
        let mut level = offer.entries;
        while level > DEFAULT_FANOUT {
            time += self.search(DEFAULT_FANOUT - 1, width, (level * width) as u64);
            level = level.div_ceil(DEFAULT_FANOUT);
        }
        time += self.search(level, width, (level * width) as u64);
        let bytes_per_thousand = offer.size_bytes as u64 * 1000 / length.max(1) as u64;
        time + bytes_per_thousand * self.byte_per_thousand_keys
    }
}
