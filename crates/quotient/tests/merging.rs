//! Several filters side by side and added up, compared with maps.

use std::collections::BTreeMap;

use stroma_quotient::{Counted, CountingFilter, Error, InvertibleHash, Joined, Merge, Shape, join};

const KEY_BITS: u32 = 40;

/// A filter of some keys, of its own size, and the map that says the same.
fn sample(seed: u64, keys: u64, slots: u64) -> (CountingFilter, BTreeMap<u64, Counted>) {
    let mix = InvertibleHash::new(KEY_BITS, 5);
    let shape = Shape::new(KEY_BITS, slots).expect("possible").with_value_bits(9);
    let (mut filter, mut map) = (CountingFilter::new(shape).expect("memory"), BTreeMap::new());
    for step in 0..keys {
        let key = mix.hash(step * seed % 1500);
        let counted = Counted { count: step % 7 + 1 + (step % 50 / 49) * 1000, value: seed * 10 + step % 10 };
        filter.update(key, |_| counted).expect("room");
        map.insert(key, counted);
    }
    (filter, map)
}

fn samples() -> (Vec<CountingFilter>, Vec<BTreeMap<u64, Counted>>) {
    [(3, 700, 1700), (7, 900, 2148), (11, 20, 64), (13, 1200, 2999), (1, 0, 2)]
        .into_iter()
        .map(|(seed, keys, slots)| sample(seed, keys, slots))
        .unzip()
}

#[test]
fn side_by_side_each_key_comes_once() {
    let (filters, maps) = samples();
    for (left, left_map) in filters.iter().zip(&maps) {
        for (right, right_map) in filters.iter().zip(&maps) {
            let mut last = None;
            let mut seen = 0;
            for joined in join(left, right) {
                let (key, in_left, in_right) = match joined {
                    Joined::Left(entry) => (entry.key, Some(entry.counted()), None),
                    Joined::Right(entry) => (entry.key, None, Some(entry.counted())),
                    Joined::Both(one, other) => {
                        assert_eq!(one.key, other.key);
                        (one.key, Some(one.counted()), Some(other.counted()))
                    }
                };
                assert!(last < Some(key));
                last = Some(key);
                seen += 1;
                assert_eq!(in_left, left_map.get(&key).copied());
                assert_eq!(in_right, right_map.get(&key).copied());
            }
            let all: BTreeMap<u64, Counted> =
                left_map.iter().chain(right_map).map(|(k, v)| (*k, *v)).collect();
            assert_eq!(seen, all.len());
        }
    }
}

#[test]
fn who_has_a_key_is_told() {
    let (filters, maps) = samples();
    let mut merge = Merge::new(filters.iter().map(CountingFilter::iter));
    let mut keys = Vec::new();
    while let Some(same) = merge.next_key() {
        let key = same[0].1.key;
        let expected = maps.iter().enumerate().filter_map(|(source, map)| Some((source, *map.get(&key)?)));
        assert!(same.iter().map(|(source, entry)| (*source, entry.counted())).eq(expected));
        keys.push(key);
    }
    let all: BTreeMap<u64, ()> = maps.iter().flat_map(|map| map.keys().map(|key| (*key, ()))).collect();
    assert!(keys.iter().eq(all.keys()));
}

#[test]
fn merging_adds_up() {
    let (filters, maps) = samples();
    let mut sum: BTreeMap<u64, Counted> = BTreeMap::new();
    for (key, counted) in maps.iter().flatten() {
        let entry = sum.entry(*key).or_insert(Counted { count: 0, value: counted.value });
        entry.count += counted.count;
    }
    let merged = CountingFilter::merge(&filters).expect("fits");
    assert!(merged.iter().map(|entry| (entry.key, entry.counted())).eq(sum.clone()));
    assert!(CountingFilter::merged(&filters).expect("one width").eq(merged.iter()));
    assert!(merged.load() < 0.96 && merged.load() > 0.85, "no larger than needed: {}", merged.load());
    assert!(CountingFilter::open(merged.to_bytes()).expect("sound") == merged);

    // Only what the second has and the first has not.
    let difference = CountingFilter::merge_with(&filters[..2], |same| match same {
        [(1, entry)] => entry.counted(),
        _ => Counted::default(),
    });
    let expected = maps[1].iter().filter(|(key, _)| !maps[0].contains_key(key));
    let difference = difference.expect("fits");
    assert!(difference.iter().map(|entry| (entry.key, entry.counted())).eq(expected.map(|(k, v)| (*k, *v))));
}

#[test]
fn every_two_add_up() {
    let (mut filters, mut maps) = samples();
    filters.push(CountingFilter::new(filters[0].shape()).expect("memory"));
    maps.push(BTreeMap::new());
    for (left, left_map) in filters.iter().zip(&maps) {
        for (right, right_map) in filters.iter().zip(&maps) {
            let mut sum = left_map.clone();
            for (key, counted) in right_map {
                let entry = sum.entry(*key).or_insert(Counted { count: 0, value: counted.value });
                entry.count += counted.count;
            }
            let merged = CountingFilter::merge([left, right]).expect("fits");
            assert!(merged.iter().map(|entry| (entry.key, entry.counted())).eq(sum));
            assert!(CountingFilter::open(merged.to_bytes()).expect("sound") == merged);
        }
    }
}

/// A filter of keys `0..keys`, mixed, where `pick` says so, and its keys.
fn picked(keys: u64, pick: impl Fn(u64) -> bool) -> (CountingFilter, BTreeMap<u64, u64>) {
    let shape = Shape::new(KEY_BITS, keys).expect("possible");
    let (mut filter, mut map) = (CountingFilter::new(shape).expect("memory"), BTreeMap::new());
    for key in (0..keys).filter(|key| pick(*key)) {
        // Spread over all of the range, in order.
        let key = (key << 28) | (key % 7);
        filter.insert(key).expect("room");
        map.insert(key, 1);
    }
    (filter, map)
}

#[test]
fn what_the_first_keys_tell_may_be_wrong() {
    const KEYS: u64 = 4000;
    let (even, even_map) = picked(KEYS, |key| key.is_multiple_of(2));
    // Nothing in common; nothing at first, then everything; everything.
    let others = [
        picked(KEYS, |key| key % 2 == 1),
        picked(KEYS, |key| (key % 2 == 1) == (key < 3000)),
        picked(KEYS, |key| key.is_multiple_of(2)),
    ];
    for (other, other_map) in others {
        let mut sum = even_map.clone();
        other_map.keys().for_each(|key| *sum.entry(*key).or_default() += 1);
        let merged = CountingFilter::merge([&even, &other]).expect("fits");
        assert!(merged.iter().map(|entry| (entry.key, entry.count)).eq(sum.clone()));
        assert!(merged.load() > 0.85 && merged.load() < 0.96, "{}", merged.load());
        // Late keys are left out, which early ones do not tell.
        let early = |key: u64| key >> 28 < 2500;
        let kept = CountingFilter::merge_with([&even, &other], |same| {
            let count = if early(same[0].1.key) { same.len() as u64 } else { 0 };
            Counted { count, value: 0 }
        });
        let expected = sum.into_iter().filter(|(key, _)| early(*key));
        let kept = kept.expect("fits");
        assert!(kept.iter().map(|entry| (entry.key, entry.count)).eq(expected));
        assert!(kept.load() > 0.85 && kept.load() < 0.96, "{}", kept.load());
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let filter = |key_bits, value_bits: u32| {
        let shape = Shape::new(key_bits, 16).expect("possible").with_value_bits(value_bits);
        CountingFilter::new(shape).expect("memory")
    };
    let empty: [&CountingFilter; 0] = [];
    assert!(matches!(CountingFilter::merge(empty), Err(Error::DifferentKeys { .. })));
    for other in [filter(9, 0), filter(8, 1)] {
        let merged = CountingFilter::merge([&filter(8, 0), &other]);
        assert!(matches!(merged, Err(Error::DifferentKeys { .. })));
    }
    let mut full = filter(8, 0);
    full.add(1, u64::MAX).expect("room");
    assert!(matches!(CountingFilter::merge([&full, &full]), Err(Error::CountOverflow { .. })));
}
