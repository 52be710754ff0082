//! Every way of asking, compared with `partition_point` on many distributions of keys.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use stroma_hybrid::{
    BTreeLayer, ComposedIndex, Config, CostModelPolicy, ForcePolicy, Index, IndexBuilder, IndexRef, Key,
    KeySource, Layer, LayerKind, LayerPlan, LinearLayer, Lines, LittleEndianKeys, Spline, Stack, Tree,
};

#[path = "shared/key_sets.rs"]
mod key_sets;
use key_sets::{KeySet, next};

/// Sorted keys of many shapes, `n` of each.
fn distributions(n: usize, seed: u64) -> Vec<(&'static str, Vec<u64>)> {
    let mut state = seed;
    let mut random = |mask: u64| -> Vec<u64> { (0..n).map(|_| next(&mut state) & mask).collect() };
    let count = n as u64;
    let mut both_ends: Vec<u64> = (0..count).map(|i| if i % 2 == 0 { i } else { u64::MAX - i }).collect();
    both_ends.push(u64::MAX);
    let mut all = vec![
        ("sequential", (0..count).collect()),
        ("beyond 2^53", (0..count).map(|i| (1 << 60) + i).collect()),
        ("beyond 2^53, by twos, at the top", (0..count).map(|i| u64::MAX - 2 * i).collect()),
        ("uniform", random(u64::MAX)),
        ("small range, many duplicates", random(15)),
        ("medium range, some duplicates", random(1023)),
        ("all equal to zero", vec![0; n]),
        ("all equal to the largest", vec![u64::MAX; n]),
        ("all equal, middle", vec![1 << 63; n]),
        ("two clusters at both ends", both_ends),
        ("squares", (0..count).map(|i| i * i * i).collect()),
        ("exponential", (0..count).map(|i| 1u64 << (i % 64)).collect()),
        ("pairs", (0..count).map(|i| i / 2 * 1000).collect()),
        ("extremes", (0..count).map(|i| if i % 3 == 0 { 0 } else { u64::MAX }).collect()),
        ("steps", (0..count).map(|i| i / 100 * (1 << 40) + i % 100).collect()),
    ];
    let clustered = random(u64::MAX).into_iter().enumerate().map(|(i, key)| (key >> 50 << 44) + i as u64 % 7);
    all.push(("clustered", clustered.collect()));
    all.iter_mut().for_each(|(_, keys)| keys.sort_unstable());
    all
}

/// The keys themselves, their neighbours, the extremes and some more.
fn probes<K: Key>(keys: &[K], more: impl Iterator<Item = K>) -> Vec<K> {
    let step = (keys.len() / 300).max(1);
    let mut all: Vec<K> = keys.iter().step_by(step).copied().collect();
    all.extend(keys.iter().step_by(step).filter_map(|key| key.successor()));
    all.extend(keys.first().into_iter().chain(keys.last()));
    all.extend(more);
    all
}

fn check<K: Key>(name: &str, keys: &[K], probes: &[K]) {
    let mut bytes = vec![0xaa];
    keys.iter().for_each(|key| key.write(&mut bytes));
    let unaligned = LittleEndianKeys::<K>::new(&bytes[1..]).expect("whole keys");
    let indexes = [
        Index::build(keys, &ForcePolicy(LayerKind::BTree)).expect("sorted"),
        Index::build(keys, &ForcePolicy(LayerKind::Linear)).expect("sorted"),
        Index::build(&unaligned, &CostModelPolicy::default()).expect("sorted"),
        Index::build(keys, &ForcePolicy(LayerKind::SPlus)).expect("sorted"),
        Index::build(keys, &ForcePolicy(LayerKind::RadixSpline)).expect("sorted"),
        Index::with_plans(keys, &[LayerPlan::RadixSpline { epsilon: 1 }]).expect("sorted"),
        Index::with_plans(keys, &[LayerPlan::Linear { epsilon: 2 }, LayerPlan::SPlus { fanout: 3 }])
            .expect("sorted"),
        Index::with_plans(keys, &[LayerPlan::Linear { epsilon: 1 }, LayerPlan::BTree { fanout: 2 }])
            .expect("sorted"),
        Index::with_plans(keys, &[LayerPlan::Linear { epsilon: 70 }, LayerPlan::Linear { epsilon: 33 }])
            .expect("sorted"),
    ];
    let mut builder = IndexBuilder::new(CostModelPolicy::default()).expect("valid plans");
    keys.iter().for_each(|key| builder.push(*key).expect("sorted"));
    assert_eq!(builder.finish().expect("built").to_bytes(), indexes[2].to_bytes(), "{name}");
    for index in &indexes {
        let stored = index.to_bytes();
        let opened = IndexRef::<K>::open(&stored, keys.len()).expect("just written");
        assert_eq!(opened.explain(), index.explain());
        assert_eq!(opened.to_owned().to_bytes(), stored);
        let mut batch = vec![0; probes.len()];
        index.lower_bound_batch(keys, probes, &mut batch);
        for (&probe, together) in probes.iter().zip(batch) {
            let lower = keys.partition_point(|key| *key < probe);
            let upper = keys.partition_point(|key| *key <= probe);
            let context = || format!("{name} {probe:?}\n{}", index.explain());
            let candidates = index.candidates(probe);
            assert!(candidates.start <= lower && lower <= candidates.end, "{candidates:?} {}", context());
            assert_eq!(index.lower_bound(keys, probe), lower, "{}", context());
            assert_eq!(together, lower, "in a batch: {}", context());
            assert_eq!(opened.lower_bound(&unaligned, probe), lower, "{}", context());
            assert_eq!(index.upper_bound(keys, probe), upper, "{}", context());
            assert_eq!(index.get(keys, probe), (lower < upper).then_some(lower), "{}", context());
            assert_eq!(index.range(keys, probe..=probe), lower..upper, "{}", context());
            let walked = index.entries_within(&unaligned, probe..).take(3);
            assert!(walked.eq((lower..keys.len()).map(|at| (at, keys[at])).take(3)), "{}", context());
        }
    }
}

#[test]
fn agrees_with_partition_point_on_all_distributions() {
    for n in [0, 1, 2, 15, 16, 17, 257, 3000] {
        for (name, keys) in distributions(n, 7) {
            let mut state = 99;
            let random = (0..100).map(|_| next(&mut state)).chain([0, 1, u64::MAX - 1, u64::MAX]);
            check(name, &keys, &probes(&keys, random));
        }
    }
}

#[test]
fn works_for_every_kind_of_key() {
    for (name, keys) in distributions(400, 3) {
        let wide: Vec<u128> = keys.iter().map(|key| u128::from(*key) << 64 | u128::from(*key)).collect();
        check(name, &wide, &probes(&wide, [0, 1, u128::MAX].into_iter()));
        let mut signed: Vec<i64> = keys.iter().map(|key| *key as i64).collect();
        signed.sort_unstable();
        check(name, &signed, &probes(&signed, [i64::MIN, -1, 0, i64::MAX].into_iter()));
        let mut short: Vec<u16> = keys.iter().map(|key| *key as u16).collect();
        short.sort_unstable();
        check(name, &short, &probes(&short, [0, u16::MAX].into_iter()));
        let arrays: Vec<[u8; 11]> = keys
            .iter()
            .map(|key| {
                let mut array = [7; 11];
                array[1..9].copy_from_slice(&key.to_be_bytes());
                array
            })
            .collect();
        check(name, &arrays, &probes(&arrays, [[0; 11], [255; 11]].into_iter()));
    }
}

#[test]
fn layers_compose_as_types() {
    for (name, keys) in distributions(2000, 5) {
        let lower = LinearLayer::build(&keys, 8).expect("sorted");
        let middle = BTreeLayer::build(&lower.entries(), 4).expect("valid");
        let upper = BTreeLayer::build(&middle.entries(), 4).expect("valid");
        let stack = Stack { upper, lower: Stack { upper: middle, lower } };
        let probes = probes(&keys, [0, u64::MAX].into_iter());
        let mut batch = vec![0; probes.len()];
        stack.lower_bound_batch(&keys, &probes, &mut batch);
        for (probe, together) in probes.into_iter().zip(batch) {
            assert_eq!(together, keys.partition_point(|key| *key < probe), "{name}, in a batch");
            assert_eq!(stack.lower_bound(&keys, probe), keys.partition_point(|key| *key < probe), "{name}");
        }
    }
}

#[test]
fn ready_made_compositions_agree() {
    fn agree<C: Config>(name: &str, keys: &[u64], probes: &[u64]) {
        let index = ComposedIndex::<u64, C>::build(keys).expect("sorted");
        let mut batch = vec![0; probes.len()];
        index.lower_bound_batch(keys, probes, &mut batch);
        for (&probe, together) in probes.iter().zip(batch) {
            let lower = keys.partition_point(|key| *key < probe);
            assert_eq!((index.lower_bound(keys, probe), together), (lower, lower), "{name} {probe}");
            assert_eq!(index.get(keys, probe).is_some(), keys.binary_search(&probe).is_ok(), "{name}");
        }
    }
    for (name, keys) in distributions(1500, 6) {
        let probes = probes(&keys, [0, u64::MAX].into_iter());
        agree::<Lines>(name, &keys, &probes);
        agree::<Lines<3>>(name, &keys, &probes);
        agree::<Spline>(name, &keys, &probes);
        agree::<Tree>(name, &keys, &probes);
    }
    assert!(ComposedIndex::<u8, Tree>::build(&[2, 1]).is_err());
}

#[test]
fn a_wrong_index_is_slow_but_never_wrong() {
    let built_over: Vec<u64> = (0..5000).map(|i| i * 7).collect();
    for policy in LayerKind::ALL.map(ForcePolicy) {
        let index = Index::build(&built_over, &policy).expect("sorted");
        for (name, keys) in distributions(777, 11) {
            for probe in probes(&keys, built_over.iter().step_by(50).copied()) {
                assert_eq!(index.lower_bound(&keys, probe), keys.partition_point(|k| *k < probe), "{name}");
                assert_eq!(index.get(&keys, probe).is_some(), keys.binary_search(&probe).is_ok());
            }
        }
    }
}

#[test]
fn unsorted_keys_are_refused() {
    let keys = [1u32, 2, 4, 3, 5];
    for policy in LayerKind::ALL.map(ForcePolicy) {
        let error = Index::build(&keys, &policy).expect_err("unsorted");
        assert_eq!(error, stroma_hybrid::Error::NotSorted { position: 3 });
    }
    assert!(Index::build(&keys, &CostModelPolicy::default()).is_err());
    assert!(LinearLayer::build(&keys, 4).is_err());
}

#[test]
fn the_policy_takes_lines_for_smooth_keys_and_a_tree_for_rough_ones() {
    let smooth: Vec<u64> = (0..200_000).map(|i| i * 10).collect();
    let index = Index::build(&smooth, &CostModelPolicy::default()).expect("sorted");
    assert_ne!(index.kind(), LayerKind::SPlus, "{}", index.explain());
    assert!(index.size_bytes() < 1000);
    // Clusters with gaps of wildly different widths: no line holds for more than a few keys.
    let rough = KeySet::Places.keys(200_000, 1);
    let index = Index::build(&rough, &CostModelPolicy::default()).expect("sorted");
    assert_eq!(index.kind(), LayerKind::SPlus, "{}", index.explain());
    assert!(index.explain().contains("the best other kind"), "{}", index.explain());
}

#[test]
fn measured_key_sets_are_right_too() {
    for set in KeySet::ALL {
        let keys = set.keys(20_000, 9);
        let probes = probes(&keys, [0, u64::MAX].into_iter());
        check(&format!("{set:?}"), &keys, &probes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn random_gaps(
        start in any::<u64>(),
        gaps in prop::collection::vec(
            prop_oneof![Just(0u64), 0u64..4, any::<u32>().prop_map(u64::from), any::<u64>()],
            0..400,
        ),
        more in prop::collection::vec(any::<u64>(), 0..20),
    ) {
        let mut keys: Vec<u64> = gaps
            .iter()
            .scan(start, |key, gap| { *key = key.wrapping_add(*gap); Some(*key) })
            .collect();
        keys.sort_unstable();
        check("random gaps", &keys, &probes(&keys, more.into_iter()));
        prop_assert_eq!(KeySource::<u64>::len(&keys), gaps.len());
    }
}
