//! Who chooses the kind of each node of a map, by what facts, and what the usual choice costs.

use core::fmt::Debug;

use crate::CostModel;

/// What a policy knows about a leaf that is about to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafFacts {
    /// Entries to be written.
    pub entries: usize,
    /// Slots of the leaf.
    pub slots: usize,
    /// How many entries would lie within reach of where a line predicts them.
    pub near: usize,
    /// How many inserts landed far from where the line expected them since the leaf was last written; the mean
    /// if several leaves are written anew together. Many mean that inserts crowd where keys were few.
    pub strained: usize,
    /// Bytes of a key.
    pub key_bytes: usize,
    /// Bytes of a value.
    pub value_bytes: usize,
    /// Leaves of the whole map.
    pub leaves: usize,
}

/// What a policy knows about children that need an inner node, or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InnerFacts {
    /// Children to be placed.
    pub children: usize,
    /// Most children a route can have.
    pub route_fanout: usize,
    /// Children that a new branch gets at most.
    pub branch_fanout: usize,
    /// How many pivots share a stretch of the line, in thousandths, as the mean over the pivots.
    pub crowd: u64,
    /// Bytes of a key.
    pub key_bytes: usize,
    /// Leaves of the whole map.
    pub leaves: usize,
}

/// A choice between the learned kind of a node and the B-tree's, and what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the node is to follow a line: a gapped leaf, a route. Otherwise: a packed leaf, branches.
    pub learned: bool,
    /// Estimated cost of what was chosen, in picoseconds for a lookup and an insert together.
    pub cost: u64,
    /// The same of what was not.
    pub rival: u64,
}

impl Verdict {
    /// The cheaper of the two; a tie goes to the B-tree.
    pub fn cheaper(learned: u64, plain: u64) -> Self {
        Self { learned: learned < plain, cost: learned.min(plain), rival: learned.max(plain) }
    }
}

/// Chooses the kind of each node whenever one is written anew: by a split, by spreading entries over
/// neighbours, by retraining, by bulk loading. Any answer gives a right map.
pub trait MapPolicy: Debug + 'static {
    /// Whether a leaf shall be gapped.
    fn leaf(&self, facts: &LeafFacts) -> Verdict;

    /// Whether an inner node shall be a route.
    fn inner(&self, facts: &InnerFacts) -> Verdict;
}

/// Chooses the cheapest by a [`CostModel`]; leaves that a line does not fit, and inner nodes whose pivots crowd
/// in few stretches, fall back to what a B-tree does.
#[derive(Debug, Clone)]
pub struct MapCostPolicy {
    /// What touching a line of memory, a comparison and a prediction cost.
    pub model: CostModel,
}

/// Other costs than an [`Index`](crate::Index) reckons with: a map brings its keys along, so that there is no large
/// array beside it whose lines drive it out of the caches.
impl Default for MapCostPolicy {
    fn default() -> Self {
        let line = [(32 << 10, 1_000), (1 << 20, 5_000), (16 << 20, 25_000), (u64::MAX, 90_000)];
        Self { model: CostModel { line, prediction: 3_000, node: 4_000, ..CostModel::default() } }
    }
}

/// Always the kinds of a B-tree.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlwaysPlain;

/// Always the learned kinds, however badly lines fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlwaysLearned;

impl MapPolicy for AlwaysPlain {
    fn leaf(&self, _: &LeafFacts) -> Verdict {
        Verdict { learned: false, cost: 0, rival: 0 }
    }

    fn inner(&self, _: &InnerFacts) -> Verdict {
        Verdict { learned: false, cost: 0, rival: 0 }
    }
}

impl MapPolicy for AlwaysLearned {
    fn leaf(&self, _: &LeafFacts) -> Verdict {
        Verdict { learned: true, cost: 0, rival: 0 }
    }

    fn inner(&self, _: &InnerFacts) -> Verdict {
        Verdict { learned: true, cost: 0, rival: 0 }
    }
}

/// Picoseconds to move one byte within a leaf.
const MOVE_BYTE: u64 = 30;
/// Picoseconds to lay one entry out again when a leaf is trained again.
const TRAIN_ENTRY: u64 = 8_000;
/// What is known of a leaf besides its entries: origin, line, counts.
const HEAD_BYTES: usize = 32;
/// Comparisons that do not wait for one another cost this fraction of those that do.
const OVERLAPPED: u64 = 6;

impl MapCostPolicy {
    /// Cost of a line in memory of this many bytes.
    fn line(&self, bytes: usize) -> u64 {
        self.model.line_cost(bytes as u64)
    }
}

fn lines(bytes: usize) -> u64 {
    bytes.div_ceil(64).max(1) as u64
}

impl MapPolicy for MapCostPolicy {
    fn leaf(&self, facts: &LeafFacts) -> Verdict {
        let entry = facts.key_bytes + facts.value_bytes;
        let line = self.line(facts.leaves * facts.slots * entry);
        let move_entry = entry as u64 * MOVE_BYTE;
        // Packed: one key in sixteen is looked at, all at once, then sixteen neighbours; half the entries move.
        let samples = (facts.slots / 16) as u64;
        let search = line + line / 3 + samples.min(lines(facts.slots * facts.key_bytes)) * line / 8;
        let plain = search
            + (samples + 16) * self.model.comparison / OVERLAPPED
            + facts.entries as u64 / 2 * move_entry;
        // Gapped: the head, the prediction, a window of neighbours; some are far and are searched for in steps.
        let far = (facts.entries - facts.near.min(facts.entries)) as u64;
        let steps = u64::from(facts.slots.max(2).ilog2());
        let stray = (steps * self.model.comparison * 2 + line / 2) * far / facts.entries.max(1) as u64;
        let gap = (facts.slots / (facts.slots - facts.entries + 1)).min(facts.slots / 4) as u64;
        // Between two writings a leaf takes inserts for about a quarter of its slots. One that lands where the line
        // expected few keys moves as many others as in a packed leaf, and an eighth of the slots in bad inserts
        // trains anew.
        let quarter = facts.slots as u64 / 4;
        let crowding =
            (facts.strained as u64).min(quarter) * (quarter * move_entry + 8 * TRAIN_ENTRY) / quarter;
        let learned = self.line(facts.leaves * HEAD_BYTES)
            + self.model.prediction
            + line
            + line / 4
            + 16 * self.model.comparison / OVERLAPPED
            + stray
            + crowding
            + gap * move_entry;
        Verdict::cheaper(learned, plain)
    }

    fn inner(&self, facts: &InnerFacts) -> Verdict {
        let pivot = facts.key_bytes + size_of::<u32>();
        let line = self.line(facts.leaves * pivot * 3 / 2);
        // A route stands for as many levels of branches as its children would need, once it is full.
        let levels = 1000 * u64::from(facts.route_fanout.max(2).ilog2())
            / u64::from(facts.branch_fanout.max(2).ilog2()).max(1);
        let counted = (facts.branch_fanout / 16 + 16) as u64 * self.model.comparison / OVERLAPPED;
        let plain = (2 * line + line / 2 + counted) * levels / 1000;
        let crowd = (facts.crowd / 1000).max(1);
        let steps = if crowd <= 16 { 1 } else { u64::from(crowd.ilog2()) };
        let search =
            steps * self.model.comparison + lines(crowd as usize * facts.key_bytes).ilog2() as u64 * line / 3;
        let learned =
            3 * line + self.model.prediction + crowd.min(16) * self.model.comparison / OVERLAPPED + search;
        Verdict::cheaper(learned, plain)
    }
}
