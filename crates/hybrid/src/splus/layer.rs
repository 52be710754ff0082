//! The S+-tree itself: descending it for one key, and for many at once.

use core::marker::PhantomData;
use core::ops::Range;

use super::builder::fits_tree_limits;
use super::shape::{CHILDREN, Level, NODE_KEYS, levels, tree_bytes};
use crate::processor::{Work, prefetch, room_for_lines, vectorised};
use crate::separators::Separators;
use crate::{Error, Key, KeySource, Layer, SPlusLayerBuilder};

/// A whole B+-tree over every `fanout`-th key of the array below; of fanout 1 it leaves nothing to search.
///
/// It has the same separators as a [`BTreeLayer`](crate::BTreeLayer) and narrows to the same windows, but brings
/// all levels above them itself, in nodes of 16 keys that begin with cache lines: a node is searched by
/// comparing all its keys at once, with AVX2 where the processor has it, and nothing depends on a branch. Many
/// keys descend side by side in [`narrow_batch`](Layer::narrow_batch), so that each waits for memory while the
/// others do, too. After "S+ trees" in Slotin, *Algorithms for Modern Hardware*, and Groot Koerkamp, "Static
/// search trees: 40x faster than binary search", 2024.
///
/// It is complete: it has one entry, its root, and nothing need stand on it.
#[derive(Debug, Clone)]
pub struct SPlusLayer<K, B = Vec<u8>> {
    bytes: B,
    /// Bytes before the nodes, so that those begin with a cache line.
    padding: usize,
    levels: Vec<Level>,
    separators: usize,
    fanout: usize,
    below_len: usize,
    key: PhantomData<K>,
}

/// Keys that descend side by side: enough for all the requests that a core can have waiting.
const GROUP: usize = 32;

impl<K: Key> SPlusLayer<K> {
    /// Builds the layer over sorted keys, in O(n / fanout); see
    /// [`SPlusLayerBuilder`] for a stream of them.
    ///
    /// # Errors
    /// [`Error::BadParameter`] if `fanout` is outside 1..=2^20.
    pub fn build<S: KeySource<K> + ?Sized>(keys: &S, fanout: usize) -> Result<Self, Error> {
        let mut builder = SPlusLayerBuilder::new(fanout)?;
        for position in (0..keys.len()).step_by(fanout) {
            builder.separators.take(position, keys.get(position));
        }
        Ok(builder.finish_at(keys.len()))
    }

    /// A layer of nodes just written.
    pub(super) fn from_tree(
        bytes: Vec<u8>,
        padding: usize,
        levels: Vec<Level>,
        separators: &Separators<K>,
        below_len: usize,
    ) -> Self {
        let (separators, fanout) = (separators.count(), separators.every);
        Self { bytes, padding, levels, separators, fanout, below_len, key: PhantomData }
    }
}

impl<K: Key, B: AsRef<[u8]>> SPlusLayer<K, B> {
    /// Puts a layer together from stored parts; `None` if they do not fit each other.
    pub(crate) fn from_parts(bytes: B, fanout: usize, below_len: usize) -> Option<Self> {
        let separators = fits_tree_limits(fanout).then(|| below_len.div_ceil(fanout))?;
        // Before levels are laid out for a number that no bytes stand for.
        if separators.checked_mul(K::WIDTH)? > bytes.as_ref().len() {
            return None;
        }
        let levels = levels(separators);
        let fits = tree_bytes::<K>(&levels) == Some(bytes.as_ref().len());
        fits.then_some(Self { bytes, padding: 0, levels, separators, fanout, below_len, key: PhantomData })
    }

    /// How many keys of the array below share a separator.
    pub fn fanout(&self) -> usize {
        self.fanout
    }

    /// How many levels of nodes there are.
    pub fn height(&self) -> usize {
        self.levels.len()
    }

    /// How many separators stand in the leaves.
    pub fn separator_count(&self) -> usize {
        self.separators
    }

    pub(crate) fn to_owned_layer(&self) -> SPlusLayer<K> {
        let (mut bytes, padding) = room_for_lines(self.payload().len());
        bytes.extend_from_slice(self.payload());
        let &Self { separators, fanout, below_len, .. } = self;
        SPlusLayer {
            bytes,
            padding,
            levels: self.levels.clone(),
            separators,
            fanout,
            below_len,
            key: PhantomData,
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[self.padding..]
    }

    /// The bytes of a node of a level.
    #[inline(always)]
    fn node(nodes: &[u8], level: Level, node: usize) -> &[u8] {
        &nodes[(level.first_node + node) * NODE_KEYS * K::WIDTH..][..NODE_KEYS * K::WIDTH]
    }

    /// How many separators are below the key.
    #[inline(always)]
    fn rank(&self, key: K) -> usize {
        let nodes = self.payload();
        let (mut rank, mut child) = (0, 0);
        for level in &self.levels {
            let node = child.min(level.node_count - 1);
            let below = key.count_below_in_node(Self::node(nodes, *level, node));
            (rank, child) = (node * NODE_KEYS + below, node * CHILDREN + below);
        }
        rank
    }

    /// The ranks of up to [`GROUP`] keys, descending level by level side by side.
    #[inline(always)]
    fn ranks(&self, keys: &[K], ranks: &mut [usize; GROUP]) {
        let nodes = self.payload();
        let mut children = [0; GROUP];
        for (height, level) in self.levels.iter().enumerate() {
            for ((key, rank), child) in keys.iter().zip(ranks.iter_mut()).zip(&mut children) {
                let node = (*child).min(level.node_count - 1);
                let below = key.count_below_in_node(Self::node(nodes, *level, node));
                (*rank, *child) = (node * NODE_KEYS + below, node * CHILDREN + below);
                if let Some(next) = self.levels.get(height + 1) {
                    prefetch(Self::node(nodes, *next, (*child).min(next.node_count - 1)));
                }
            }
        }
    }

    /// Separator i is key i * fanout: the candidates when so many separators are below the key.
    #[inline(always)]
    fn window(&self, rank: usize) -> Range<usize> {
        match rank {
            0 => 0..0,
            rank => {
                let end = (rank * self.fanout).min(self.below_len);
                ((rank - 1) * self.fanout + 1).min(end)..end
            }
        }
    }
}

struct RankMany<'a, K, B>(&'a SPlusLayer<K, B>, &'a [K], &'a mut [Range<usize>]);

impl<K: Key, B: AsRef<[u8]>> Work for RankMany<'_, K, B> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self(layer, keys, windows) = self;
        let mut ranks = [0; GROUP];
        for (keys, windows) in keys.chunks(GROUP).zip(windows.chunks_mut(GROUP)) {
            layer.ranks(keys, &mut ranks);
            windows.iter_mut().zip(ranks).for_each(|(window, rank)| *window = layer.window(rank));
        }
    }
}

impl<K: Key, B: AsRef<[u8]>> Layer<K> for SPlusLayer<K, B> {
    fn entry_count(&self) -> usize {
        usize::from(self.separators > 0)
    }

    fn below_len(&self) -> usize {
        self.below_len
    }

    #[inline(always)]
    fn narrow(&self, key: K, _candidates: Range<usize>) -> Range<usize> {
        self.window(self.rank(key))
    }

    fn narrow_batch(&self, keys: &[K], candidates: &mut [Range<usize>]) {
        vectorised(RankMany(self, keys, candidates));
    }

    fn size_bytes(&self) -> usize {
        self.payload().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_the_code_agree_with_counting() {
        for count in [0, 1, 16, 17, 272, 273, 5000, 16 * 17 * 17 * 3 + 5] {
            let keys: Vec<u64> = (0..count).map(|i| i * i).chain([u64::MAX; 3]).collect();
            let layer = SPlusLayer::build(&keys, 2).expect("valid");
            assert!(layer.payload().as_ptr().addr().is_multiple_of(64));
            let separators: Vec<u64> = keys.iter().step_by(2).copied().collect();
            let probes: Vec<u64> =
                (0..500).map(|i| i * i * count / 250).chain([0, u64::MAX, u64::MAX - 1]).collect();
            let mut windows = vec![0..0; probes.len()];
            layer.narrow_batch(&probes, &mut windows);
            for (probe, window) in probes.iter().zip(windows) {
                let rank = separators.partition_point(|key| key < probe);
                assert_eq!(layer.rank(*probe), rank, "portable, {count} keys, {probe}");
                assert_eq!(layer.window(rank), window);
            }
        }
    }
}
