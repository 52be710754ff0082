//! Who chooses the kind of each layer, and what the choice leaves behind for `explain`.

use crate::cost::{CostModel, Estimate};
use crate::{Key, KeySource, LayerKind, LayerPlan, LinearLayer};

/// Why a layer is of its kind; recorded in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The caller wanted this kind.
    Forced,
    /// It was estimated to be the cheapest way to look keys up.
    Cheapest {
        /// Estimated cost of a lookup from this layer upward, in picoseconds.
        cost: u64,
        /// The same for the best layer of the other kind.
        rival: u64,
    },
}

/// The plan for one layer, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// What to build.
    pub plan: LayerPlan,
    /// Why.
    pub reason: Reason,
}

/// Chooses each layer of an index as it is built, from the bottom up.
pub trait Policy {
    /// Chooses the layer that will stand on `keys`, which may be the keys themselves or the entries of a
    /// layer below. They are sorted.
    fn choose<K: Key, S: KeySource<K> + ?Sized>(&self, keys: &S) -> Choice;
}

/// Always the same kind of layer: B-tree of fanout 16, or of epsilon 16 if linear, on every level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForcePolicy(pub LayerKind);

/// Fanout of B-tree layers unless asked otherwise: sixteen 8-byte keys are two cache lines.
pub(crate) const DEFAULT_FANOUT: usize = 16;
/// Epsilon of linear layers unless asked otherwise.
const DEFAULT_EPSILON: usize = 16;

impl Policy for ForcePolicy {
    fn choose<K: Key, S: KeySource<K> + ?Sized>(&self, _keys: &S) -> Choice {
        let plan = match self.0 {
            LayerKind::BTree => LayerPlan::BTree { fanout: DEFAULT_FANOUT },
            LayerKind::Linear => LayerPlan::Linear { epsilon: DEFAULT_EPSILON },
        };
        Choice { plan, reason: Reason::Forced }
    }
}

/// Chooses the layer with the smallest estimated time for a lookup, memory weighed in.
///
/// It counts the cache lines and comparisons a lookup touches (see [`CostModel`]) for B-tree layers of
/// several fanouts and linear layers of several epsilons. How many pieces a linear layer needs is found by
/// fitting one: to all keys if there are few, else to windows spread evenly over them.
#[derive(Debug, Clone, Default)]
pub struct CostModelPolicy {
    /// What a cache line, a comparison and a byte cost.
    pub model: CostModel,
}

const FANOUTS: [usize; 3] = [16, 32, 64];
const EPSILONS: [usize; 4] = [4, 16, 64, 256];
/// Arrays up to this length are fitted whole.
const SAMPLE_KEYS: usize = 1 << 16;
const SAMPLE_WINDOWS: usize = 16;

impl Policy for CostModelPolicy {
    fn choose<K: Key, S: KeySource<K> + ?Sized>(&self, keys: &S) -> Choice {
        let (length, model) = (keys.len(), &self.model);
        let cheaper = |a: (LayerPlan, Estimate), b: (LayerPlan, Estimate)| {
            if b.1.weighed() < a.1.weighed() { b } else { a }
        };
        let btrees = FANOUTS.map(|fanout| {
            let entries = length.div_ceil(fanout);
            (LayerPlan::BTree { fanout }, model.estimate::<K>(length, entries, fanout - 1, K::WIDTH))
        });
        let linears = EPSILONS.map(|epsilon| {
            let entries = estimated_pieces(keys, epsilon);
            let entry_bytes = K::WIDTH + crate::linear::LINE_BYTES;
            let estimate = model.estimate::<K>(length, entries, 2 * epsilon + 1, entry_bytes);
            (LayerPlan::Linear { epsilon }, estimate.with_prediction(model, entries))
        });
        let best_btree = btrees.into_iter().reduce(cheaper);
        let best_linear = linears.into_iter().reduce(cheaper);
        let (Some(btree), Some(linear)) = (best_btree, best_linear) else {
            return ForcePolicy(LayerKind::BTree).choose(keys);
        };
        let (best, rival) =
            if linear.1.weighed() < btree.1.weighed() { (linear, btree) } else { (btree, linear) };
        Choice { plan: best.0, reason: Reason::Cheapest { cost: best.1.weighed(), rival: rival.1.weighed() } }
    }
}

/// How many pieces a linear layer over `keys` would have, about.
fn estimated_pieces<K: Key, S: KeySource<K> + ?Sized>(keys: &S, epsilon: usize) -> usize {
    let length = keys.len();
    let count = |window: Window<'_, S>| {
        // Unsorted keys are reported when the layer itself is built.
        LinearLayer::<K>::count_pieces(&window, epsilon).unwrap_or(length)
    };
    if length <= SAMPLE_KEYS {
        return count(Window { keys, start: 0, length });
    }
    let window = SAMPLE_KEYS / SAMPLE_WINDOWS;
    let stride = (length - window) / (SAMPLE_WINDOWS - 1);
    let sampled: usize =
        (0..SAMPLE_WINDOWS).map(|index| count(Window { keys, start: index * stride, length: window })).sum();
    // A window cuts the pieces at its ends; at least one piece would have gone on beyond it.
    let whole = (sampled - SAMPLE_WINDOWS).max(1) as f64;
    (whole * length as f64 / SAMPLE_KEYS as f64).ceil() as usize
}

/// A stretch of an array, itself a source of keys.
struct Window<'a, S: ?Sized> {
    keys: &'a S,
    start: usize,
    length: usize,
}

impl<K: Key, S: KeySource<K> + ?Sized> KeySource<K> for Window<'_, S> {
    fn len(&self) -> usize {
        self.length
    }

    fn get(&self, position: usize) -> K {
        self.keys.get(self.start + position)
    }
}
