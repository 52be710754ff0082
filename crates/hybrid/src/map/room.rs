//! Making room for an entry whose leaf is full: neighbours share, three leaves become four, or the map goes
//! on at one of its ends.

use super::config::{Config, Lengths};
use super::leaf::NO_LEAF;
use super::leaves::Leaves;
use super::map::HybridMap;
use super::node_ref::{NodeKind, NodeRef};
use super::slots::is_gap;

/// Leaves that share their entries when one of them is full.
const WINDOW: usize = 3;

impl<C: Config, S: Leaves<C>> HybridMap<C, S> {
    /// Neighbours that together hold more than this share of their slots get one leaf more.
    const CROWDED: (usize, usize) = (29, 32);

    /// Makes room where a key belongs, or takes the entry in itself; returns whether it did.
    ///
    /// Either way some progress is made: calling this until there is room ends after O(height) calls.
    ///
    /// # Errors
    /// If there is no room for another leaf; all entries are still there then.
    #[cold]
    pub(super) fn make_room(&mut self, key: C::Key, value: C::Value) -> Result<bool, S::Error> {
        let (path, leaf) = self.path_to(key);
        let Some(&(parent, at)) = path.last() else {
            // The root is a leaf: give it a parent, with which it goes on.
            let first = self.leaves.slots(leaf.index()).0[0];
            self.root = self.add_branch(&[(first.min(key), leaf)]);
            return Ok(false);
        };
        let full = self.inner(parent).len() == self.inner(parent).capacity();
        if leaf.index() == self.last && key > self.last_key(leaf.index()) {
            return if full {
                Ok(self.split_above(&path))
            } else {
                self.go_on_after(&path, leaf, (key, value))
            };
        }
        if leaf.index() == self.first && key < self.leaves.slots(leaf.index()).0[0] {
            return if full {
                Ok(self.split_above(&path))
            } else {
                self.go_on_before(&path, leaf, (key, value))
            };
        }
        let siblings = self.inner(parent).len();
        let width = siblings.min(WINDOW);
        let start = at.saturating_sub(1).min(siblings - width);
        let window: Vec<u32> =
            (start..start + width).map(|at| self.inner(parent).child(at).index()).collect();
        let total: usize = window.iter().map(|leaf| self.heads.get(*leaf).len()).sum();
        let (share, whole) = Self::CROWDED;
        let crowded = total * whole > width * Lengths::<C>::LEAF * share;
        if crowded && full {
            return Ok(self.split_above(&path));
        }
        self.spread(parent, start, window, crowded)?;
        Ok(false)
    }

    /// Shares the entries of neighbouring leaves out evenly, over one leaf more if they are crowded.
    fn spread(
        &mut self,
        parent: NodeRef,
        start: usize,
        mut window: Vec<u32>,
        crowded: bool,
    ) -> Result<(), S::Error> {
        let after = window.last().map_or(NO_LEAF, |leaf| self.heads.get(*leaf).next);
        let strained: usize = window.iter().map(|leaf| self.heads.get(*leaf).strain()).sum();
        let strained = strained / window.len();
        let whole = window.len();
        if crowded {
            // First of all, since it may fail. What it holds meanwhile does not matter.
            let (keys, values) = self.leaves.slots(window[0]);
            let added = self.add_leaf((&[keys[0]], &[values[0]]), after)?;
            window.push(added.index());
        }
        let mut moving = core::mem::take(&mut self.moving);
        moving.clear();
        window[..whole].iter().for_each(|leaf| moving.gather(self.leaves.slots(*leaf)));
        let (keys, values) = moving.entries();
        let holds_first = window.first() == Some(&self.first);
        let holds_last = after == NO_LEAF;
        let sizes = shares(keys.len(), window.len(), Lengths::<C>::LEAF, holds_first, holds_last);
        let mut from = 0;
        for (place, size) in sizes.into_iter().enumerate() {
            let entries = from..from + size;
            from += size;
            let next = window.get(place + 1).copied().unwrap_or(after);
            let pivot = keys[entries.start];
            let entries = (&keys[entries.clone()], &values[entries]);
            let written = self.write_leaf(window[place], entries, next, strained);
            self.hang(parent, start + place, pivot, written, crowded && place + 1 == window.len());
        }
        self.moving = moving;
        if holds_last && let Some(&last) = window.last() {
            self.last = last;
        }
        if crowded {
            self.tally.leaf_splits += 1
        } else {
            self.tally.spreads += 1
        }
        Ok(())
    }

    /// Tells a parent about a leaf that was written anew, or is new.
    fn hang(&mut self, parent: NodeRef, at: usize, pivot: C::Key, leaf: NodeRef, is_new: bool) {
        let inner = self.inner_mut(parent);
        if is_new {
            inner.add(at, pivot, leaf);
            return;
        }
        let changed = inner.child(at) != leaf;
        if at > 0 {
            inner.set_pivot(at, pivot);
        }
        inner.set_child(at, leaf);
        self.tally.changed_leaves += u64::from(changed);
    }

    /// Begins a leaf behind the last one, which stays full: ascending keys leave no room unused.
    fn go_on_after(
        &mut self,
        path: &[(NodeRef, usize)],
        last: NodeRef,
        entry: (C::Key, C::Value),
    ) -> Result<bool, S::Error> {
        self.settle(path, last);
        let added = self.add_leaf((&[entry.0], &[entry.1]), NO_LEAF)?;
        self.heads.get_mut(last.index()).next = added.index();
        self.last = added.index();
        if let Some(&(parent, at)) = path.last() {
            self.inner_mut(parent).add(at + 1, entry.0, added);
        }
        self.tally.end_leaves += 1;
        Ok(true)
    }

    /// Begins a leaf before the first one, which stays full.
    fn go_on_before(
        &mut self,
        path: &[(NodeRef, usize)],
        first: NodeRef,
        entry: (C::Key, C::Value),
    ) -> Result<bool, S::Error> {
        self.settle(path, first);
        let smallest = self.leaves.slots(first.index()).0[0];
        let added = self.add_leaf((&[entry.0], &[entry.1]), first.index())?;
        // One entry lies the same in either kind. Gaps are what smaller keys will need.
        let added = NodeRef::new(NodeKind::Gapped, added.index());
        self.first = added.index();
        if let Some(&(parent, at)) = path.last() {
            // What was first becomes second, so its pivot must be a true one from now on.
            let inner = self.inner_mut(parent);
            inner.move_pivot(at, smallest);
            inner.add(at, entry.0, added);
        }
        self.tally.end_leaves += 1;
        Ok(true)
    }

    /// Splits the parent of a leaf; nothing is inserted yet.
    fn split_above(&mut self, path: &[(NodeRef, usize)]) -> bool {
        self.split_inner(path);
        false
    }

    fn last_key(&self, leaf: u32) -> C::Key {
        let keys = self.leaves.slots(leaf).0;
        debug_assert!(!is_gap(keys, 0));
        keys[keys.len() - 1]
    }

    /// An inner node of the B-tree's kind.
    pub(super) fn add_branch(&mut self, children: &[(C::Key, NodeRef)]) -> NodeRef {
        NodeRef::new(NodeKind::Branch, self.branches.add(super::branch::Branch::new(children)))
    }
}

/// How many of `total` entries each of `leaves` leaves gets: the same number, unless a leaf at an end of the
/// map is among them and the rest would be left less than three quarters full; then that leaf gets what is
/// left over. So only the leaves at the ends can be emptier than the bound says.
fn shares(total: usize, leaves: usize, slots: usize, holds_first: bool, holds_last: bool) -> Vec<usize> {
    let well_filled = slots * 3 / 4;
    let others = (leaves - 1) * well_filled;
    if total < leaves * well_filled && total > others && (holds_first || holds_last) {
        let mut sizes = vec![well_filled; leaves];
        let end = if holds_last { leaves - 1 } else { 0 };
        sizes[end] = total - others;
        return sizes;
    }
    (0..leaves).map(|leaf| total * (leaf + 1) / leaves - total * leaf / leaves).collect()
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn shares_are_even_but_at_the_ends() {
        assert_eq!(shares(10, 3, 8, false, false), [3, 3, 4]);
        assert_eq!(shares(13, 3, 8, false, true), [6, 6, 1]);
        assert_eq!(shares(13, 3, 8, true, false), [1, 6, 6]);
        assert_eq!(shares(20, 3, 8, true, true), [6, 7, 7]);
    }
}
