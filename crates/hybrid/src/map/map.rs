//! The map itself: what it is made of, and what a caller can ask of it.

use core::fmt;

use super::arena::Arena;
use super::block::Block;
use super::branch::Branch;
use super::config::{Config, Lengths};
use super::leaf::{Head, Leaf, NO_LEAF, Put};
use super::moving::Moving;
use super::node_ref::{NodeKind, NodeRef};
use super::route::Route;
use super::tally::Tally;

/// A sorted map from fixed-width keys to copyable values, with inserts in place.
///
/// See the [module](super) for how it is made and what bounds it. There is no removal: where entries go away,
/// let a value of yours say so.
pub struct HybridMap<C: Config> {
    pub(super) policy: C::Policy,
    pub(super) len: usize,
    /// Means nothing while the map is empty.
    pub(super) root: NodeRef,
    /// The leaf with the smallest keys.
    pub(super) first: u32,
    /// The leaf with the largest keys.
    pub(super) last: u32,
    pub(super) leaves: Arena<Leaf<C>>,
    /// Of each leaf, under the leaf's number.
    pub(super) heads: Arena<Head<C::Key>>,
    pub(super) branches: Arena<Branch<C>>,
    pub(super) routes: Arena<Route<C>>,
    pub(super) tally: Tally,
    pub(super) moving: Moving<C>,
    /// A mark for each slot of a leaf that is being laid out; kept for its memory.
    pub(super) marks: Vec<u8>,
}

impl<C: Config> Default for HybridMap<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Config> HybridMap<C> {
    /// An empty map, which takes no memory yet.
    pub fn new() -> Self {
        Self::with_policy(C::Policy::default())
    }

    /// An empty map with a policy that is set up in a way of its own.
    pub fn with_policy(policy: C::Policy) -> Self {
        const { Lengths::<C>::CHECKED };
        Self {
            policy,
            len: 0,
            root: NodeRef::new(NodeKind::Packed, 0),
            first: NO_LEAF,
            last: NO_LEAF,
            leaves: Arena::new(),
            heads: Arena::new(),
            branches: Arena::new(),
            routes: Arena::new(),
            tally: Tally::default(),
            moving: Moving::default(),
            marks: Vec::new(),
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a key, in O(log n).
    #[inline]
    pub fn get(&self, key: C::Key) -> Option<C::Value> {
        let (leaf, slot) = self.locate(key)?;
        Some(self.leaves.get(leaf).values.items()[slot])
    }

    /// The value of a key, to be changed, in O(log n).
    #[inline]
    pub fn get_mut(&mut self, key: C::Key) -> Option<&mut C::Value> {
        let (leaf, slot) = self.locate(key)?;
        Some(&mut self.leaves.get_mut(leaf).values.items_mut()[slot])
    }

    /// Whether a key is there, in O(log n).
    #[inline]
    pub fn contains_key(&self, key: C::Key) -> bool {
        self.locate(key).is_some()
    }

    /// Sets the value of a key and returns the old one.
    ///
    /// A leaf's worth of work; at times four leaves' and, rarely, a block's on each level: O(log n) blocks at
    /// worst.
    ///
    /// # Panics
    /// If there are 2^30 leaves already, which is to say some 10^11 entries.
    pub fn insert(&mut self, key: C::Key, value: C::Value) -> Option<C::Value> {
        if self.len == 0 {
            self.begin(key, value);
            return None;
        }
        loop {
            let leaf = self.leaf_of(key);
            let (block, head) = (self.leaves.get_mut(leaf.index()), self.heads.get_mut(leaf.index()));
            match block.put(leaf.kind(), head, (key, value)) {
                Put::Replaced(old) => return Some(old),
                Put::Added { strained } => {
                    self.len += 1;
                    if strained {
                        self.retrain(key);
                    }
                    return None;
                }
                Put::Full => {
                    if self.make_room(key, value) {
                        self.len += 1;
                        return None;
                    }
                }
            }
        }
    }

    /// Bytes of memory the map has reserved, its own fields not counted.
    pub fn memory_bytes(&self) -> usize {
        let nodes = self.leaves.bytes() + self.heads.bytes() + self.branches.bytes() + self.routes.bytes();
        nodes + self.moving.bytes() + self.marks.capacity()
    }

    /// The first entry of an empty map.
    fn begin(&mut self, key: C::Key, value: C::Value) {
        let node = self.add_leaf((&[key], &[value]), NO_LEAF);
        (self.root, self.first, self.last, self.len) = (node, node.index(), node.index(), 1);
    }
}

impl<C: Config> Extend<(C::Key, C::Value)> for HybridMap<C> {
    fn extend<I: IntoIterator<Item = (C::Key, C::Value)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<C: Config> FromIterator<(C::Key, C::Value)> for HybridMap<C> {
    /// Inserts entries in any order; later values of a key replace earlier ones. Sorted entries are loaded
    /// faster by [`bulk_load`](HybridMap::bulk_load).
    fn from_iter<I: IntoIterator<Item = (C::Key, C::Value)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<C: Config<Value: fmt::Debug>> fmt::Debug for HybridMap<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
