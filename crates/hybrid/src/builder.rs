//! Builds an index from a stream of keys, or from keys that are there already.

use crate::growth::LevelBuilder;
use crate::index::ChosenLayer;
use crate::{Below, Choice, Error, Index, Key, KeySource, Layer, LayerPlan, Offer, Policy, Reason};

/// A top layer of at most this many entries needs no layer above it.
const TOP_ENTRIES: usize = 16;

/// Builds an [`Index`] from sorted keys pushed one at a time, without keeping the keys.
///
/// The layers that the policy considers for the bottom grow side by side, and one of them is chosen at the
/// end; those above stand on its entries. Memory is that of the layers considered, and a layer that becomes
/// larger than a twelfth of the keys is given up while there is another: so it stays below a twelfth of the
/// keys for each layer considered, and far below on smooth keys.
///
/// ```
/// use stroma_hybrid::{CostModelPolicy, IndexBuilder};
///
/// let mut builder = IndexBuilder::<u64, _>::new(CostModelPolicy::default())?;
/// for key in 0..10_000 {
///     builder.push(key * key)?;
/// }
/// let index = builder.finish()?;
/// let keys: Vec<u64> = (0..10_000).map(|key| key * key).collect();
/// assert_eq!(index.lower_bound(&keys, 50), 8);
/// # Ok::<(), stroma_hybrid::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct IndexBuilder<K, P> {
    policy: P,
    bottom: LevelBuilder<K>,
}

impl<K: Key, P: Policy> IndexBuilder<K, P> {
    /// An index of no keys yet.
    ///
    /// # Errors
    /// [`Error::BadParameter`] if the policy considers no layer, or an impossible one.
    pub fn new(policy: P) -> Result<Self, Error> {
        let bottom = LevelBuilder::new(&policy.plans(0))?;
        Ok(Self { policy, bottom })
    }

    /// Takes the next key; constant time, but with the cost model six layers grow side by side.
    ///
    /// # Errors
    /// [`Error::NotSorted`] if it is smaller than the last one; the builder is then as it was.
    #[inline]
    pub fn push(&mut self, key: K) -> Result<(), Error> {
        self.bottom.push(key)
    }

    /// How many keys were pushed.
    pub fn key_count(&self) -> usize {
        self.bottom.key_count()
    }

    /// Chooses, and builds the layers above.
    ///
    /// # Errors
    /// [`Error::BadParameter`] if the policy chooses what it was not offered.
    pub fn finish(self) -> Result<Index<K>, Error> {
        let mut layers = vec![self.bottom.finish(&self.policy, 0)?];
        while let Some(below) = layers.last().filter(|top| top.layer.entry_count() > TOP_ENTRIES) {
            let mut level = LevelBuilder::new(&self.policy.plans(layers.len()))?;
            below.layer.push_entries(&mut level)?;
            layers.push(level.finish(&self.policy, layers.len())?);
        }
        Ok(Index::from_bottom_up(layers))
    }
}

impl<K: Key> Index<K> {
    /// Builds an index over sorted keys (duplicates allowed) in O(n), each layer as `policy` chooses.
    ///
    /// # Errors
    /// [`Error::NotSorted`], and [`Error::BadParameter`] if the policy asks for an impossible layer.
    pub fn build<S, P>(keys: &S, policy: &P) -> Result<Self, Error>
    where
        S: KeySource<K> + ?Sized,
        P: Policy + ?Sized,
    {
        let mut builder = IndexBuilder::new(policy)?;
        builder.bottom.push_all(keys)?;
        builder.finish()
    }

    /// Builds an index of exactly these layers, given from the bottom up.
    ///
    /// # Errors
    /// As [`build`](Self::build); also [`Error::BadParameter`] for an empty list of plans.
    pub fn with_plans<S: KeySource<K> + ?Sized>(keys: &S, plans: &[LayerPlan]) -> Result<Self, Error> {
        let Some((&first, rest)) = plans.split_first() else {
            return Err(Error::BadParameter { name: "number of layers", value: 0, smallest: 1, largest: 64 });
        };
        let mut bottom = LevelBuilder::new(&[first])?;
        bottom.push_all(keys)?;
        let mut layers = vec![bottom.finish(&AsPlanned, 0)?];
        for &plan in rest {
            let Some(below) = layers.last() else { break };
            if below.layer.kind().is_whole() {
                let name = "number of layers below the one that is whole";
                let (value, largest) = (plans.len() as u64 - 1, layers.len() as u64 - 1);
                return Err(Error::BadParameter { name, value, smallest: 0, largest });
            }
            let mut level = LevelBuilder::new(&[plan])?;
            below.layer.push_entries(&mut level)?;
            layers.push(level.finish(&AsPlanned, 0)?);
        }
        Ok(Self::from_bottom_up(layers))
    }

    /// An index of layers that stand on one another; there is at least one.
    fn from_bottom_up(mut layers: Vec<ChosenLayer<K, Vec<u8>>>) -> Self {
        let key_count = layers.first().map_or(0, |bottom| bottom.layer.below_len());
        layers.reverse();
        Self { layers, key_count }
    }
}

/// Takes what it is offered first, because the caller wanted it.
struct AsPlanned;

impl Policy for AsPlanned {
    fn plans(&self, _level: usize) -> Vec<LayerPlan> {
        Vec::new()
    }

    fn choose(&self, _below: Below, _offers: &[Offer]) -> Choice {
        Choice { offer: 0, reason: Reason::Forced }
    }
}
