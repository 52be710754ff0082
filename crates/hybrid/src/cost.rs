//! What a lookup is estimated to cost: cache lines touched, comparisons made, bytes kept.

use crate::policy::{DEFAULT_FANOUT, UPPER_FANOUT};
use crate::processor::MOST_LINES;
use crate::splus::NODE_KEYS;
use crate::{Below, LayerKind, Offer};

/// Costs in picoseconds. The defaults are round figures of lookups that wait for each other on a virtual machine
/// with 1 MiB of second-level cache a core and a third-level one shared with others (decision 030); what matters
/// is their proportions. The keys that lookups read drive an index out of the shared cache, so that a line of an
/// index larger than a few MiB costs nearly what a line of memory does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostModel {
    /// Cost of touching a line of an array, by the array's size: pairs of (largest size in bytes, cost).
    /// A larger array costs what the last pair says.
    pub line: [(u64, u64); 4],
    /// One step of a binary search in cached memory.
    pub comparison: u64,
    /// Searching one node of an S+-tree, and finding its child.
    pub node: u64,
    /// Evaluating one line of a linear layer: a wide multiplication and shifts.
    pub prediction: u64,
    /// What a byte of index per thousand keys is worth, so that a tie goes to the smaller one.
    pub byte_per_thousand_keys: u64,
}

impl Default for CostModel {
    fn default() -> Self {
        Self {
            line: [(32 << 10, 2_000), (1 << 20, 10_000), (4 << 20, 90_000), (u64::MAX, 170_000)],
            comparison: 1_200,
            node: 12_000,
            prediction: 20_000,
            byte_per_thousand_keys: 10,
        }
    }
}

impl CostModel {
    /// Cost of touching a line of an array of so many bytes.
    pub(crate) fn line_cost(&self, array_bytes: u64) -> u64 {
        let fits = self.line.iter().find(|(size, _)| array_bytes <= *size);
        fits.or(self.line.last()).map_or(0, |(_, cost)| *cost)
    }

    /// Search among `window` neighbouring keys of an array. They are asked for at once, so that the lines
    /// after the first cost little more; those beyond what is asked for at once are waited for one after another.
    fn search(&self, window: usize, width: usize, array_bytes: u64) -> u64 {
        if window == 0 {
            return 0;
        }
        let lines = (window * width / 64 + 1) as u64;
        let line = self.line_cost(array_bytes);
        let waits = lines.div_ceil(MOST_LINES as u64).next_power_of_two().ilog2();
        line + (lines - 1) * line / 200
            + u64::from(waits) * line
            + u64::from(window.max(1).ilog2() + 1) * self.comparison
    }

    /// Finding the way among entries of these bytes through the levels of an S+-tree, from the leaves up.
    fn descent(&self, entries: usize, width: usize) -> u64 {
        let (mut time, mut level) = (0, entries);
        while level > 0 {
            time += self.line_cost((level * width) as u64) + self.node;
            level = if level <= NODE_KEYS { 0 } else { level / NODE_KEYS };
        }
        time
    }

    /// Cost of a lookup through an offered layer, in picoseconds, the memory it takes weighed in; the layer
    /// above it, if it needs one, is taken to be an S+-tree.
    pub(crate) fn estimate(&self, below: Below, offer: &Offer) -> u64 {
        let (length, width) = (below.length, below.key_width);
        let last = self.search(offer.window.min(length), width, (length * width) as u64);
        let time = match offer.plan.kind() {
            LayerKind::SPlus => self.descent(offer.entries, width),
            LayerKind::BTree => {
                self.search(DEFAULT_FANOUT - 1, width, (offer.entries * width) as u64)
                    + self.descent(offer.entries / DEFAULT_FANOUT, width)
            }
            LayerKind::Linear => {
                let piece = offer.size_bytes / offer.entries.max(1);
                self.descent(offer.entries / UPPER_FANOUT, width)
                    + self.search(UPPER_FANOUT - 1, piece, offer.size_bytes as u64)
                    + self.prediction
            }
            LayerKind::RadixSpline => {
                // Slots, knots and positions, each a line of their own, then a division.
                3 * self.line_cost(offer.size_bytes as u64 / 2)
                    + self.search(offer.entries, width, offer.size_bytes as u64 / 2)
                    + 2 * self.prediction
            }
        };
        let bytes_per_thousand = offer.size_bytes as u64 * 1000 / length.max(1) as u64;
        last + time + bytes_per_thousand * self.byte_per_thousand_keys
    }
}
