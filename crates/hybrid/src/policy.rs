//! Who chooses the kind of each layer, and what the choice leaves behind for `explain`.

use crate::{CostModel, LayerKind, LayerPlan};

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

/// The sorted array that a layer will stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Below {
    /// How many layers are below it: 0 for the keys themselves.
    pub level: usize,
    /// How many keys or entries it has.
    pub length: usize,
    /// Bytes of one key.
    pub key_width: usize,
}

/// A layer that was built and may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offer {
    /// What was planned.
    pub plan: LayerPlan,
    /// How many entries it has; the layers above will stand on them. Of an S+-tree the separators; of a radix
    /// spline the knots that a lookup searches, on average.
    pub entries: usize,
    /// Bytes it takes.
    pub size_bytes: usize,
    /// The most candidates it leaves.
    pub window: usize,
}

/// Which of the offered layers to take, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Which of the offers.
    pub offer: usize,
    /// Why.
    pub reason: Reason,
}

/// Chooses each layer of an index as it is built, from the bottom up.
///
/// It needs nothing that a stream of keys cannot give: the layers it considers grow side by side, and it
/// chooses among them when all keys have been seen.
pub trait Policy {
    /// The layers to build side by side for this level, counted from the bottom; at least one.
    fn plans(&self, level: usize) -> Vec<LayerPlan>;

    /// Chooses one of `offers`, which are never empty. They are the layers planned, in the same order, but
    /// for those given up because they took more than a twelfth of the keys' bytes.
    fn choose(&self, below: Below, offers: &[Offer]) -> Choice;
}

impl<P: Policy + ?Sized> Policy for &P {
    fn plans(&self, level: usize) -> Vec<LayerPlan> {
        (**self).plans(level)
    }

    fn choose(&self, below: Below, offers: &[Offer]) -> Choice {
        (**self).choose(below, offers)
    }
}

/// Always the same kind of layer: B-tree of fanout 16, or of epsilon 16 if linear, on every level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForcePolicy(pub LayerKind);

/// Fanout of B-tree layers unless asked otherwise: sixteen 8-byte keys are two cache lines.
pub(crate) const DEFAULT_FANOUT: usize = 16;
/// Epsilon of linear layers unless asked otherwise.
const DEFAULT_EPSILON: usize = 16;

impl Policy for ForcePolicy {
    fn plans(&self, _level: usize) -> Vec<LayerPlan> {
        vec![match self.0 {
            LayerKind::BTree => LayerPlan::BTree { fanout: DEFAULT_FANOUT },
            LayerKind::Linear => LayerPlan::Linear { epsilon: DEFAULT_EPSILON },
            LayerKind::SPlus => LayerPlan::SPlus { fanout: DEFAULT_FANOUT },
            LayerKind::RadixSpline => LayerPlan::RadixSpline { epsilon: DEFAULT_EPSILON },
        }]
    }

    fn choose(&self, _below: Below, _offers: &[Offer]) -> Choice {
        Choice { offer: 0, reason: Reason::Forced }
    }
}

/// Chooses the layer with the smallest estimated time for a lookup, memory weighed in.
///
/// It counts the cache lines and comparisons a lookup touches (see [`CostModel`]) in S+-trees of several
/// fanouts and in linear layers of several epsilons. Keys that no line follows get an S+-tree. Radix splines it
/// leaves to those who know their keys ([`EvenIndex`](crate::EvenIndex)): on all sets measured (decision 030) lines
/// of some epsilon are as fast where lookups wait for each other, in a fraction of the memory.
#[derive(Debug, Clone, Default)]
pub struct CostModelPolicy {
    /// What a cache line, a comparison and a byte cost.
    pub model: CostModel,
}

const FANOUTS: [usize; 2] = [16, 64];
/// Entries of a layer are few: a tree over all of them leaves nothing to search, and is quicker than lines. Many
/// are searched in place, which is a level less to keep in a cache.
const UPPER_FANOUTS: [usize; 2] = [1, UPPER_FANOUT];
/// Pieces of a linear layer that share a separator above: they lie in two or three cache lines.
pub(crate) const UPPER_FANOUT: usize = 8;
/// The narrowest is for keys that are nearly a line; on others it is soon given up.
const EPSILONS: [usize; 4] = [2, 15, 63, 255];

impl Policy for CostModelPolicy {
    fn plans(&self, level: usize) -> Vec<LayerPlan> {
        if level > 0 {
            return UPPER_FANOUTS.map(|fanout| LayerPlan::SPlus { fanout }).into();
        }
        let trees = FANOUTS.map(|fanout| LayerPlan::SPlus { fanout });
        let linears = EPSILONS.map(|epsilon| LayerPlan::Linear { epsilon });
        trees.into_iter().chain(linears).collect()
    }

    fn choose(&self, below: Below, offers: &[Offer]) -> Choice {
        let costs = offers.iter().map(|offer| self.model.estimate(below, offer));
        let (offer, cost) = costs.clone().enumerate().min_by_key(|(_, cost)| *cost).unwrap_or((0, 0));
        let kind = offers.get(offer).map(|offer| offer.plan.kind());
        let others = offers.iter().zip(costs).filter(|(offer, _)| Some(offer.plan.kind()) != kind);
        let rival = others.map(|(_, cost)| cost).min().unwrap_or(cost);
        Choice { offer, reason: Reason::Cheapest { cost, rival } }
    }
}
