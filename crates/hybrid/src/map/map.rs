//! The map itself: what it is made of, and what a caller can ask of it.

use core::cell::Cell;
use core::fmt;
use core::ops::RangeBounds;

use super::arena::Arena;
use super::branch::Branch;
use super::config::{Config, Lengths};
use super::leaf::{Head, NO_LEAF, Put, append, prepend, put};
use super::leaves::{HeapLeaves, Leaves};
use super::moving::Moving;
use super::node_ref::{NodeKind, NodeRef};
use super::route::Route;
use super::tally::Tally;

/// A sorted map from fixed-width keys to copyable values, with inserts in place.
///
/// See the [module](super) for how it is made and what bounds it. There is no removal: where entries go away,
/// let a value of yours say so.
///
/// `S` is where the leaves lie: on the heap, or, for a [`MappedMap`](super::MappedMap), in a mapped file.
pub struct HybridMap<C: Config, S: Leaves<C> = HeapLeaves<C>> {
    pub(super) policy: C::Policy,
    pub(super) len: usize,
    /// Means nothing while the map is empty.
    pub(super) root: NodeRef,
    /// The leaf with the smallest keys.
    pub(super) first: u32,
    /// The leaf with the largest keys.
    pub(super) last: u32,
    pub(super) leaves: S,
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
        Self::over(policy, HeapLeaves::default())
    }

    /// Sets the value of a key and returns the old one.
    ///
    /// A leaf's worth of work; at times four leaves' and, rarely, a block's on each level: O(log n) blocks at
    /// worst.
    ///
    /// # Panics
    /// If there are 2^30 leaves already, which is to say some 10^11 entries.
    #[inline]
    pub fn insert(&mut self, key: C::Key, value: C::Value) -> Option<C::Value> {
        let Ok(old) = self.put(key, value);
        old
    }

    /// The value of a key, to be changed, in O(log n).
    #[inline]
    pub fn get_mut(&mut self, key: C::Key) -> Option<&mut C::Value> {
        let (leaf, slot) = self.locate(key)?;
        Some(&mut self.leaves.slots_mut(leaf).1[slot])
    }

    /// Shows each entry of a range with a cell over its value, ascending.
    ///
    /// All cells of a leaf lie in one slice that is shared, so that `change` is called as often as there are
    /// entries at the cost of one look-up: O(log n + entries).
    pub fn update_range(
        &mut self,
        keys: impl RangeBounds<C::Key>,
        change: impl FnMut(C::Key, &Cell<C::Value>),
    ) {
        self.change_range(keys, change);
    }
}

impl<C: Config, S: Leaves<C>> HybridMap<C, S> {
    /// An empty map whose leaves will lie there.
    pub(super) fn over(policy: C::Policy, leaves: S) -> Self {
        const { Lengths::<C>::CHECKED };
        Self {
            policy,
            len: 0,
            root: NodeRef::new(NodeKind::Packed, 0),
            first: NO_LEAF,
            last: NO_LEAF,
            leaves,
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
        Some(self.leaves.slots(leaf).1[slot])
    }

    /// Whether a key is there, in O(log n).
    #[inline]
    pub fn contains_key(&self, key: C::Key) -> bool {
        self.locate(key).is_some()
    }

    /// Sets the value of a key and returns the old one. If there is no room all entries are as they were.
    #[inline]
    pub(super) fn put(&mut self, key: C::Key, value: C::Value) -> Result<Option<C::Value>, S::Error> {
        if self.len == 0 {
            return self.begin(key, value).map(|()| None);
        }
        if self.put_at_end((key, value)) {
            self.len += 1;
            return Ok(None);
        }
        loop {
            let leaf = self.leaf_of(key);
            let (slots, head) = (self.leaves.slots_mut(leaf.index()), self.heads.get_mut(leaf.index()));
            match put::<C>(slots, leaf.kind(), head, (key, value)) {
                Put::Replaced(old) => return Ok(Some(old)),
                Put::Added { strained } => {
                    self.len += 1;
                    if strained {
                        self.retrain(key);
                    }
                    return Ok(None);
                }
                Put::Full => {
                    if self.make_room(key, value)? {
                        self.len += 1;
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Puts an entry in without a search if its key is beyond all others, or before them, and there is room.
    #[inline(always)]
    fn put_at_end(&mut self, entry: (C::Key, C::Value)) -> bool {
        let last = self.leaves.slots_mut(self.last);
        if last.0[Lengths::<C>::LEAF - 1] < entry.0 {
            return append::<C>(last, self.heads.get_mut(self.last), entry);
        }
        let first = self.leaves.slots_mut(self.first);
        entry.0 < first.0[0] && prepend::<C>(first, self.heads.get_mut(self.first), entry)
    }

    /// Bytes of memory, or of the file, that the map has reserved, its own fields not counted.
    pub fn memory_bytes(&self) -> usize {
        let nodes = self.leaves.bytes() + self.heads.bytes() + self.branches.bytes() + self.routes.bytes();
        nodes + self.moving.bytes() + self.marks.capacity()
    }

    /// The first entry of an empty map.
    fn begin(&mut self, key: C::Key, value: C::Value) -> Result<(), S::Error> {
        let node = self.add_leaf((&[key], &[value]), NO_LEAF)?;
        (self.root, self.first, self.last, self.len) = (node, node.index(), node.index(), 1);
        Ok(())
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

impl<C: Config<Value: fmt::Debug>, S: Leaves<C>> fmt::Debug for HybridMap<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
