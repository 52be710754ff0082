//! The map against `BTreeMap`: all key types, friendly and hostile orders, with an audit after each phase.

use std::collections::BTreeMap;
use std::ops::Bound;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::orders::{Random, orders};
use super::{
    AlwaysLearned, AlwaysPlain, Config, HybridMap, MapCostPolicy, MapPolicy, NodeKind, NodeRef, Standard,
    U64Map,
};
use crate::Key;

/// Blocks so small that few keys make a tall tree.
struct Tiny<K, P>(core::marker::PhantomData<(K, P)>);

impl<K: Key, P: MapPolicy + Default> Config for Tiny<K, P> {
    type Key = K;
    type Value = u64;
    type LeafKeys = [K; 16];
    type LeafValues = [u64; 16];
    type BranchKeys = [K; 24];
    type BranchRefs = [NodeRef; 24];
    type RouteKeys = [K; 40];
    type RouteRefs = [NodeRef; 40];
    type RouteHints = [u16; 32];
    type Policy = P;
}

/// Asks everything there is to ask, in all ways.
fn compare<C: Config<Value = u64>>(map: &HybridMap<C>, model: &BTreeMap<C::Key, u64>, probes: &[C::Key]) {
    map.audit();
    assert_eq!(map.len(), model.len());
    assert!(map.iter().eq(model.iter().map(|(key, value)| (*key, *value))));
    for probe in probes.iter().flat_map(|key| [Some(*key), key.successor()]).flatten() {
        assert_eq!(map.get(probe), model.get(&probe).copied());
        assert_eq!(map.contains_key(probe), model.contains_key(&probe));
        let expected = model.range(probe..).next().map(|(key, value)| (*key, *value));
        assert_eq!(map.lower_bound(probe), expected);
        let after = (Bound::Excluded(probe), Bound::Unbounded);
        assert!(
            map.range(after).take(3).map(|(key, _)| key).eq(model.range(after).take(3).map(|(key, _)| *key))
        );
    }
    for pair in probes.windows(2).take(40) {
        let (low, high) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
        assert!(map.range(low..high).map(|(key, _)| key).eq(model.range(low..high).map(|(key, _)| *key)));
        assert!(map.range(low..=high).map(|(_, v)| v).eq(model.range(low..=high).map(|(_, v)| *v)));
    }
}

fn insert_all<C: Config<Value = u64>>(name: &str, keys: &[C::Key], every: usize) -> HybridMap<C> {
    let (mut map, mut model) = (HybridMap::<C>::new(), BTreeMap::new());
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(map.insert(*key, at as u64), model.insert(*key, at as u64), "{name}, {key:?} at {at}");
        if at % every == every - 1 {
            map.audit();
        }
    }
    let step = keys.len() / 200 + 1;
    compare(&map, &model, &keys.iter().step_by(step).copied().collect::<Vec<_>>());
    map
}

#[test]
fn every_order_with_every_policy() {
    for (name, keys) in orders(6_000, 1) {
        insert_all::<Tiny<u64, MapCostPolicy>>(name, &keys, 1000);
        insert_all::<Tiny<u64, AlwaysPlain>>(name, &keys, 1000);
        insert_all::<Tiny<u64, AlwaysLearned>>(name, &keys, 1000);
    }
}

#[test]
fn bytes_stay_bounded_in_every_order() {
    for (name, keys) in orders(40_000, 2) {
        let map = insert_all::<Standard<u64, u64>>(name, &keys, 20_000);
        let entries = map.len() * 16;
        let bound = entries * 8 / 5 + (64 << 10);
        assert!(
            map.memory_bytes() <= bound,
            "{name}: {} for {entries}\n{}",
            map.memory_bytes(),
            map.explain()
        );
    }
}

#[test]
fn every_key_type() {
    let keys: Vec<u64> = orders(1500, 3).into_iter().flat_map(|(_, keys)| keys).collect();
    fn check<K: Key>(keys: &[u64], convert: impl Fn(u64) -> K) {
        let keys: Vec<K> = keys.iter().map(|key| convert(*key)).collect();
        insert_all::<Tiny<K, MapCostPolicy>>("mixed", &keys, 10_000);
        insert_all::<Tiny<K, AlwaysLearned>>("mixed", &keys, 10_000);
    }
    check(&keys, |key| key as u8);
    check(&keys, |key| key as i16);
    check(&keys, |key| key as u32);
    check(&keys, |key| key as i64);
    check(&keys, |key| u128::from(key) << 64 | u128::from(key.rotate_left(7)));
    check(&keys, |key| i128::from(key as i64) << 40);
    check(&keys, |key| [key as u8, (key >> 8) as u8, (key >> 32) as u8]);
    check(&keys, |key| (u128::from(key) << 60).to_be_bytes());
}

#[test]
fn bulk_loaded_maps_take_inserts() {
    for (name, keys) in orders(20_000, 4) {
        let (old, new) = keys.split_at(keys.len() / 2);
        let mut model: BTreeMap<u64, u64> = old.iter().map(|key| (*key, key ^ 1)).collect();
        let mut map = HybridMap::<Tiny<u64, MapCostPolicy>>::bulk_load(model.iter().map(|(k, v)| (*k, *v)))
            .expect(name);
        compare(&map, &model, &old[..50]);
        for key in new {
            assert_eq!(map.insert(*key, 5), model.insert(*key, 5));
        }
        compare(&map, &model, &new[..50]);
    }
    let unsorted = U64Map::bulk_load([(1, ()), (3, ()), (3, ())]);
    assert!(matches!(unsorted, Err(crate::Error::NotSorted { position: 2 })));
}

#[test]
fn an_empty_map_answers() {
    let mut map = U64Map::<u8>::new();
    assert_eq!(
        (map.get(0), map.lower_bound(0), map.iter().next(), map.memory_bytes()),
        (None, None, None, 0)
    );
    assert_eq!((map.len(), map.is_empty(), map.height()), (0, true, 0));
    assert!(map.get_mut(0).is_none());
    map.update_range(.., |_, _| panic!("no entries"));
    assert!(U64Map::<u8>::bulk_load([]).expect("nothing is sorted").is_empty());
    assert!(map.explain().starts_with("0 keys"));
}

#[test]
fn values_can_be_changed_in_place() {
    let mut map: U64Map<u64> = (0..10_000).map(|key| (key * 2, key)).collect();
    *map.get_mut(20).expect("present") = 7;
    assert_eq!((map.get(20), map.get_mut(21)), (Some(7), None));
    let mut before = None;
    map.update_range(100..=5001, |key, value| {
        assert!(before < Some(key));
        before = Some(key);
        value.set(value.get() + 1_000_000);
    });
    let changed = map.iter().filter(|(_, value)| *value >= 1_000_000).count();
    assert_eq!((changed, map.get(98), map.get(5002)), (2451, Some(49), Some(2501)));
    map.audit();
}

#[test]
fn kinds_follow_the_data() {
    let share = |map: &U64Map<u64>, kind: NodeKind| {
        let (mut of_kind, mut all) = (0, 0);
        let mut level = vec![map.root];
        while let Some(node) = level.pop() {
            if node.kind().is_leaf() {
                all += 1;
                of_kind += usize::from(node.kind() == kind);
            } else {
                level.extend(map.inner(node).children().into_iter().map(|(_, child)| child));
            }
        }
        of_kind as f64 / f64::from(all)
    };
    let mut random = Random(9);
    let smooth: U64Map<u64> = (0..200_000).map(|i| (random.next(), i)).collect();
    assert!(share(&smooth, NodeKind::Gapped) > 0.9, "{}", smooth.explain());
    assert!(smooth.routes.live() > 0, "{}", smooth.explain());
    // Neighbours at distances of all magnitudes.
    let hard: U64Map<u64> =
        (0..200_000).map(|i| ((random.below(2_000) << 44) + (1 << random.below(44)) + i % 4, i)).collect();
    assert!(share(&hard, NodeKind::Packed) > 0.75, "{}", hard.explain());
    let text = smooth.explain();
    assert!(text.contains("gapped leaf: written") && text.contains("level 1:"), "{text}");
}

#[test]
fn an_attacked_leaf_changes_its_kind() {
    let mut map = U64Map::<u64>::bulk_load((0..100_000u64).map(|i| (i << 40, i))).expect("sorted");
    let changed = map.tally.changed_leaves;
    // Each key halves the way to one of the frame's keys: a line sees all of them at one place.
    for base in 0..2_000u64 {
        for shift in 1..40 {
            map.insert(((base * 50) << 40) + (1 << shift), 0);
        }
    }
    map.audit();
    assert!(map.tally.changed_leaves > changed, "{}", map.explain());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        rng_seed: RngSeed::Fixed(20_261_121),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_order_of_any_keys(
        keys in prop::collection::vec(
            prop_oneof![any::<u64>(), 0u64..500, (0u64..500).prop_map(|k| u64::MAX - k),
                (0u32..64, 0u64..4).prop_map(|(e, k)| (1u64 << e).wrapping_add(k))],
            0..800,
        ),
    ) {
        insert_all::<Tiny<u64, MapCostPolicy>>("any", &keys, 100);
        insert_all::<Tiny<u64, AlwaysLearned>>("any", &keys, 100);
        let signed: Vec<i64> = keys.iter().map(|key| *key as i64).collect();
        insert_all::<Tiny<i64, MapCostPolicy>>("any, signed", &signed, 1000);
    }
}
