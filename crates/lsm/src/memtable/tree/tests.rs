//! The tree against a sorted map, and readers beside its inserter.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::head::Head;
use super::*;

/// Entries as they come; a location is an index.
pub(super) struct Keeper(Vec<OnceLock<Vec<u8>>>);

impl Keys for Keeper {
    fn key(&self, location: u64) -> &[u8] {
        self.0[location as usize].get().expect("a location is published after its entry")
    }
}

pub(super) fn keeper(count: u64) -> Keeper {
    Keeper((0..count).map(|_| OnceLock::new()).collect())
}

fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Inserts version `number` of a key; answers the version that it stands before.
pub(super) fn add(
    tree: &Tree,
    inserter: &mut Inserter,
    keys: &Keeper,
    number: u64,
    key: &[u8],
) -> Option<u64> {
    keys.0[number as usize].set(key.to_vec()).unwrap();
    let entry = Entry { location: number, sequence: number, kind: (number % 2) as u8 };
    tree.insert(inserter, keys, key, entry).unwrap().map(|older| older.sequence)
}

const ORDERS: u32 = 9;

pub(super) fn key_of(number: u64, order: u32) -> Vec<u8> {
    let key = |number: u64| number.to_be_bytes().to_vec();
    match order {
        0 => key(number),
        1 => key(u64::MAX - number),
        2 => key(mix(number)),
        // Many versions of few keys, the heads of which are alike.
        3 => [b"a shared head that is long ".as_slice(), &key(mix(number) % 101)].concat(),
        4 => b"one".to_vec(),
        // Three ascending runs beside each other, and descending ones.
        5 => [key(number % 3), key(number)].concat(),
        6 => [key(number % 3), key(u64::MAX - number)].concat(),
        // Ascending, and then descending towards that.
        7 if number < 100 => key(number),
        7 => key(u64::MAX - number),
        // That many times over.
        _ if number % 40 < 14 => [key(number / 40), key(number)].concat(),
        _ => [key(number / 40), key(u64::MAX - number)].concat(),
    }
}

fn forward(tree: &Tree, keys: &Keeper) -> Vec<u64> {
    let places = std::iter::successors(tree.first(keys), |place| tree.after(keys, place));
    places.map(|place| place.entry().location).collect()
}

/// As [`forward`], leaf by leaf, from the first entry at or after `(key, sequence)` on.
fn leaf_by_leaf(tree: &Tree, keys: &Keeper, key: &[u8], sequence: u64) -> Vec<u64> {
    let (mut taken, mut entries) = (LeafEntries::default(), Vec::new());
    let mut on = tree.seek_leaf(keys, key, sequence, &mut taken);
    while on {
        for (head, entry) in taken.as_slice() {
            assert_eq!(*head, Head::of(keys.key(entry.location)));
            entries.push(entry.location);
        }
        on = tree.next_leaf(keys, &mut taken);
    }
    assert!(taken.as_slice().is_empty());
    entries
}

fn backward(tree: &Tree, keys: &Keeper) -> Vec<u64> {
    let places = std::iter::successors(tree.last(keys), |place| tree.before(keys, place));
    places.map(|place| place.entry().location).collect()
}

#[test]
fn it_orders_as_a_map_does_whatever_the_order_of_the_keys() {
    const COUNT: u64 = 4000;
    for order in 0..ORDERS {
        let keys = keeper(COUNT);
        let (tree, mut inserter) = Tree::new(1 << 20, 2 << 10, 0).unwrap();
        let mut model: BTreeMap<(Vec<u8>, u64), u64> = BTreeMap::new();
        for number in 1..COUNT {
            let key = key_of(number, order);
            let older = model.range((key.clone(), 0)..).next().filter(|entry| entry.0.0 == key);
            let expected = older.map(|entry| *entry.1);
            assert_eq!(add(&tree, &mut inserter, &keys, number, &key), expected);
            model.insert((key, u64::MAX - number), number);
        }
        let expected: Vec<u64> = model.values().copied().collect();
        assert_eq!(forward(&tree, &keys), expected, "order {order}");
        assert_eq!(leaf_by_leaf(&tree, &keys, &[], u64::MAX), expected, "order {order}");
        assert_eq!(backward(&tree, &keys), expected.into_iter().rev().collect::<Vec<_>>());
        for number in (0..COUNT + 100).step_by(7) {
            let key = key_of(number, order);
            let probe = (key.clone(), u64::MAX - number);
            let expected = model.range(probe.clone()..).next().map(|entry| *entry.1);
            let found = tree.seek(&keys, &key, number).map(|place| *place.entry());
            assert_eq!(found.map(|entry| entry.location), expected);
            assert!(found.is_none_or(|entry| entry.sequence == entry.location));
            assert!(found.is_none_or(|entry| u64::from(entry.kind) == entry.location % 2));
            if number.is_multiple_of(70) {
                let expected: Vec<u64> = model.range(probe.clone()..).map(|entry| *entry.1).collect();
                assert_eq!(leaf_by_leaf(&tree, &keys, &key, number), expected);
            }
            let expected = model.range(..probe).next_back().map(|entry| *entry.1);
            let found = tree.seek_before(&keys, &key, number).map(|place| place.entry().location);
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn runs_of_keys_fill_nodes_wholly_and_others_more_than_half() {
    const COUNT: u64 = 20_000;
    for (order, most) in [(0, 29), (1, 32), (2, 44), (4, 32), (5, 30), (6, 46), (7, 36), (8, 43)] {
        let keys = keeper(COUNT);
        let (tree, mut inserter) = Tree::new(4 << 20, 4 << 10, 0).unwrap();
        (1..COUNT).for_each(|number| {
            add(&tree, &mut inserter, &keys, number, &key_of(number, order));
        });
        let bytes = tree.bytes() as u64 / COUNT;
        assert!(bytes <= most, "order {order}: {bytes} bytes an entry");
    }
}

#[test]
fn it_grows_by_no_more_than_it_says() {
    const COUNT: u64 = 6000;
    for order in 0..ORDERS {
        for batch in [1, 7, 500] {
            let keys = keeper(COUNT);
            let (tree, mut inserter) = Tree::new(1 << 20, 2 << 10, 0).unwrap();
            let mut promised = 0;
            for number in 0..COUNT {
                if number % batch == 0 {
                    promised = tree.bytes() + tree.growth_bytes(number as usize, batch as usize);
                }
                add(&tree, &mut inserter, &keys, number, &key_of(number, order));
                assert!(tree.bytes() <= promised + tree.chunk_bytes());
            }
            assert!(tree.bytes() <= Tree::bytes_for(COUNT as usize) * 5 / 4 + tree.chunk_bytes());
        }
    }
}

/// How many nodes an entry of this key would split.
fn nodes_split_by(tree: &Tree, keys: &Keeper, key: &[u8]) -> usize {
    let search = tree.search(keys, key, 0);
    let (mut at, levels) = read::unpack_root(tree.root.load(Ordering::Relaxed));
    let is_full = |order: order::Order| order.len() == order::SLOTS;
    let mut full = 0;
    for _ in 0..levels {
        let node = tree.inner(at);
        let order = node.header().order;
        full = if is_full(order) { full + 1 } else { 0 };
        at = node.child(order, node.rank(order, &search, search::Counting::UpTo));
    }
    if is_full(tree.leaf(at).header().order) { full + 1 } else { 0 }
}

/// After `start` keys of an order, each key is the one of some that splits the most nodes. The worst that batches so
/// made up do: bytes taken in 1000 promised, and bytes an entry.
fn split_as_much_as_possible(order: u32, start: u64, count: u64, batch: u64) -> (usize, usize) {
    let keys = keeper(count);
    let (tree, mut inserter) = Tree::new(4 << 20, 16 << 10, 0).unwrap();
    let mut used: BTreeMap<Vec<u8>, ()> = BTreeMap::new();
    let (mut promised, mut worst) = (0, (0, 0));
    for number in 0..count {
        if (number - start.min(number)) % batch == 0 {
            promised = tree.bytes() + tree.growth_bytes(number as usize, batch as usize);
        }
        let key = if number < start {
            [key_of(number, order), vec![128; 2]].concat()
        } else {
            let near = |choice: u64| {
                let drawn = mix(number << 8 | choice);
                let from = [mix(drawn).to_be_bytes().to_vec(), key_of(drawn % start, order)];
                let after = used.range(from[choice as usize % 2].clone()..).next();
                let mut key = after.or(used.first_key_value())?.0.clone();
                let last = key.len() - 1 - (drawn >> 60) as usize % 2;
                key[last] = (drawn >> 40) as u8;
                (!used.contains_key(&key)).then_some(key)
            };
            let chosen = (0..16).filter_map(near).max_by_key(|key| nodes_split_by(&tree, &keys, key));
            chosen.unwrap_or_else(|| [mix(number).to_be_bytes().to_vec(), vec![128; 2]].concat())
        };
        add(&tree, &mut inserter, &keys, number, &key);
        used.insert(key, ());
        if number >= start {
            worst.0 = worst.0.max(tree.bytes() * 1000 / promised);
            worst.1 = worst.1.max(tree.bytes() / number as usize);
        }
    }
    worst
}

#[test]
fn keys_made_up_to_split_nodes_take_little_more() {
    for (order, start) in [(0, 3000), (0, 300), (2, 300), (5, 1500), (8, 2000)] {
        for batch in [1, 100, 1000] {
            let (promised, entry) = split_as_much_as_possible(order, start, start + 1000, batch);
            let case = format!("order {order}, {start} before, batches of {batch}");
            assert!(promised <= 1375, "{case}: {promised} of 1000 promised");
            assert!(entry <= 88, "{case}: {entry} bytes an entry");
        }
    }
}

#[test]
fn a_walk_goes_on_where_it_was_while_entries_are_inserted_around_it() {
    const FIRST: u64 = 500;
    let keys = keeper(10 * FIRST);
    let (tree, mut inserter) = Tree::new(1 << 20, 2 << 10, 0).unwrap();
    let even = |number: u64| (2 * (mix(number) % 1000)).to_be_bytes();
    let odd = |number: u64| (2 * (mix(number) % 1000) + 1).to_be_bytes();
    (0..FIRST).for_each(|number| {
        add(&tree, &mut inserter, &keys, number, &even(number));
    });
    let before = forward(&tree, &keys);
    let mut numbers = FIRST..;
    let mut walk = |step: &dyn Fn(&Place) -> Option<Place>, first: Option<Place>| {
        let (mut seen, mut at) = (Vec::new(), first);
        while let Some(place) = at {
            if place.entry().sequence < FIRST {
                seen.push(place.entry().sequence);
            }
            let number = numbers.next().unwrap();
            add(&tree, &mut inserter, &keys, number, &odd(number));
            at = step(&place);
        }
        seen
    };
    assert_eq!(walk(&|place| tree.after(&keys, place), tree.first(&keys)), before);
    let mut backward = walk(&|place| tree.before(&keys, place), tree.last(&keys));
    backward.reverse();
    assert_eq!(backward, before);
}

#[test]
fn a_full_tree_refuses_and_stays_whole() {
    let keys = keeper(1000);
    let (tree, mut inserter) = Tree::new(8 << 10, 2 << 10, 0).unwrap();
    let mut added = 0;
    for number in 1..1000_u64 {
        let key = mix(number).to_be_bytes();
        keys.0[number as usize].set(key.to_vec()).unwrap();
        let entry = Entry { location: number, sequence: number, kind: 1 };
        if tree.insert(&mut inserter, &keys, &key, entry) == Err(Full) {
            break;
        }
        added += 1;
    }
    assert!((40..300).contains(&added), "{added}");
    assert_eq!(forward(&tree, &keys).len(), added);
    assert_eq!(backward(&tree, &keys).len(), added);
}

#[test]
fn sequences_out_of_range_are_refused() {
    let keys = keeper(3);
    let (tree, mut inserter) = Tree::new(64 << 10, 2 << 10, 1 << 40).unwrap();
    let mut insert = |location, sequence| {
        let _ = keys.0[location as usize].set(vec![7]);
        tree.insert(&mut inserter, &keys, &[7], Entry { location, sequence, kind: 1 })
    };
    let last = (1 << 40) + (1 << 30) - 1;
    assert_eq!(insert(0, (1 << 40) - 1), Err(Full));
    assert_eq!(insert(1, last + 1), Err(Full));
    assert_eq!(insert(2, last), Ok(None));
    assert!(!tree.takes_sequence(last + 1));
    assert_eq!(tree.seek(&keys, &[7], u64::MAX).unwrap().entry().sequence, last);
    assert!(tree.seek(&keys, &[7], last - 1).is_none());
    assert!(tree.seek_before(&keys, &[7], last).is_none());
}

/// Walks both ways and looks things up beside the inserter; `there` is how many are known to have been inserted.
pub(super) fn read_beside(
    tree: &Tree,
    keys: &Keeper,
    keys_of: &dyn Fn(u64) -> Vec<u8>,
    there: u64,
    turn: u64,
) {
    let number = mix(turn) % there;
    let key = keys_of(number);
    let found = tree.seek(keys, &key, number).expect("it was inserted").entry().sequence;
    assert_eq!(found, number);
    let place = tree.seek_before(keys, &key, number);
    if let Some(place) = place {
        let previous = (keys.key(place.entry().location), u64::MAX - place.entry().sequence);
        assert!(previous < (key.as_slice(), u64::MAX - number));
        let mut next = tree.after(keys, &place).expect("there is one behind it");
        // Others may have come between the two.
        while next.entry().sequence != number {
            assert!(next.entry().sequence >= there);
            next = tree.after(keys, &next).expect("there is one behind it");
        }
    }
    if turn.is_multiple_of(200) {
        let known = |entries: Vec<u64>| {
            let ordered = entries.windows(2).all(|pair| {
                let of = |location: u64| (keys.key(location), u64::MAX - location);
                of(pair[0]) < of(pair[1])
            });
            assert!(ordered);
            entries.into_iter().filter(|number| *number < there).count() as u64
        };
        assert_eq!(known(forward(tree, keys)), there);
        assert_eq!(known(leaf_by_leaf(tree, keys, &[], u64::MAX)), there);
        let mut entries = backward(tree, keys);
        entries.reverse();
        assert_eq!(known(entries), there);
    }
}

#[test]
fn readers_find_everything_that_was_inserted_before_they_began() {
    const COUNT: u64 = 12_000;
    for order in 0..ORDERS {
        let keys = keeper(COUNT);
        let (tree, mut inserter) = Tree::new(4 << 20, 4 << 10, 0).unwrap();
        let inserted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for reader in 0..2 {
                let (tree, keys, inserted) = (&tree, &keys, &inserted);
                scope.spawn(move || {
                    let keys_of = |number| key_of(number, order);
                    for turn in reader << 40.. {
                        match inserted.load(Ordering::Acquire) {
                            0 => std::thread::yield_now(),
                            COUNT => return,
                            there => read_beside(tree, keys, &keys_of, there, turn),
                        }
                    }
                });
            }
            for number in 0..COUNT {
                add(&tree, &mut inserter, &keys, number, &key_of(number, order));
                inserted.store(number + 1, Ordering::Release);
            }
        });
    }
}

#[test]
fn one_built_at_once_holds_the_same_and_goes_on_growing() {
    for count in [0, 1, 14, 15, 16, 17, 31, 239, 240, 241, 255, 256, 257, 272, 3841, 4096, 4000] {
        for (order, group) in [(0, 5000), (2, 17), (3, 15), (5, 100)] {
            let (keys, built_keys) = (keeper(2 * count + 1), keeper(2 * count + 1));
            let (tree, mut inserter) = Tree::new(1 << 20, 2 << 10, 0).unwrap();
            for number in 1..=count {
                add(&tree, &mut inserter, &keys, number, &key_of(number, order));
            }
            let sorted = forward(&tree, &keys);
            let entry = |&number: &u64| {
                built_keys.0[number as usize].set(key_of(number, order)).unwrap();
                let entry = Entry { location: number, sequence: number, kind: (number % 2) as u8 };
                (super::super::head::Head::of(keys.key(number)), entry)
            };
            let (built, mut goes_on) = Tree::new(1 << 20, 2 << 10, 0).unwrap();
            let groups: Vec<usize> = sorted.chunks(group).map(<[u64]>::len).collect();
            let rooms = built.reserve_leaves(&mut goes_on, &groups).unwrap();
            // Whoever fills the last one may be first.
            let filled = rooms.into_iter().zip(sorted.chunks(group)).rev();
            let mut filled: Vec<_> = filled
                .map(|(room, group)| built.fill_leaves(room, group.iter().map(entry)).unwrap())
                .collect();
            filled.reverse();
            built.build_over(&mut goes_on, filled.into_iter().flatten().collect()).unwrap();
            assert!(built.bytes() <= Tree::built_bytes(count as usize, groups.len(), 2 << 10), "{count}");
            let check = || {
                assert_eq!(forward(&built, &built_keys), forward(&tree, &keys), "{count} in order {order}");
                assert_eq!(backward(&built, &built_keys), backward(&tree, &keys));
                for number in (1..=count).step_by(7) {
                    let key = key_of(number, order);
                    let found = built.seek(&built_keys, &key, number).map(|place| place.entry().location);
                    assert_eq!(found, Some(number));
                }
            };
            check();
            for number in count + 1..=2 * count {
                let key = key_of(number, order);
                let older = add(&tree, &mut inserter, &keys, number, &key);
                assert_eq!(add(&built, &mut goes_on, &built_keys, number, &key), older);
            }
            check();
        }
    }
}
