//! Models of the tree under a scheduler that decides at every access whether the inserter or a reader goes on.
//!
//! The schedules are sequentially consistent: they find wrong orders of steps, not missing fences.

use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler};

use super::read::unpack_root;
use super::sync::{AtomicU64, Ordering};
use super::tests::{Keeper, add, keeper, key_of, read_beside};
use super::{Inserter, Tree};

/// Runs a model on schedules drawn at random, and on ones in which threads seldom change: the same in every run.
fn check(model: fn()) {
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
