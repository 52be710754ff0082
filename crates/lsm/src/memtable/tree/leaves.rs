//! Walking forward leaf by leaf: what a leaf has is taken in one go, so that memory can be asked for all of its entries
//! before the first is looked at, and none of the leaf is read twice.

use super::super::head::Head;
use super::node::Changed;
use super::order::SLOTS;
use super::read::{LeafView, Tree};
use super::search::{Counting, Entry, Keys, Search};

/// Entries that lie side by side in one leaf, as they were when they were taken; what is inserted later is not among
/// them.
#[derive(Debug)]
pub(crate) struct LeafEntries {
    entries: [(Head, Entry); SLOTS],
    len: usize,
    /// The leaf behind, 0 for none.
    next: u32,
}

impl Default for LeafEntries {
    fn default() -> Self {
        let none = (Head::default(), Entry { location: 0, sequence: 0, kind: 0 });
        LeafEntries { entries: [none; SLOTS], len: 0, next: 0 }
    }
}

impl LeafEntries {
    /// The entries in their order, each with the head of its key.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[(Head, Entry)] {
        &self.entries[..self.len]
    }
}

impl Tree {
    /// Takes the entries of a leaf from the first at or after `(key, sequence)` on; answers whether there are any.
    pub(crate) fn seek_leaf(
        &self,
        keys: &impl Keys,
        key: &[u8],
        sequence: u64,
        taken: &mut LeafEntries,
    ) -> bool {
        let search = self.search(keys, key, sequence);
        self.take_from(self.leaf_of(&search), &search, Counting::Before, taken)
    }

    /// Takes the entries that follow those taken; answers whether there are any.
    pub(crate) fn next_leaf(&self, keys: &impl Keys, taken: &mut LeafEntries) -> bool {
        let Some((_, last)) = taken.as_slice().last().copied() else { return false };
        if taken.next == 0 {
            taken.len = 0;
            return false;
        }
        // While a leaf is split both halves are in it, and the upper one in the next as well.
        let search = self.search(keys, keys.key(last.location), last.sequence);
        self.take_from(self.view(taken.next), &search, Counting::UpTo, taken)
    }

    /// Takes the entries that do not count from a leaf; from the next one if there are none, and so on.
    #[inline]
    fn take_from<'a, K: Keys>(
        &'a self,
        mut view: LeafView<'a>,
        search: &Search<'_, K>,
        counting: Counting,
        taken: &mut LeafEntries,
    ) -> bool {
        loop {
            match take(&view, search, counting, taken) {
                Err(Changed) => view = self.view(view.at),
                Ok(()) if taken.len > 0 => return true,
                Ok(()) if taken.next == 0 => return false,
                Ok(()) => view = self.view(taken.next),
            }
        }
    }
}

#[inline]
fn take<K: Keys>(
    view: &LeafView<'_>,
    search: &Search<'_, K>,
    counting: Counting,
    taken: &mut LeafEntries,
) -> Result<(), Changed> {
    let order = view.header.order;
    let rank = view.leaf.rank(order, search, counting);
    taken.len = order.len() - rank;
    for (place, rank) in taken.entries.iter_mut().zip(rank..order.len()) {
        let slot = order.slot(rank);
        *place = (view.leaf.head(slot), view.leaf.entry(slot, search));
    }
    // Loaded after the order: if that was cut already, this leads to the rest.
    taken.next = view.leaf.link();
    view.leaf.check_slots(&view.header)
}
