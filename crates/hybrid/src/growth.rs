//! The layers considered for one level, growing side by side from one stream of keys.

use crate::any::AnyLayer;
use crate::btree::BTreeLayerBuilder;
use crate::index::ChosenLayer;
use crate::linear::{LinearGrowth, Point, PointStream};
use crate::separators::Separators;
use crate::spline::SplineGrowth;
use crate::{Below, Error, Key, KeySource, LayerPlan, Offer, Policy, SPlusLayerBuilder};

/// A layer of any kind that is being built.
#[derive(Debug, Clone)]
pub(crate) enum Growth<K> {
    BTree(BTreeLayerBuilder<K>),
    Linear(Box<LinearGrowth<K>>),
    SPlus(SPlusLayerBuilder<K>),
    RadixSpline(Box<SplineGrowth<K>>),
}

impl<K: Key> Growth<K> {
    fn new(plan: LayerPlan) -> Result<Self, Error> {
        Ok(match plan {
            LayerPlan::BTree { fanout } => Self::BTree(BTreeLayerBuilder::new(fanout)?),
            LayerPlan::Linear { epsilon } => Self::Linear(Box::new(LinearGrowth::new(epsilon)?)),
            LayerPlan::RadixSpline { epsilon } => Self::RadixSpline(Box::new(SplineGrowth::new(epsilon)?)),
            LayerPlan::SPlus { fanout } => Self::SPlus(SPlusLayerBuilder::new(fanout)?),
        })
    }

    /// What a tree takes of the keys.
    fn separators(&mut self) -> Option<&mut Separators<K>> {
        match self {
            Self::BTree(builder) => Some(&mut builder.separators),
            Self::SPlus(builder) => Some(&mut builder.separators),
            Self::Linear(_) | Self::RadixSpline(_) => None,
        }
    }

    fn push_point(&mut self, point: Point<K>) {
        match self {
            Self::BTree(_) | Self::SPlus(_) => {}
            Self::Linear(growth) => growth.push(point),
            Self::RadixSpline(growth) => growth.push(point),
        }
    }

    fn size_bytes(&self) -> usize {
        match self {
            Self::BTree(builder) => builder.separators.bytes.len(),
            Self::Linear(growth) => growth.size_bytes(),
            Self::SPlus(builder) => builder.size_bytes(),
            Self::RadixSpline(growth) => growth.size_bytes(),
        }
    }

    fn finish(self, key_count: usize) -> AnyLayer<K> {
        match self {
            Self::BTree(builder) => AnyLayer::BTree(builder.finish_at(key_count)),
            Self::Linear(growth) => AnyLayer::Linear(growth.finish(key_count)),
            Self::SPlus(builder) => AnyLayer::SPlus(builder.finish_at(key_count)),
            Self::RadixSpline(growth) => AnyLayer::RadixSpline(growth.finish(key_count)),
        }
    }
}

/// Builds one level: all layers that may be chosen for it.
#[derive(Debug, Clone)]
pub(crate) struct LevelBuilder<K> {
    points: PointStream<K>,
    considered: Vec<(LayerPlan, Growth<K>)>,
    /// The smallest position whose key some tree still has to be given.
    next_position: usize,
    /// When to look next for layers that have become too large.
    next_review: usize,
}

/// So many keys pass between looks for layers that have become too large, at first.
const REVIEW_KEYS: usize = 1 << 14;

impl<K: Key> LevelBuilder<K> {
    pub(crate) fn new(plans: &[LayerPlan]) -> Result<Self, Error> {
        let considered: Result<Vec<_>, Error> =
            plans.iter().map(|plan| Ok((*plan, Growth::new(*plan)?))).collect();
        let considered = considered?;
        if considered.is_empty() || considered.len() > Self::MOST_PLANS {
            let (value, largest) = (considered.len() as u64, Self::MOST_PLANS as u64);
            return Err(Error::BadParameter { name: "number of plans", value, smallest: 1, largest });
        }
        Ok(Self { points: PointStream::new(), considered, next_position: 0, next_review: REVIEW_KEYS })
    }

    /// More layers side by side are a mistake.
    const MOST_PLANS: usize = 64;

    pub(crate) fn key_count(&self) -> usize {
        self.points.key_count()
    }

    #[inline]
    pub(crate) fn push(&mut self, key: K) -> Result<(), Error> {
        let (position, considered) = (self.points.key_count(), &mut self.considered);
        self.points.push(key, |point| {
            considered.iter_mut().for_each(|(_, growth)| growth.push_point(point));
        })?;
        if position == self.next_position {
            let trees = considered.iter_mut().filter_map(|(_, growth)| growth.separators());
            let positions = trees.map(|separators| {
                separators.take(position, key);
                separators.next_position()
            });
            self.next_position = positions.min().unwrap_or(usize::MAX);
        }
        if self.points.key_count() >= self.next_review {
            self.give_up_the_too_large();
        }
        Ok(())
    }

    pub(crate) fn push_all<S: KeySource<K> + ?Sized>(&mut self, keys: &S) -> Result<(), Error> {
        (0..keys.len()).try_for_each(|position| self.push(keys.get(position)))
    }

    /// Keeps memory bounded on hard keys, of which a narrow tube covers only a few.
    #[cold]
    fn give_up_the_too_large(&mut self) {
        let bearable = self.key_count() / 12 * K::WIDTH;
        let smallest = self.considered.iter().map(|(_, growth)| growth.size_bytes()).min().unwrap_or(0);
        self.considered.retain(|(_, growth)| growth.size_bytes() <= bearable.max(smallest));
        self.next_review = self.key_count() + self.key_count() / 4;
    }

    /// Ends the layers and lets the policy choose one.
    pub(crate) fn finish<P: Policy + ?Sized>(
        mut self,
        policy: &P,
        level: usize,
    ) -> Result<ChosenLayer<K, Vec<u8>>, Error> {
        let key_count = self.key_count();
        if let Some(point) = self.points.finish() {
            self.considered.iter_mut().for_each(|(_, growth)| growth.push_point(point));
        }
        let ended = self.considered.into_iter().map(|(plan, growth)| (plan, growth.finish(key_count)));
        let mut ended: Vec<(LayerPlan, AnyLayer<K>)> = ended.collect();
        let offers: Vec<Offer> = ended.iter().map(|(plan, layer)| layer.offer(*plan)).collect();
        let choice = policy.choose(Below { level, length: key_count, key_width: K::WIDTH }, &offers);
        if choice.offer >= ended.len() {
            let (value, largest) = (choice.offer as u64, ended.len() as u64 - 1);
            return Err(Error::BadParameter { name: "offer", value, smallest: 0, largest });
        }
        let (_, layer) = ended.swap_remove(choice.offer);
        Ok(ChosenLayer { layer, reason: choice.reason })
    }
}
