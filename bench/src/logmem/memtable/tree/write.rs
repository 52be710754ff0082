//! Inserting: one thread at a time, under the tree's lock.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, Release};

use super::node::{INNER_WORDS, KeyAt, LEAF_WORDS, Node, Order, SLOTS};
use super::order::{Entry, Target, Tree};
use super::words::Words;

/// Where new nodes go, and the leaf of the last insertion.
pub(super) struct Inserter {
    position: usize,
    /// Keys that come in ascending order are all inserted here.
    last_leaf: u32,
}

/// The tree has no room for another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Full;

/// What goes into a slot: in an inner node the entry that a child begins with.
#[derive(Clone, Copy)]
struct Content {
    head: (u64, u32),
    entry: Entry,
    child: u32,
}

impl Content {
    fn of(node: Node<'_>, slot: usize, child: u32) -> Content {
        Content { head: node.head(slot), entry: node.entry(slot), child }
    }

    /// Writes a free slot, then the order that names it.
    fn put(self, node: Node<'_>, order: Order, rank: usize) {
        let slot = order.free_slot();
        node.set_slot(slot, self.head, self.entry, self.child);
        node.set_order(order.with(rank, slot));
    }
}

/// Copies the entries from `middle` on into an empty node that nobody sees yet.
fn copy_upper(from: Node<'_>, order: Order, middle: usize, to: Node<'_>) {
    let mut copied = Order::EMPTY;
    for (rank, position) in (middle..order.len()).enumerate() {
        let slot = order.slot(position);
        let child = if from.is_inner() { from.child(slot) } else { 0 };
        Content::of(from, slot, child).put(to, copied, rank);
        copied = to.order().0;
    }
}

impl Tree {
    /// An empty tree of at most `max_bytes` of nodes.
    pub(in super::super) fn new(max_bytes: usize) -> Result<Tree, Full> {
        let words = Words::new(max_bytes / 8);
        // Place 0 stands for none.
        let first = words.place(1, LEAF_WORDS).ok_or(Full)?;
        let inserter = Inserter { position: first + LEAF_WORDS, last_leaf: first as u32 };
        Ok(Tree { words, root: AtomicU64::new((first as u64) << 32), inserter: Mutex::new(inserter) })
    }

    /// Adds an entry; its key and sequence must be new. Logarithmic time; constant for ascending keys.
    pub(in super::super) fn insert(
        &self,
        target: &Target<'_>,
        entry: Entry,
        key_at: &KeyAt<'_>,
    ) -> Result<(), Full> {
        let mut inserter = self.inserter.lock().map_err(|_| Full)?;
        let content = Content { head: target.head, entry, child: 0 };
        let mut path = Vec::new();
        let at = match self.last_leaf_for(inserter.last_leaf, target, key_at) {
            Some(at) => at,
            None => self.descend(target, key_at, &mut path)?,
        };
        let leaf = self.leaf(at).ok_or(Full)?;
        let (order, _) = leaf.order();
        let rank = leaf.rank(order, target, key_at, false);
        inserter.last_leaf = at;
        if order.len() < SLOTS {
            content.put(leaf, order, rank);
            return Ok(());
        }
        // A split needs the path, which the short way does not have.
        path.clear();
        self.descend(target, key_at, &mut path)?;
        let right_at = self.new_node(&mut inserter, LEAF_WORDS)?;
        let right = self.leaf(right_at).ok_or(Full)?;
        if rank == SLOTS && leaf.link() == 0 {
            // Keys ascend: the full leaf stays as it is.
            content.put(right, Order::EMPTY, 0);
            leaf.set_link(right_at);
            inserter.last_leaf = right_at;
            return self.add_child(&mut inserter, &mut path, Content { child: right_at, ..content }, key_at);
        }
        let middle = SLOTS / 2;
        copy_upper(leaf, order, middle, right);
        if rank > middle {
            content.put(right, right.order().0, rank - middle);
        }
        right.set_link(leaf.link());
        leaf.set_link(right_at);
        let first = Content::of(leaf, order.slot(middle), right_at);
        self.add_child(&mut inserter, &mut path, first, key_at)?;
        let lower = order.cut(middle);
        leaf.give_up(lower);
        if rank <= middle {
            content.put(leaf, lower, rank);
        }
        Ok(())
    }

    /// The leaf of the last insertion if it is the last of all and `target` comes behind all its entries.
    fn last_leaf_for(&self, at: u32, target: &Target<'_>, key_at: &KeyAt<'_>) -> Option<u32> {
        let leaf = self.leaf(at)?;
        let (order, _) = leaf.order();
        let last = order.len().checked_sub(1)?;
        let fits = leaf.link() == 0 && leaf.compare(order.slot(last), target, key_at).is_lt();
        fits.then_some(at)
    }

    /// The leaf for `target`; the inner nodes above it are added to `path`.
    fn descend(&self, target: &Target<'_>, key_at: &KeyAt<'_>, path: &mut Vec<u32>) -> Result<u32, Full> {
        let root = self.root.load(Relaxed);
        let mut at = (root >> 32) as u32;
        for _ in 0..root as u32 {
            path.push(at);
            let node = self.inner(at).ok_or(Full)?;
            let (order, _) = node.order();
            let rank = node.rank(order, target, key_at, true);
            at = if rank == 0 { node.link() } else { node.child(order.slot(rank - 1)) };
        }
        Ok(at)
    }

    fn new_node(&self, inserter: &mut Inserter, words: usize) -> Result<u32, Full> {
        let at = self.words.place(inserter.position, words).ok_or(Full)?;
        inserter.position = at + words;
        u32::try_from(at).map_err(|_| Full)
    }

    /// Tells the inner nodes of `path` what a new node begins with.
    fn add_child(
        &self,
        inserter: &mut Inserter,
        path: &mut Vec<u32>,
        content: Content,
        key_at: &KeyAt<'_>,
    ) -> Result<(), Full> {
        let Some(at) = path.pop() else { return self.grow(inserter, content) };
        let node = self.inner(at).ok_or(Full)?;
        let (order, _) = node.order();
        let key = key_at(content.entry.location);
        let target = Target { head: content.head, key, sequence: content.entry.sequence };
        let rank = node.rank(order, &target, key_at, false);
        if order.len() < SLOTS {
            content.put(node, order, rank);
            return Ok(());
        }
        // The middle entry goes up; its child is the first of the new node.
        let middle = if rank == SLOTS { SLOTS - 1 } else { SLOTS / 2 };
        let right_at = self.new_node(inserter, INNER_WORDS)?;
        let right = self.inner(right_at).ok_or(Full)?;
        copy_upper(node, order, middle + 1, right);
        right.set_link(node.child(order.slot(middle)));
        if rank > middle {
            content.put(right, right.order().0, rank - middle - 1);
        }
        let raised = Content::of(node, order.slot(middle), right_at);
        self.add_child(inserter, path, raised, key_at)?;
        // Only now, so that readers who come this way find all that they look for.
        let lower = order.cut(middle);
        node.give_up(lower);
        if rank <= middle {
            content.put(node, lower, rank);
        }
        Ok(())
    }

    /// Puts a new root above the old one, which was split.
    fn grow(&self, inserter: &mut Inserter, content: Content) -> Result<(), Full> {
        let root = self.root.load(Relaxed);
        let at = self.new_node(inserter, INNER_WORDS)?;
        let node = self.inner(at).ok_or(Full)?;
        node.set_link((root >> 32) as u32);
        content.put(node, Order::EMPTY, 0);
        self.root.store((u64::from(at) << 32) | ((root & 0xffff_ffff) + 1), Release);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::random::{Random, mix};

    fn key_of(number: u64, order: u64) -> Vec<u8> {
        match order {
            0 => number.to_be_bytes().to_vec(),
            1 => (u64::MAX - number).to_be_bytes().to_vec(),
            2 => (mix(number) % 500).to_be_bytes().to_vec(),
            _ => [b"a head that is shared ".as_slice(), &mix(number).to_be_bytes()].concat(),
        }
    }

    #[test]
    fn it_orders_as_a_map_does() {
        for order in 0..4 {
            let tree = Tree::new(1 << 22).unwrap();
            let keys: Vec<Vec<u8>> = (0..6000).map(|number| key_of(number, order)).collect();
            let key_at = |location: u64| keys[location as usize].as_slice();
            let mut model = BTreeMap::new();
            for number in 0..6000_u64 {
                let key = &keys[number as usize];
                let entry = Entry { location: number, sequence: number, kind: 1 };
                tree.insert(&Target::new(key, number), entry, &key_at).unwrap();
                model.insert((key.clone(), u64::MAX - number), number);
            }
            let mut found = Vec::new();
            tree.walk(&Target::new(b"", u64::MAX), &key_at, |entry| {
                found.push(entry.location);
                true
            });
            assert_eq!(found, model.values().copied().collect::<Vec<_>>());
            let mut random = Random(order);
            for _ in 0..3000 {
                let (number, sequence) = (random.below(7000), random.below(7000));
                let probe = key_of(number, order);
                let expected =
                    model.range((probe.clone(), u64::MAX - sequence)..).next().map(|entry| *entry.1);
                let found = tree.seek(&Target::new(&probe, sequence), &key_at);
                assert_eq!(found.map(|entry| entry.location), expected);
            }
        }
    }

    #[test]
    fn readers_find_everything_that_was_inserted_before_they_began() {
        let tree = Tree::new(1 << 24).unwrap();
        let keys: Vec<Vec<u8>> = (0..40_000).map(|number| key_of(number, 3)).collect();
        let key_at = |location: u64| keys[location as usize].as_slice();
        let inserted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for seed in 0..2 {
                let (tree, keys, key_at, inserted) = (&tree, &keys, &key_at, &inserted);
                scope.spawn(move || {
                    let mut random = Random(seed);
                    loop {
                        let there = inserted.load(std::sync::atomic::Ordering::Acquire);
                        if there == keys.len() as u64 {
                            return;
                        }
                        if there == 0 {
                            continue;
                        }
                        let number = random.below(there);
                        let found = tree.seek(&Target::new(&keys[number as usize], u64::MAX >> 8), key_at);
                        assert_eq!(found.unwrap().location, number);
                        if number.is_multiple_of(4000) {
                            let (mut count, mut last) = (0, Vec::new());
                            tree.walk(&Target::new(b"", u64::MAX), key_at, |entry| {
                                let key = key_at(entry.location);
                                assert!(last.as_slice() < key);
                                last = key.to_vec();
                                count += 1;
                                true
                            });
                            assert!(count >= there);
                        }
                    }
                });
            }
            for number in 0..keys.len() as u64 {
                let entry = Entry { location: number, sequence: number, kind: 1 };
                tree.insert(&Target::new(&keys[number as usize], number), entry, &key_at).unwrap();
                inserted.store(number + 1, Release);
            }
        });
    }
}
