//! What a layer is, and how two layers become one.

use core::ops::{Bound, Range, RangeBounds};

use crate::processor::{Work, vectorised};
use crate::search::{clamp, lower_bound_batch, lower_bound_near};
use crate::{Key, KeySource, Walk};

/// One layer of an index: given a key and a range of candidates, gives a smaller one.
///
/// A layer stands on a sorted array (the keys themselves, or the entries of the layer below it) and has
/// sorted entries of its own, fewer than what it stands on. `narrow` takes a range of its own entries and
/// gives a range of the array below.
///
/// A range of candidates `a..b` says: the lower bound, the first position whose key is not smaller than
/// the one searched for, is at least `a` and at most `b`; to find it, only the keys `a..b` need be looked
/// at. An empty range is therefore an answer.
pub trait Layer<K: Key> {
    /// How many entries the layer has.
    fn entry_count(&self) -> usize;

    /// How many keys or entries the array below has.
    fn below_len(&self) -> usize;

    /// Narrows candidates among this layer's entries to candidates in the array below.
    fn narrow(&self, key: K, candidates: Range<usize>) -> Range<usize>;

    /// [`narrow`](Layer::narrow) for several keys at once, each with its own candidates, which are replaced.
    ///
    /// Layers that wait for memory overlap their waits here.
    fn narrow_batch(&self, keys: &[K], candidates: &mut [Range<usize>]) {
        for (key, candidates) in keys.iter().zip(candidates) {
            *candidates = self.narrow(*key, candidates.clone());
        }
    }

    /// Bytes the layer takes in memory and in a file.
    fn size_bytes(&self) -> usize;

    /// The first position in `keys`, the array this layer was built over, whose key is not below `key`.
    ///
    /// The answer is right whenever `keys` is sorted: a layer built over other keys only makes it slower.
    #[inline]
    fn lower_bound<S: KeySource<K> + ?Sized>(&self, keys: &S, key: K) -> usize
    where
        Self: Sized,
    {
        vectorised(LowerBound { layer: self, keys, key })
    }

    /// The first position whose key is greater than `key`; the number of keys if there is none.
    #[inline]
    fn upper_bound<S: KeySource<K> + ?Sized>(&self, keys: &S, key: K) -> usize
    where
        Self: Sized,
    {
        key.successor().map_or(keys.len(), |next| self.lower_bound(keys, next))
    }

    /// The first position that holds exactly `key`.
    #[inline]
    fn get<S: KeySource<K> + ?Sized>(&self, keys: &S, key: K) -> Option<usize>
    where
        Self: Sized,
    {
        let position = self.lower_bound(keys, key);
        (position < keys.len() && keys.get(position) == key).then_some(position)
    }

    /// The positions whose keys lie within `bounds`.
    fn range<S: KeySource<K> + ?Sized>(&self, keys: &S, bounds: impl RangeBounds<K>) -> Range<usize>
    where
        Self: Sized,
    {
        let start = match bounds.start_bound() {
            Bound::Included(key) => self.lower_bound(keys, *key),
            Bound::Excluded(key) => self.upper_bound(keys, *key),
            Bound::Unbounded => 0,
        };
        let end = match bounds.end_bound() {
            Bound::Included(key) => self.upper_bound(keys, *key),
            Bound::Excluded(key) => self.lower_bound(keys, *key),
            Bound::Unbounded => keys.len(),
        };
        start..end.max(start)
    }

    /// The keys within `bounds` and their positions, in order; what comes next is asked for ahead of use.
    fn entries_within<'s, S: KeySource<K> + ?Sized>(
        &self,
        keys: &'s S,
        bounds: impl RangeBounds<K>,
    ) -> Walk<'s, K, S>
    where
        Self: Sized,
    {
        Walk::new(keys, self.range(keys, bounds))
    }

    /// [`lower_bound`](Layer::lower_bound) of many keys, whose waits for memory overlap.
    ///
    /// # Panics
    /// If `positions` is not as long as `searched`.
    fn lower_bound_batch<S: KeySource<K> + ?Sized>(&self, keys: &S, searched: &[K], positions: &mut [usize])
    where
        Self: Sized,
    {
        assert_eq!(searched.len(), positions.len(), "a position for each key searched");
        lower_bound_batch(keys, searched, positions, |group, windows| self.narrow_batch(group, windows));
    }
}

/// A whole lookup in one version of the code, so that nothing within it chooses one again.
struct LowerBound<'a, L, S: ?Sized, K> {
    layer: &'a L,
    keys: &'a S,
    key: K,
}

impl<K: Key, L: Layer<K>, S: KeySource<K> + ?Sized> Work for LowerBound<'_, L, S, K> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let Self { layer, keys, key } = self;
        lower_bound_near(keys, layer.narrow(key, 0..layer.entry_count()), key)
    }
}

/// Two layers as one: `Upper` stands on the entries of `Lower`.
///
/// Composition is a type, so a stack chosen when the program is written costs no branch at run time:
/// `Stack<BTreeLayer<u64>, Stack<BTreeLayer<u64>, LinearLayer<u64>>>`.
#[derive(Debug, Clone)]
pub struct Stack<Upper, Lower> {
    /// The layer that is asked first.
    pub upper: Upper,
    /// The layer that is asked second.
    pub lower: Lower,
}

impl<K: Key, Upper: Layer<K>, Lower: Layer<K>> Layer<K> for Stack<Upper, Lower> {
    fn entry_count(&self) -> usize {
        self.upper.entry_count()
    }

    fn below_len(&self) -> usize {
        self.lower.below_len()
    }

    #[inline(always)]
    fn narrow(&self, key: K, candidates: Range<usize>) -> Range<usize> {
        self.lower.narrow(key, self.upper.narrow(key, candidates))
    }

    fn narrow_batch(&self, keys: &[K], candidates: &mut [Range<usize>]) {
        self.upper.narrow_batch(keys, candidates);
        self.lower.narrow_batch(keys, candidates);
    }

    fn size_bytes(&self) -> usize {
        self.upper.size_bytes() + self.lower.size_bytes()
    }
}

/// Lower bound among a layer's own entries, believing the candidates but never leaving the array.
#[inline(always)]
pub(crate) fn route<K: Key, S: KeySource<K> + ?Sized>(
    entries: &S,
    candidates: Range<usize>,
    key: K,
) -> usize {
    let candidates = clamp(candidates, entries.len());
    // As below a tree that leaves nothing to search.
    if candidates.is_empty() { candidates.start } else { entries.lower_bound_within(candidates, key) }
}

/// Asks for the entries that several keys will be searched among.
#[inline(always)]
pub(crate) fn prefetch_candidates<K: Key, S: KeySource<K> + ?Sized>(
    entries: &S,
    candidates: &[Range<usize>],
) {
    candidates.iter().for_each(|candidates| entries.prefetch(clamp(candidates.clone(), entries.len())));
}
