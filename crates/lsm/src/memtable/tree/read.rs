//! Reading: the tree's shape, looking entries up, and walking over them both ways.
//!
//! On its way down a reader looks at a node's header, and then once more at the node above: if that has not changed,
//! the child was right when its header was read. So a split is never met half way, and readers follow the links
//! between leaves only from one leaf's end to the next leaf. There are no links to the left: what comes before a
//! leaf's first entry is found from the root.

use stroma_hybrid::prefetch;

use super::super::head::Target;
use super::lines::{LINE_BYTES, Lines};
use super::node::{Changed, Header, INNER_LINES, Inner, LEAF_LINES, Leaf, Node};
use super::order::Order;
use super::search::{Base, Counting, Entry, Keys, Search};
use super::sync::Ordering::{Acquire, Relaxed};
use super::sync::{AtomicU32, AtomicU64, fence};

/// The leaf before which there is none: it was the first of all, and splits move only what is on the right.
pub(super) const LEFTMOST: u32 = 0;

/// See [the module](super).
#[derive(Debug)]
pub(crate) struct Tree {
    pub(super) lines: Lines,
    /// The root in the upper 32 bits and the number of levels of inner nodes in the lower.
    pub(super) root: AtomicU64,
    pub(super) base: Base,
    /// The end of the lines in use.
    pub(super) end: AtomicU32,
}

/// An entry and where it was found. It stays good as long as the tree; going on from it finds whatever was inserted
/// before it was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    entry: Entry,
    leaf: u32,
    rank: u32,
    header: Header,
}

impl Place {
    /// The entry.
    #[inline]
    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }
}

/// A leaf and its header as it was when a reader came to it.
pub(super) struct LeafView<'a> {
    pub(super) at: u32,
    pub(super) leaf: Leaf<'a>,
    pub(super) header: Header,
}

impl LeafView<'_> {
    /// The entry of this rank, if nothing that was read from the leaf's slots until now was overwritten meanwhile.
    #[inline]
    fn place<K>(&self, rank: usize, search: &Search<'_, K>) -> Result<Place, Changed> {
        let entry = self.leaf.entry(self.header.order.slot(rank), search);
        self.leaf.check_slots(&self.header)?;
        Ok(Place { entry, leaf: self.at, rank: rank as u32, header: self.header })
    }
}

/// The root and the number of levels of inner nodes.
pub(super) fn unpack_root(root: u64) -> (u32, u32) {
    ((root >> 32) as u32, root as u32)
}

impl Tree {
    /// Bytes of one chunk: so many are taken at a time.
    pub(crate) fn chunk_bytes(&self) -> usize {
        self.lines.chunk_lines() as usize * LINE_BYTES
    }

    /// Bytes taken for nodes. What is left of the last chunk is not counted.
    pub(crate) fn bytes(&self) -> usize {
        self.end.load(Relaxed) as usize * LINE_BYTES
    }

    #[inline]
    pub(super) fn leaf(&self, at: u32) -> Leaf<'_> {
        Node(self.lines.at::<LEAF_LINES>(at))
    }

    #[inline]
    pub(super) fn inner(&self, at: u32) -> Inner<'_> {
        Node(self.lines.at::<INNER_LINES>(at))
    }

    pub(super) fn search<'a, K>(&self, keys: &'a K, key: &'a [u8], sequence: u64) -> Search<'a, K> {
        Search { target: Target::new(key, sequence), keys, base: self.base }
    }

    #[inline]
    pub(super) fn view(&self, at: u32) -> LeafView<'_> {
        let leaf = self.leaf(at);
        prefetch(leaf.0);
        LeafView { at, leaf, header: leaf.header() }
    }

    /// The first entry at or after `(key, sequence)`, where larger sequences of a key come first.
    #[inline]
    pub(crate) fn seek(&self, keys: &impl Keys, key: &[u8], sequence: u64) -> Option<Place> {
        let search = self.search(keys, key, sequence);
        self.first_from(self.leaf_of(&search), &search, Counting::Before)
    }

    /// The leaf in which the first entry at or after what is searched is, or one before it.
    #[inline]
    pub(super) fn leaf_of<K: Keys>(&self, search: &Search<'_, K>) -> LeafView<'_> {
        self.descend(|node, order| node.rank(order, search, Counting::UpTo))
    }

    /// The last entry before `(key, sequence)`.
    pub(crate) fn seek_before(&self, keys: &impl Keys, key: &[u8], sequence: u64) -> Option<Place> {
        let search = self.search(keys, key, sequence);
        let leaf = self.descend(|node, order| node.rank(order, &search, Counting::Before));
        self.last_from(leaf, &search, |view| view.leaf.rank(view.header.order, &search, Counting::Before))
    }

    /// The first entry.
    pub(crate) fn first(&self, keys: &impl Keys) -> Option<Place> {
        let search = self.search(keys, &[], u64::MAX);
        self.first_from(self.view(LEFTMOST), &search, Counting::Before)
    }

    /// The last entry.
    pub(crate) fn last(&self, keys: &impl Keys) -> Option<Place> {
        let search = self.search(keys, &[], u64::MAX);
        let leaf = self.descend(|_, order| order.len());
        self.last_from(leaf, &search, |view| view.header.order.len())
    }

    /// The entry after that at `place`.
    #[inline]
    pub(crate) fn after(&self, keys: &impl Keys, place: &Place) -> Option<Place> {
        let view = LeafView { at: place.leaf, leaf: self.leaf(place.leaf), header: place.header };
        let search = self.search(keys, &[], 0);
        let rank = place.rank as usize + 1;
        if rank < place.header.order.len()
            && let Ok(next) = view.place(rank, &search)
        {
            return Some(next);
        }
        let search = self.search(keys, keys.key(place.entry.location), place.entry.sequence);
        self.first_from(self.view(place.leaf), &search, Counting::UpTo)
    }

    /// The entry before that at `place`. Constant time within a leaf, else logarithmic.
    #[inline]
    pub(crate) fn before(&self, keys: &impl Keys, place: &Place) -> Option<Place> {
        let view = LeafView { at: place.leaf, leaf: self.leaf(place.leaf), header: place.header };
        let search = self.search(keys, &[], 0);
        if let Some(rank) = (place.rank as usize).checked_sub(1)
            && let Ok(previous) = view.place(rank, &search)
        {
            return Some(previous);
        }
        self.seek_before(keys, keys.key(place.entry.location), place.entry.sequence)
    }

    /// The leaf to which `rank` leads: it tells of an inner node how many of its records lie before the way.
    #[inline]
    fn descend(&self, rank: impl Fn(&Inner<'_>, Order) -> usize) -> LeafView<'_> {
        loop {
            if let Ok(leaf) = self.try_descend(&rank) {
                return leaf;
            }
        }
    }

    #[inline]
    fn try_descend(&self, rank: impl Fn(&Inner<'_>, Order) -> usize) -> Result<LeafView<'_>, Changed> {
        let root = self.root.load(Acquire);
        let (mut at, levels) = unpack_root(root);
        let mut above: Option<(Inner<'_>, Header)> = None;
        for _ in 0..levels {
            let node = self.inner(at);
            // A search touches most of its lines, one after the other.
            prefetch(node.0);
            let header = node.header();
            self.check_above(root, above.as_ref())?;
            at = node.child(header.order, rank(&node, header.order));
            above = Some((node, header));
        }
        let leaf = self.view(at);
        self.check_above(root, above.as_ref())?;
        Ok(leaf)
    }

    /// Whether the child that was just looked at was the right one at that moment. A node is told of the new half of
    /// a child before the child forgets it.
    #[inline]
    fn check_above(&self, root: u64, above: Option<&(Inner<'_>, Header)>) -> Result<(), Changed> {
        match above {
            Some((node, header)) => node.check(header),
            None => {
                fence(Acquire);
                if self.root.load(Relaxed) == root { Ok(()) } else { Err(Changed) }
            }
        }
    }

    /// The first entry, from a leaf on, that does not count.
    #[inline]
    fn first_from<'a, K: Keys>(
        &'a self,
        mut view: LeafView<'a>,
        search: &Search<'_, K>,
        counting: Counting,
    ) -> Option<Place> {
        loop {
            let order = view.header.order;
            let rank = view.leaf.rank(order, search, counting);
            if rank < order.len() {
                match view.place(rank, search) {
                    Ok(place) => return Some(place),
                    Err(Changed) => view = self.view(view.at),
                }
                continue;
            }
            // Loaded after the order: if that was cut already, this leads to the rest.
            let link = view.leaf.link();
            view = match view.leaf.check_slots(&view.header) {
                Ok(()) if link == 0 => return None,
                Ok(()) => self.view(link),
                Err(Changed) => self.view(view.at),
            };
        }
    }

    /// The last entry, from a leaf on, that `rank` counts. It counts the first of the leaf, if there is any.
    #[inline]
    fn last_from<'a, K>(
        &'a self,
        mut view: LeafView<'a>,
        search: &Search<'_, K>,
        rank: impl Fn(&LeafView<'_>) -> usize,
    ) -> Option<Place> {
        loop {
            let counted = rank(&view);
            let link = if counted == view.header.order.len() { view.leaf.link() } else { 0 };
            if view.leaf.check_slots(&view.header).is_err() {
                view = self.view(view.at);
                continue;
            }
            if link != 0 {
                // The next leaf may be so new that nobody told the parent.
                let next = self.view(link);
                let counts_there = rank(&next) > 0;
                if next.leaf.check_slots(&next.header).is_err() {
                    continue;
                }
                if counts_there {
                    view = next;
                    continue;
                }
            }
            let found = counted.checked_sub(1).map(|last| view.place(last, search));
            match found {
                Some(Err(Changed)) => view = self.view(view.at),
                Some(Ok(place)) => return Some(place),
                None => return None,
            }
        }
    }
}
