//! Every key that is there is found, and none that is not: key sets on which indexes of lines are known to fail.
//!
//! They lose keys where a position or a key is rounded to 53 bits, where a slope is rounded once too often
//! between far keys, where a run of equal keys is longer than the window, where the sentinel is the largest
//! value of the type, and where a prediction runs past the start of the next line.

use stroma_hybrid::{CostModelPolicy, ForcePolicy, Index, Key, LayerKind, LayerPlan};

/// Indexes of every kind, and of lines of several widths.
fn indexes<K: Key>(keys: &[K]) -> Vec<Index<K>> {
    let mut all: Vec<Index<K>> =
        LayerKind::ALL.map(|kind| Index::build(keys, &ForcePolicy(kind)).expect("sorted")).into();
    for epsilon in [1, 2, 31, 64, 300] {
        let lines = [LayerPlan::Linear { epsilon }, LayerPlan::SPlus { fanout: 1 }];
        all.push(Index::with_plans(keys, &lines).expect("sorted"));
        all.push(Index::with_plans(keys, &[LayerPlan::RadixSpline { epsilon }]).expect("sorted"));
    }
    all.push(Index::build(keys, &CostModelPolicy::default()).expect("sorted"));
    all
}

fn all_are_found<K: Key>(keys: &[K]) {
    assert!(keys.is_sorted());
    for index in indexes(keys) {
        let mut batch = vec![0; keys.len()];
        index.lower_bound_batch(keys, keys, &mut batch);
        let mut first = 0;
        for (position, key) in keys.iter().enumerate() {
            if position > 0 && keys[position - 1] < *key {
                first = position;
            }
            assert_eq!(index.get(keys, *key), Some(first), "{key:?} in {}", index.explain());
            assert_eq!(batch[position], first, "{key:?} in {}", index.explain());
            let candidates = index.candidates(*key);
            assert!(candidates.start <= first && first <= candidates.end, "{key:?} in {}", index.explain());
            if let Some(behind) = key.successor()
                && keys.get(first + 1) != Some(&behind)
                && keys.binary_search(&behind).is_err()
            {
                assert_eq!(index.get(keys, behind), None);
            }
        }
    }
}

#[test]
fn beyond_53_bits() {
    for start in [(1u64 << 53) - 700, 1 << 60, u64::MAX - 1500] {
        for step in [1, 3, 512] {
            let keys: Vec<u64> = (0..1500).filter_map(|at| start.checked_add(at * step)).collect();
            all_are_found(&keys);
        }
    }
    let signed: Vec<i64> =
        (0..1500).map(|at| i64::MIN + at).chain((0..1500).map(|at| i64::MAX - 1499 + at)).collect();
    all_are_found(&signed);
    let wide: Vec<u128> = (0..1500).map(|at| u128::MAX - (1499 - at) * (1 << 70)).collect();
    all_are_found(&wide);
}

#[test]
fn both_ends_of_the_type() {
    all_are_found(&[0u64]);
    all_are_found(&[u64::MAX]);
    all_are_found(&[0, u64::MAX]);
    all_are_found(&[0, 1, u64::MAX - 1, u64::MAX]);
    let near_the_end: Vec<u32> = (0..2000).map(|at| u32::MAX - 1999 + at).collect();
    all_are_found(&near_the_end);
    let far_jump: Vec<u64> = (0..1000).chain((0..1000).map(|at| (1 << 63) + at)).chain([u64::MAX]).collect();
    all_are_found(&far_jump);
    let whole_type: Vec<u8> = (0..=255).collect();
    all_are_found(&whole_type);
}

#[test]
fn runs_longer_than_any_window() {
    let mut keys: Vec<u64> = (0..500).collect();
    keys.extend([500; 2000]);
    keys.extend(501..700);
    keys.extend([1 << 40; 1500]);
    keys.extend([u64::MAX; 1200]);
    all_are_found(&keys);
    all_are_found(&[7u64; 3000]);
    all_are_found(&[u64::MAX; 100]);
    let pairs: Vec<u64> = (0..2000).map(|at| at / 2 * 977).collect();
    all_are_found(&pairs);
}

#[test]
fn steep_after_flat_and_flat_after_steep() {
    let mut keys: Vec<u64> = (0..40).map(|at| at << 58).filter(|key| *key > 0).collect();
    keys.extend((0..1000).map(|at| (20 << 58) + at));
    keys.extend((0..200).map(|at| (21 << 58) + at * at * at));
    keys.sort_unstable();
    all_are_found(&keys);
    let powers: Vec<u64> = (0..64).map(|at| 1 << at).collect();
    all_are_found(&powers);
}
