//! The B-tree layer: every n-th key of the array below, in order.

use core::marker::PhantomData;
use core::ops::Range;

use crate::layer::{prefetch_candidates, route};
use crate::separators::Separators;
use crate::{Error, Key, KeySource, Layer, LittleEndianKeys};

/// One level of a static B-tree: its entries are every `fanout`-th key of the array below.
///
/// Nodes need no pointers: the children of entry `i` are the `fanout` keys from `i * fanout`. `B` holds the
/// entries' bytes, owned or borrowed from a mapped file. A lookup costs a binary search among the
/// candidate entries, and always leaves at most `fanout - 1` candidates.
#[derive(Debug, Clone)]
pub struct BTreeLayer<K, B = Vec<u8>> {
    separators: B,
    fanout: usize,
    below_len: usize,
    key: PhantomData<K>,
}

/// Smallest and largest fanout of a B-tree layer.
const FANOUT_LIMITS: (usize, usize) = (2, 1 << 20);

/// Whether a layer may have such a fanout.
pub(crate) fn fits_limits(fanout: usize) -> bool {
    (FANOUT_LIMITS.0..=FANOUT_LIMITS.1).contains(&fanout)
}

impl<K: Key> BTreeLayer<K> {
    /// Builds the layer over sorted keys, in O(n / fanout); see [`BTreeLayerBuilder`] for a stream of them.
    ///
    /// # Errors
    /// [`Error::BadParameter`] if `fanout` is outside 2..=2^20.
    pub fn build<S: KeySource<K> + ?Sized>(keys: &S, fanout: usize) -> Result<Self, Error> {
        let mut builder = BTreeLayerBuilder::new(fanout)?;
        for position in (0..keys.len()).step_by(fanout) {
            builder.separators.take(position, keys.get(position));
        }
        Ok(builder.finish_at(keys.len()))
    }
}

/// Builds a [`BTreeLayer`] from sorted keys pushed one at a time, in memory proportional to the layer.
///
/// It believes that the keys are sorted.
#[derive(Debug, Clone)]
pub struct BTreeLayerBuilder<K> {
    pub(crate) separators: Separators<K>,
}

impl<K: Key> BTreeLayerBuilder<K> {
    /// A layer of no keys yet.
    ///
    /// # Errors
    /// [`Error::BadParameter`] if `fanout` is outside 2..=2^20.
    pub fn new(fanout: usize) -> Result<Self, Error> {
        if !fits_limits(fanout) {
            let (smallest, largest) = (FANOUT_LIMITS.0 as u64, FANOUT_LIMITS.1 as u64);
            return Err(Error::BadParameter { name: "fanout", value: fanout as u64, smallest, largest });
        }
        Ok(Self { separators: Separators::new(fanout) })
    }

    /// Takes the next key.
    #[inline]
    pub fn push(&mut self, key: K) {
        self.separators.push(key);
    }

    /// The layer.
    pub fn finish(self) -> BTreeLayer<K> {
        let key_count = self.separators.pushed;
        self.finish_at(key_count)
    }

    /// The layer over so many keys.
    pub(crate) fn finish_at(self, key_count: usize) -> BTreeLayer<K> {
        let Separators { bytes: mut separators, every: fanout, .. } = self.separators;
        separators.shrink_to_fit();
        BTreeLayer { separators, fanout, below_len: key_count, key: PhantomData }
    }
}

impl<K: Key, B: AsRef<[u8]>> BTreeLayer<K, B> {
    /// Puts a layer together from stored parts; `None` if they do not fit each other.
    pub(crate) fn from_parts(separators: B, fanout: usize, below_len: usize) -> Option<Self> {
        let fits = fits_limits(fanout)
            && below_len.div_ceil(fanout).checked_mul(K::WIDTH) == Some(separators.as_ref().len());
        fits.then_some(Self { separators, fanout, below_len, key: PhantomData })
    }

    /// The entries, to build the layer above on.
    pub fn entries(&self) -> LittleEndianKeys<'_, K> {
        LittleEndianKeys::whole(self.separators.as_ref())
    }

    /// How many keys of the array below share an entry.
    pub fn fanout(&self) -> usize {
        self.fanout
    }

    pub(crate) fn to_owned_layer(&self) -> BTreeLayer<K> {
        let separators = self.separators.as_ref().to_vec();
        BTreeLayer { separators, fanout: self.fanout, below_len: self.below_len, key: PhantomData }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.separators.as_ref()
    }
}

impl<K: Key, B: AsRef<[u8]>> Layer<K> for BTreeLayer<K, B> {
    fn entry_count(&self) -> usize {
        self.entries().len()
    }

    fn below_len(&self) -> usize {
        self.below_len
    }

    #[inline(always)]
    fn narrow(&self, key: K, candidates: Range<usize>) -> Range<usize> {
        // Entry i is key i * fanout. With i the first entry not below `key`, key (i - 1) * fanout is below
        // it and key i * fanout is not.
        match route(&self.entries(), candidates, key) {
            0 => 0..0,
            entry => (entry - 1) * self.fanout + 1..(entry * self.fanout).min(self.below_len),
        }
    }

    fn narrow_batch(&self, keys: &[K], candidates: &mut [Range<usize>]) {
        prefetch_candidates(&self.entries(), candidates);
        for (key, candidates) in keys.iter().zip(candidates) {
            *candidates = self.narrow(*key, candidates.clone());
        }
    }

    fn size_bytes(&self) -> usize {
        self.separators.as_ref().len()
    }
}
