//! Inserting: by whoever holds the [`Inserter`], of which a tree has one.
//!
//! A full node is split in halves, but where a record goes on with a run of ascending or descending ones it is cut
//! behind that record. So runs fill nodes wholly, also where several lie beside each other.
//!
//! Such a cut may leave a node that stays nearly empty, and where it looks like a run but is none, one after the other.
//! So it is made only while nodes hold eight children each on average, which halves alone never fall below. That
//! bounds the tree whatever the order of keys. At worst n leaves have one entry and n have 15 when leaves are that
//! full, and then halves are made of all the full ones by n more entries: 3 n leaves for 17 n, and of inner nodes,
//! which have up to 16 children, no larger a share. So there are at most 88 bytes of nodes for each entry.

use super::lines::{Full, LINE_BYTES, Lines};
use super::node::{INNER_LINES, Inner, LEAF_LINES, Leaf};
use super::order::SLOTS;
use super::read::{LEFTMOST, Tree, unpack_root};
use super::search::{Base, Counting, Entry, Keys, Record, Search};
use super::sync::Ordering::{Relaxed, Release};
use super::sync::{AtomicU32, AtomicU64};

pub(super) const LEAF_BYTES: usize = LEAF_LINES * LINE_BYTES;
pub(super) const INNER_BYTES: usize = INNER_LINES * LINE_BYTES;
/// Smaller chunks would waste too much at their ends.
pub(super) const LEAST_CHUNK_BYTES: usize = 1 << 10;
/// The fewest children, or entries, of a node made by splits in halves.
const LEAST_CHILDREN: usize = SLOTS.div_ceil(2);

/// The inserter's state: where the next node goes, where the last entry went, and the way to a leaf.
#[derive(Debug)]
pub(crate) struct Inserter {
    position: u32,
    /// The leaf of the last insertion.
    pub(super) leaf: u32,
    /// The leaf that the last split made, if it was cut behind a run; else 0.
    cut_off: u32,
    pub(super) entries: usize,
    leaves: usize,
    inner_nodes: usize,
    /// The inner nodes above a leaf, from the root on, each with the number of records before the way. Kept for its
    /// memory.
    path: Vec<(u32, usize)>,
}

/// A record that begins a new node, which the node above is to learn of.
struct NewChild {
    record: Record,
    node: u32,
}

impl Inserter {
    /// Whether leaves may be cut behind runs; see the module.
    fn may_cut_leaves(&self) -> bool {
        LEAST_CHILDREN * self.leaves <= self.entries
    }

    /// Whether inner nodes may be.
    fn may_cut_inner(&self) -> bool {
        // All nodes but the root are children.
        LEAST_CHILDREN * self.inner_nodes <= self.leaves + self.inner_nodes
    }
}

/// How many records a full node keeps that gets another one at `rank`; that is one of them if it comes no later.
fn cut_for(rank: usize, goes_on_with_run: bool) -> usize {
    // Something must stay, and something must go.
    if goes_on_with_run { rank.clamp(1, SLOTS - 1) } else { SLOTS / 2 + usize::from(rank > SLOTS / 2) }
}

impl Tree {
    /// An empty tree of at most `max_bytes` of nodes, which takes `chunk_bytes` at a time, and its inserter. All
    /// sequences are to be larger than `base`, and smaller than `base` + 2^30.
    pub(crate) fn new(max_bytes: usize, chunk_bytes: usize, base: u64) -> Result<(Tree, Inserter), Full> {
        let lines = Lines::new(max_bytes, chunk_bytes.max(LEAST_CHUNK_BYTES));
        let first = lines.place(LEFTMOST, LEAF_LINES as u32)?;
        debug_assert_eq!(first, LEFTMOST);
        let end = LEFTMOST + LEAF_LINES as u32;
        let root = u64::from(first) << 32;
        let tree = Tree { lines, root: AtomicU64::new(root), base: Base(base), end: AtomicU32::new(end) };
        tree.leaf(first).clear();
        let inserter = Inserter {
            position: end,
            leaf: first,
            cut_off: 0,
            entries: 0,
            leaves: 1,
            inner_nodes: 0,
            path: Vec::new(),
        };
        Ok((tree, inserter))
    }

    /// Bytes of a tree with so many entries if splits left all nodes but half full: 64 for each.
    pub(crate) fn bytes_for(entries: usize) -> usize {
        let leaves = (entries / (SLOTS / 2)).max(1);
        let inner = if entries > SLOTS { 1 + leaves / (SLOTS / 2 + 1) } else { 0 };
        leaves * LEAF_BYTES + inner * INNER_BYTES
    }

    /// Bytes by which the tree grows from `entries` by so many more at most, as is to be reckoned: a leaf for each
    /// where they are few, half full nodes where they are many. Keys made up for that purpose can make the tree larger
    /// than it would be then, by no more than three eighths: either there are 88 bytes for each entry instead of 64, or
    /// each inner node is split once besides, which are 110 bytes for a leaf of 384.
    pub(crate) fn growth_bytes(&self, entries: usize, more: usize) -> usize {
        let (_, levels) = unpack_root(self.root.load(Relaxed));
        let nodes = more * (LEAF_BYTES + INNER_BYTES / 4) + (levels as usize + 1) * INNER_BYTES;
        // At the end of each chunk there may be too few lines for the next node.
        let by_splits = nodes + nodes / self.lines.chunk_lines() as usize * (INNER_LINES - 1);
        by_splits.min(Tree::bytes_for(entries + more).saturating_sub(self.bytes()))
    }

    /// Whether an entry of this sequence could be inserted.
    pub(crate) fn takes_sequence(&self, sequence: u64) -> bool {
        self.base.stamp(&Entry { location: 0, sequence, kind: 0 }).is_ok()
    }

    /// Adds an entry; `(key, sequence)` must be new. Answers the version of the key just older than it, if there is
    /// one. Time logarithmic in the number of entries; constant for a key that comes next to the one before.
    ///
    /// # Errors
    /// [`Full`] if there is no room, or the sequence is out of range; nothing is changed then.
    pub(crate) fn insert(
        &self,
        inserter: &mut Inserter,
        keys: &impl Keys,
        key: &[u8],
        entry: Entry,
    ) -> Result<Option<Entry>, Full> {
        let stamp = self.base.stamp(&entry)?;
        let search = self.search(keys, key, entry.sequence);
        let record = Record { head: search.target.head(), stamp, location: entry.location };
        let rank = match self.rank_in_last_leaf(inserter.leaf, &search) {
            Some(rank) => rank,
            None => {
                inserter.leaf = self.find_path(inserter, &search);
                let leaf = self.leaf(inserter.leaf);
                leaf.rank(leaf.header().order, &search, Counting::Before)
            }
        };
        let leaf = self.leaf(inserter.leaf);
        let superseded = self.same_key_at(leaf, rank, &search);
        if leaf.header().order.len() < SLOTS {
            leaf.put(rank, &record);
        } else {
            self.find_path(inserter, &search);
            self.check_room(inserter)?;
            self.split_leaf(inserter, rank, &record)?;
        }
        inserter.entries += 1;
        Ok(superseded)
    }

    /// The rank of what is searched in the leaf of the last insertion, if it belongs there.
    fn rank_in_last_leaf<K: Keys>(&self, at: u32, search: &Search<'_, K>) -> Option<usize> {
        let leaf = self.leaf(at);
        let order = leaf.header().order;
        let last = order.len().checked_sub(1)?;
        if leaf.compare(order.slot(last), search).is_lt() {
            let next = leaf.link();
            let fits = next == 0 || self.leaf(next).first_is_behind(search);
            return fits.then_some(order.len());
        }
        let fits = at == LEFTMOST || leaf.compare(order.slot(0), search).is_lt();
        fits.then(|| leaf.rank(order, search, Counting::Before))
    }

    /// Notes the way to the leaf for what is searched; answers the leaf.
    fn find_path<K: Keys>(&self, inserter: &mut Inserter, search: &Search<'_, K>) -> u32 {
        inserter.path.clear();
        let (mut at, levels) = unpack_root(self.root.load(Relaxed));
        for _ in 0..levels {
            let node = self.inner(at);
            let order = node.header().order;
            let rank = node.rank(order, search, Counting::UpTo);
            inserter.path.push((at, rank));
            at = node.child(order, rank);
        }
        at
    }

    /// The entry at `rank` of a leaf, or at the beginning of the next one, if it has the key that is searched.
    fn same_key_at<K: Keys>(&self, leaf: Leaf<'_>, rank: usize, search: &Search<'_, K>) -> Option<Entry> {
        let order = leaf.header().order;
        if rank < order.len() {
            return leaf.entry_of_key(order.slot(rank), search);
        }
        let next = leaf.link();
        if next == 0 {
            return None;
        }
        let next = self.leaf(next);
        next.entry_of_key(next.header().order.slot(0), search)
    }

    /// Makes sure that the nodes which a split may need can be placed, so that it does not end half way.
    fn check_room(&self, inserter: &Inserter) -> Result<(), Full> {
        let most_nodes = 2 + inserter.path.len() as u64;
        // A node may leave as many lines free before it, less one, at the end of a chunk.
        let needed = u64::from(inserter.position) + most_nodes * (2 * INNER_LINES as u64 - 1);
        if needed <= self.lines.limit() { Ok(()) } else { Err(Full) }
    }

    /// Takes room for so many lines, which are yet to be made.
    fn reserve(&self, inserter: &mut Inserter, lines: usize) -> Result<u32, Full> {
        let at = self.lines.reserve(inserter.position, lines as u32)?;
        inserter.position = at + lines as u32;
        self.end.store(inserter.position, Relaxed);
        Ok(at)
    }

    pub(super) fn new_leaf(&self, inserter: &mut Inserter) -> Result<(u32, Leaf<'_>), Full> {
        let at = self.reserve_leaf(inserter)?;
        Ok((at, self.make_leaf(at)))
    }

    /// Takes room for a leaf, which is yet to be made.
    pub(super) fn reserve_leaf(&self, inserter: &mut Inserter) -> Result<u32, Full> {
        let at = self.reserve(inserter, LEAF_LINES)?;
        inserter.leaves += 1;
        Ok(at)
    }

    /// Makes a leaf for which room was taken.
    pub(super) fn make_leaf(&self, at: u32) -> Leaf<'_> {
        self.lines.make(at);
        self.leaf(at).clear();
        self.leaf(at)
    }

    pub(super) fn new_inner(&self, inserter: &mut Inserter) -> Result<(u32, Inner<'_>), Full> {
        let at = self.reserve(inserter, INNER_LINES)?;
        self.lines.make(at);
        inserter.inner_nodes += 1;
        self.inner(at).clear();
        Ok((at, self.inner(at)))
    }

    /// Whether a full leaf that gets a record at `rank` should be cut behind that.
    fn goes_on_with_run(&self, inserter: &Inserter, leaf: Leaf<'_>, rank: usize) -> bool {
        if !inserter.may_cut_leaves() || !leaf.header().order.is_run_at(rank) {
            return false;
        }
        // Where that has just been done, and what was cut off has not grown, this is no part of the run but descends
        // towards it.
        let next = leaf.link();
        rank <= SLOTS / 2
            || next == 0
            || next != inserter.cut_off
            || self.leaf(next).header().order.len() > (SLOTS - rank).max(1)
    }

    /// Adds a record at `rank` of the inserter's leaf, which is full and to which the inserter's path leads.
    fn split_leaf(&self, inserter: &mut Inserter, rank: usize, record: &Record) -> Result<(), Full> {
        let leaf = self.leaf(inserter.leaf);
        let header = leaf.header();
        let goes_on_with_run = self.goes_on_with_run(inserter, leaf, rank);
        let (right_at, right) = self.new_leaf(inserter)?;
        right.set_link(leaf.link());
        inserter.cut_off = if goes_on_with_run { right_at } else { 0 };
        if rank == SLOTS && (leaf.link() == 0 || goes_on_with_run) {
            // Nothing needs to move.
            right.put(0, record);
            leaf.set_link(right_at);
            inserter.leaf = right_at;
            return self.add_child(inserter, NewChild { record: *record, node: right_at });
        }
        let middle = cut_for(rank, goes_on_with_run);
        leaf.copy_upper(header.order, middle, &right);
        if rank > middle {
            right.put(rank - middle, record);
            inserter.leaf = right_at;
        }
        leaf.set_link(right_at);
        let first = leaf.record(header.order.slot(middle));
        self.add_child(inserter, NewChild { record: first, node: right_at })?;
        // Only now, so that readers find everything at all times.
        leaf.give_up(&header, middle);
        if rank <= middle {
            leaf.put(rank, record);
        }
        Ok(())
    }

    /// Tells the last inner node of the path of a new child right behind the one that the path leads to.
    fn add_child(&self, inserter: &mut Inserter, child: NewChild) -> Result<(), Full> {
        let Some((at, rank)) = inserter.path.pop() else {
            return self.grow(inserter, &child);
        };
        let node = self.inner(at);
        let header = node.header();
        if header.order.len() < SLOTS {
            node.put(rank, &child.record, child.node);
            return Ok(());
        }
        // The record in the middle goes up; its child becomes the first of the new node.
        let goes_on_with_run = inserter.may_cut_inner() && header.order.is_run_at(rank);
        let middle = cut_for(rank, goes_on_with_run);
        let (right_at, right) = self.new_inner(inserter)?;
        right.set_link(node.child(header.order, middle + 1));
        node.copy_upper(header.order, middle + 1, &right);
        if rank > middle {
            right.put(rank - middle - 1, &child.record, child.node);
        }
        let raised = node.record(header.order.slot(middle));
        self.add_child(inserter, NewChild { record: raised, node: right_at })?;
        node.give_up(&header, middle);
        if rank <= middle {
            node.put(rank, &child.record, child.node);
        }
        Ok(())
    }

    /// Puts a new root above the old one, which is being split.
    fn grow(&self, inserter: &mut Inserter, child: &NewChild) -> Result<(), Full> {
        let (root, levels) = unpack_root(self.root.load(Relaxed));
        let (at, node) = self.new_inner(inserter)?;
        node.set_link(root);
        node.put(0, &child.record, child.node);
        self.root.store(u64::from(at) << 32 | u64::from(levels + 1), Release);
        Ok(())
    }
}

impl Leaf<'_> {
    /// Whether its first entry comes after what is searched.
    fn first_is_behind<K: Keys>(&self, search: &Search<'_, K>) -> bool {
        let order = self.header().order;
        order.len() > 0 && self.compare(order.slot(0), search).is_gt()
    }

    /// The entry in a slot, if it has the key that is searched.
    fn entry_of_key<K: Keys>(&self, slot: usize, search: &Search<'_, K>) -> Option<Entry> {
        let entry = self.entry(slot, search);
        search.target.has_key(self.head(slot), || search.keys.key(entry.location)).then_some(entry)
    }
}
