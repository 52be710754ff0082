//! Models of the tree under a scheduler that decides at every access whether the inserter or a reader goes on.
//!
//! The schedules are sequentially consistent: they find wrong orders of steps, not missing fences.
//!
//! Nor can they tell in which order a split makes a node forget its half and tells the node above of the other one, or
//! whether a reader looks again at the root: both only make a reader come to a node too far on the left. From there
//! the way leads to a leaf that is too far on the left, as all children of the node lie there, and from that leaf the
//! links lead to every entry on the right, since a leaf is linked before the one on its left forgets anything. That
//! costs steps, and no entry is missed. Too far on the right would be wrong, because there are no links to the left.

use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler};

use super::pausing::PausingReader;
use super::read::unpack_root;
use super::sync::{AtomicU64, Ordering};
use super::tests::{Keeper, add, keeper, key_of, read_beside};
use super::{Entry, Inserter, Tree};

/// Runs a model on schedules drawn at random, and on ones in which threads seldom change: the same in every run.
fn check(model: impl Fn() + Copy + Send + Sync + 'static) {
    const SCHEDULES: usize = 200;
    const SEED: u64 = 0x5eed;
    let random = RandomScheduler::new_from_seed(SEED, SCHEDULES);
    shuttle::Runner::new(random, shuttle::Config::default()).run(model);
    let priorities = PctScheduler::new_from_seed(SEED, 4, SCHEDULES);
    shuttle::Runner::new(priorities, shuttle::Config::default()).run(model);
}

/// A tree with so many entries already in it, a thread that inserts, and two that read.
fn insert_beside_readers<const ORDER: u32>(before: u64, more: u64) {
    let keys = Arc::new(keeper(before + more));
    let (tree, mut inserter): (Tree, Inserter) = Tree::new(64 << 10, 64 << 10, 0).expect("room");
    let put = |tree: &Tree, inserter: &mut Inserter, keys: &Keeper, number: u64| {
        add(tree, inserter, keys, number, &key_of(number, ORDER));
    };
    (0..before).for_each(|number| put(&tree, &mut inserter, &keys, number));
    let (tree, inserted) = (Arc::new(tree), Arc::new(AtomicU64::new(before)));
    let readers: Vec<_> = (0..2_u64)
        .map(|reader| {
            let (tree, keys, inserted) = (Arc::clone(&tree), Arc::clone(&keys), Arc::clone(&inserted));
            shuttle::thread::spawn(move || {
                // The turn that is a multiple of 200 walks over the whole tree.
                for turn in reader * 200 + 198..reader * 200 + 201 {
                    let there = inserted.load(Ordering::Acquire);
                    read_beside(&tree, &keys, &|number| key_of(number, ORDER), there, turn);
                }
            })
        })
        .collect();
    for number in before..before + more {
        put(&tree, &mut inserter, &keys, number);
        inserted.store(number + 1, Ordering::Release);
    }
    readers.into_iter().for_each(|reader| reader.join().expect("no panic"));
}

#[test]
fn a_leaf_is_split_under_readers() {
    check(|| insert_beside_readers::<2>(14, 12));
}

/// How many entries make the inner node at the root split.
fn entries_of_two_levels<const ORDER: u32>() -> u64 {
    let keys = keeper(1000);
    let (tree, mut inserter): (Tree, Inserter) = Tree::new(64 << 10, 64 << 10, 0).expect("room");
    let mut grow = |number| {
        add(&tree, &mut inserter, &keys, number, &key_of(number, ORDER));
        unpack_root(tree.root.load(Ordering::Relaxed)).1 < 2
    };
    (0..1000).take_while(|number| grow(*number)).count() as u64
}

#[test]
fn an_inner_node_is_split_under_readers() {
    check(|| insert_beside_readers::<2>(entries_of_two_levels::<2>() - 2, 16));
}

#[test]
fn runs_are_prolonged_under_readers() {
    check(|| insert_beside_readers::<5>(40, 20));
}

#[test]
fn versions_of_one_key_pile_up_under_readers() {
    check(|| insert_beside_readers::<4>(14, 20));
}

/// A tree of the keys `before`, into which `more` are inserted while one reader looks for a key that was there.
#[derive(Clone, Copy)]
struct OneLookUp {
    before: fn() -> Vec<u64>,
    more: fn() -> Vec<u64>,
    sought: u64,
}

impl OneLookUp {
    /// Runs schedules in which the reader pauses once, and some drawn at random.
    fn check(self) {
        for forward in [true, false] {
            let model = move || self.run(forward);
            shuttle::Runner::new(PausingReader::default(), shuttle::Config::default()).run(model);
            check(model);
        }
    }

    fn run(self, forward: bool) {
        let (before, more) = ((self.before)(), (self.more)());
        let keys = Arc::new(keeper((before.len() + more.len()) as u64));
        let (tree, mut inserter): (Tree, Inserter) = Tree::new(16 << 10, 2 << 10, 0).expect("room");
        let mut put = |tree: &Tree, (number, key): (usize, &u64)| {
            add(tree, &mut inserter, &keys, number as u64, &key.to_be_bytes());
        };
        before.iter().enumerate().for_each(|entry| put(&tree, entry));
        let levels = unpack_root(tree.root.load(Ordering::Relaxed)).1;
        let number = before.iter().position(|key| *key == self.sought).expect("it is there") as u64;
        let tree = Arc::new(tree);
        let reader = shuttle::thread::spawn({
            let (tree, keys) = (Arc::clone(&tree), Arc::clone(&keys));
            move || {
                let key = self.sought.to_be_bytes();
                let found = if forward {
                    tree.seek(&*keys, &key, u64::MAX)
                } else {
                    tree.seek_before(&*keys, &key, 0)
                };
                let expected = Entry { location: number, sequence: number, kind: (number % 2) as u8 };
                assert_eq!(found.map(|place| *place.entry()), Some(expected));
            }
        });
        more.iter().enumerate().for_each(|(at, key)| put(&tree, (before.len() + at, key)));
        reader.join().expect("no panic");
        let grown = unpack_root(tree.root.load(Ordering::Relaxed)).1;
        assert_eq!(grown, levels + 1, "the root is to be split");
    }
}

#[test]
fn all_slots_of_a_split_leaf_are_used_again_while_a_reader_pauses() {
    // The one sought stays, and all that take the place of those that went come before it.
    let before = || (0..15).map(|number| 100 * (4 * number % 15)).collect();
    OneLookUp { before, more: || (501..509).collect(), sought: 600 }.check();
}

#[test]
fn an_inner_node_is_split_while_a_reader_pauses() {
    // Leaves of 15. The sixth is split, and 8,500 goes to its new half, which takes the slot of the seventh.
    let before = || (0..240).map(|number| 100 * number).collect();
    OneLookUp { before, more: || vec![8050], sought: 8500 }.check();
}
