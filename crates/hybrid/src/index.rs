//! An index whose layers are chosen when it is built: building and queries.

use core::ops::{Range, RangeBounds};

use crate::any::AnyLayer;
use crate::processor::{Work, vectorised};
use crate::{Key, KeySource, Layer, LayerKind, Reason, Walk};

/// An index in memory of its own.
pub type Index<K> = HybridIndex<K, Vec<u8>>;

/// An index over borrowed bytes, such as those of a mapped file.
pub type IndexRef<'a, K> = HybridIndex<K, &'a [u8]>;

/// An index over a sorted array of keys that stays outside; use it as [`Index`] or [`IndexRef`].
///
/// Layers stand on one another until the uppermost has at most 16 entries. A query passes down them,
/// O(log n) in the worst case whatever the keys are. Every query must be shown the same keys the index was
/// built over. Should they differ (keys appended since, a wrong file), answers are still right for the
/// keys shown, as long as those are sorted: the last search proves its answer or walks on.
#[derive(Debug, Clone)]
pub struct HybridIndex<K, B> {
    /// From the top down; never empty.
    pub(crate) layers: Vec<ChosenLayer<K, B>>,
    pub(crate) key_count: usize,
}

/// A layer and why it is what it is.
#[derive(Debug, Clone)]
pub(crate) struct ChosenLayer<K, B> {
    pub(crate) layer: AnyLayer<K, B>,
    pub(crate) reason: Reason,
}

impl<K: Key, B: AsRef<[u8]>> HybridIndex<K, B> {
    /// How many keys the index was built over.
    pub fn key_count(&self) -> usize {
        self.key_count
    }

    /// Bytes the layers take.
    pub fn size_bytes(&self) -> usize {
        Layer::size_bytes(self)
    }

    /// The kind of the layer that stands on the keys, which decides how a lookup behaves.
    pub fn kind(&self) -> LayerKind {
        self.layers.last().map_or(LayerKind::BTree, |chosen| chosen.layer.kind())
    }

    /// The kinds of all layers, from the top down.
    pub fn kinds(&self) -> impl Iterator<Item = LayerKind> {
        self.layers.iter().map(|chosen| chosen.layer.kind())
    }

    /// The positions among which the lower bound of `key` is to be sought, without looking at a key.
    ///
    /// For `a..b` the lower bound is at least `a` and at most `b`.
    #[inline]
    pub fn candidates(&self, key: K) -> Range<usize> {
        self.narrow(key, 0..usize::MAX)
    }

    /// The first position whose key is not smaller than `key`; the number of keys if there is none.
    #[inline]
    pub fn lower_bound<S: KeySource<K> + ?Sized>(&self, keys: &S, key: K) -> usize {
        Layer::lower_bound(self, keys, key)
    }

    /// [`lower_bound`](Self::lower_bound) of many keys at once, written to `positions` in the same order.
    ///
    /// Keys go through the layers in groups, so that each waits for memory while the others do, too: several
    /// times quicker than one by one where the index or the keys are not in the processor's caches.
    ///
    /// # Panics
    /// If `positions` is not as long as `searched`.
    pub fn lower_bound_batch<S: KeySource<K> + ?Sized>(
        &self,
        keys: &S,
        searched: &[K],
        positions: &mut [usize],
    ) {
        Layer::lower_bound_batch(self, keys, searched, positions);
    }

    /// The first position whose key is greater than `key`; the number of keys if there is none.
    #[inline]
    pub fn upper_bound<S: KeySource<K> + ?Sized>(&self, keys: &S, key: K) -> usize {
        Layer::upper_bound(self, keys, key)
    }

    /// The first position that holds exactly `key`.
    #[inline]
    pub fn get<S: KeySource<K> + ?Sized>(&self, keys: &S, key: K) -> Option<usize> {
        Layer::get(self, keys, key)
    }

    /// The positions whose keys lie within `bounds`.
    pub fn range<S: KeySource<K> + ?Sized>(&self, keys: &S, bounds: impl RangeBounds<K>) -> Range<usize> {
        Layer::range(self, keys, bounds)
    }

    /// The keys within `bounds` and their positions, in order; what comes next is asked for ahead of use.
    pub fn entries_within<'s, S: KeySource<K> + ?Sized>(
        &self,
        keys: &'s S,
        bounds: impl RangeBounds<K>,
    ) -> Walk<'s, K, S> {
        Layer::entries_within(self, keys, bounds)
    }
}

/// The candidates through layers of any kinds.
struct Candidates<'a, K, B>(&'a HybridIndex<K, B>, K);

impl<K: Key, B: AsRef<[u8]>> Work for Candidates<'_, K, B> {
    type Output = Range<usize>;

    #[inline(always)]
    fn run(self) -> Range<usize> {
        let Self(index, key) = self;
        index.layers.iter().fold(0..usize::MAX, |candidates, chosen| chosen.layer.narrow(key, candidates))
    }
}

/// From one root to the keys: an index is a layer that is whole.
impl<K: Key, B: AsRef<[u8]>> Layer<K> for HybridIndex<K, B> {
    fn entry_count(&self) -> usize {
        usize::from(self.key_count > 0)
    }

    fn below_len(&self) -> usize {
        self.key_count
    }

    #[inline(always)]
    fn narrow(&self, key: K, _candidates: Range<usize>) -> Range<usize> {
        use AnyLayer::{Linear, SPlus};
        // What the cost model chooses nearly always goes without a loop over layers of any kind.
        match self.layers.as_slice() {
            [ChosenLayer { layer: Linear(lines), .. }] => lines.narrow(key, 0..usize::MAX),
            [ChosenLayer { layer: SPlus(tree), .. }] => tree.narrow(key, 0..usize::MAX),
            [ChosenLayer { layer: SPlus(tree), .. }, ChosenLayer { layer: Linear(lines), .. }] => {
                lines.narrow(key, tree.narrow(key, 0..usize::MAX))
            }
            _ => vectorised(Candidates(self, key)),
        }
    }

    fn narrow_batch(&self, keys: &[K], candidates: &mut [Range<usize>]) {
        candidates.fill(0..usize::MAX);
        self.layers.iter().for_each(|chosen| chosen.layer.narrow_batch(keys, candidates));
    }

    fn size_bytes(&self) -> usize {
        self.layers.iter().map(|chosen| chosen.layer.size_bytes()).sum()
    }
}
