//! Indexes whose layers are fixed when the program is written.

use core::fmt;
use core::ops::Range;

use crate::policy::UPPER_FANOUT;
use crate::{Error, Key, KeySource, Layer, LinearLayer, RadixSplineLayer, SPlusLayer, Stack};

/// Which layers a [`ComposedIndex`] has: a zero-sized type, so that every call is direct.
///
/// ```
/// use stroma_hybrid::{BTreeLayer, ComposedIndex, Config, Error, Key, KeySource, Layer, SPlusLayer, Stack};
///
/// /// A coarse B-tree layer under an S+-tree.
/// struct Coarse;
///
/// impl Config for Coarse {
///     type Layers<K: Key> = Stack<SPlusLayer<K>, BTreeLayer<K>>;
///
///     fn build<K: Key, S: KeySource<K> + ?Sized>(keys: &S) -> Result<Self::Layers<K>, Error> {
///         let lower = BTreeLayer::build(keys, 256)?;
///         Ok(Stack { upper: SPlusLayer::build(&lower.entries(), 16)?, lower })
///     }
/// }
///
/// let keys: Vec<u32> = (0..100_000).map(|key| key * 3).collect();
/// let index = ComposedIndex::<u32, Coarse>::build(&keys)?;
/// assert_eq!(index.lower_bound(&keys, 299), 100);
/// # Ok::<(), Error>(())
/// ```
pub trait Config {
    /// The layers, as one type; the uppermost is whole or has few entries.
    type Layers<K: Key>: Layer<K>;

    /// Builds the layers over sorted keys.
    ///
    /// # Errors
    /// [`Error::NotSorted`] where building a layer finds out.
    fn build<K: Key, S: KeySource<K> + ?Sized>(keys: &S) -> Result<Self::Layers<K>, Error>;
}

/// Lines that are off by at most `EPSILON`, under an S+-tree: for keys that are smooth in places.
#[derive(Debug, Clone, Copy)]
pub enum Lines<const EPSILON: usize = 16> {}

impl<const EPSILON: usize> Config for Lines<EPSILON> {
    type Layers<K: Key> = Stack<SPlusLayer<K>, LinearLayer<K>>;

    fn build<K: Key, S: KeySource<K> + ?Sized>(keys: &S) -> Result<Self::Layers<K>, Error> {
        let lower = LinearLayer::build(keys, EPSILON)?;
        Ok(Stack { upper: SPlusLayer::build(&lower.entries(), UPPER_FANOUT)?, lower })
    }
}

/// A radix spline that is off by at most `EPSILON`: for keys spread evenly over their range.
#[derive(Debug, Clone, Copy)]
pub enum Spline<const EPSILON: usize = 16> {}

impl<const EPSILON: usize> Config for Spline<EPSILON> {
    type Layers<K: Key> = RadixSplineLayer<K>;

    fn build<K: Key, S: KeySource<K> + ?Sized>(keys: &S) -> Result<Self::Layers<K>, Error> {
        RadixSplineLayer::build(keys, EPSILON)
    }
}

/// An S+-tree with a separator for each `FANOUT` keys: the same on all keys.
#[derive(Debug, Clone, Copy)]
pub enum Tree<const FANOUT: usize = 16> {}

impl<const FANOUT: usize> Config for Tree<FANOUT> {
    type Layers<K: Key> = SPlusLayer<K>;

    fn build<K: Key, S: KeySource<K> + ?Sized>(keys: &S) -> Result<Self::Layers<K>, Error> {
        SPlusLayer::build(keys, FANOUT)
    }
}

/// For keys that are smooth in places: timestamps, identifiers, random numbers.
pub type SmoothIndex<K> = ComposedIndex<K, Lines>;
/// For keys spread evenly over their range, such as hashes.
pub type EvenIndex<K> = ComposedIndex<K, Spline>;
/// For any keys, at half a byte for each of eight bytes.
pub type HardIndex<K> = ComposedIndex<K, Tree>;

/// An index whose layers are a type: nothing is decided at run time, every call is direct.
///
/// Take [`Index`](crate::Index) where the keys should decide. As there, answers are right for any sorted
/// keys, and the keys stay outside.
///
/// ```
/// use stroma_hybrid::SmoothIndex;
///
/// let keys: Vec<u64> = (0..10_000).map(|key| key * key).collect();
/// let index = SmoothIndex::build(&keys)?;
/// assert_eq!(index.get(&keys, 49), Some(7));
/// # Ok::<(), stroma_hybrid::Error>(())
/// ```
pub struct ComposedIndex<K: Key, C: Config> {
    layers: C::Layers<K>,
}

impl<K: Key, C: Config> ComposedIndex<K, C> {
    /// Builds the index over sorted keys (duplicates allowed), in O(n).
    ///
    /// # Errors
    /// [`Error::NotSorted`].
    pub fn build<S: KeySource<K> + ?Sized>(keys: &S) -> Result<Self, Error> {
        if let Some(position) = (1..keys.len()).find(|&at| keys.get(at) < keys.get(at - 1)) {
            return Err(Error::NotSorted { position });
        }
        Ok(Self { layers: C::build(keys)? })
    }

    /// The layers.
    pub fn layers(&self) -> &C::Layers<K> {
        &self.layers
    }

    /// The first position whose key is not smaller than `key`; the number of keys if there is none.
    #[inline]
    pub fn lower_bound<S: KeySource<K> + ?Sized>(&self, keys: &S, key: K) -> usize {
        Layer::lower_bound(self, keys, key)
    }

    /// The first position that holds exactly `key`.
    #[inline]
    pub fn get<S: KeySource<K> + ?Sized>(&self, keys: &S, key: K) -> Option<usize> {
        Layer::get(self, keys, key)
    }
}

/// Upper bounds, ranges and batches come from here.
impl<K: Key, C: Config> Layer<K> for ComposedIndex<K, C> {
    fn entry_count(&self) -> usize {
        self.layers.entry_count()
    }

    fn below_len(&self) -> usize {
        self.layers.below_len()
    }

    #[inline(always)]
    fn narrow(&self, key: K, candidates: Range<usize>) -> Range<usize> {
        self.layers.narrow(key, candidates)
    }

    fn narrow_batch(&self, keys: &[K], candidates: &mut [Range<usize>]) {
        self.layers.narrow_batch(keys, candidates);
    }

    fn size_bytes(&self) -> usize {
        self.layers.size_bytes()
    }
}

impl<K: Key, C: Config<Layers<K>: Clone>> Clone for ComposedIndex<K, C> {
    fn clone(&self) -> Self {
        Self { layers: self.layers.clone() }
    }
}

impl<K: Key, C: Config> fmt::Debug for ComposedIndex<K, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = formatter.debug_struct("ComposedIndex");
        parts.field("keys", &self.layers.below_len()).field("bytes", &self.layers.size_bytes());
        parts.finish_non_exhaustive()
    }
}
