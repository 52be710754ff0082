//! Random operations on small filters, compared with a `BTreeMap`; shapes so small that everything shifts.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use stroma_quotient::{Builder, CountingFilter, Error, Shape};

#[derive(Debug, Clone)]
enum Operation {
    Add(u64, u64),
    Set(u64, u64),
    Remove(u64, u64),
    Grow,
}

fn counts() -> impl Strategy<Value = u64> {
    let wide = any::<u32>().prop_map(u64::from);
    prop_oneof![4 => Just(1u64), 3 => 0u64..5, 2 => 0u64..300, 1 => wide, 1 => any::<u64>()]
}

fn operations(length: usize) -> impl Strategy<Value = Vec<Operation>> {
    // Keys are folded to the shape's width later; small ones crowd together at the front.
    let key = || prop_oneof![any::<u64>(), any::<u64>(), 0u64..64, Just(u64::MAX)];
    let operation = prop_oneof![
        8 => (key(), counts()).prop_map(|(key, count)| Operation::Add(key, count)),
        3 => (key(), counts()).prop_map(|(key, count)| Operation::Set(key, count)),
        4 => (key(), counts()).prop_map(|(key, count)| Operation::Remove(key, count)),
        1 => Just(Operation::Grow),
    ];
    prop::collection::vec(operation, 0..length)
}

fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![(1u32..8, 1u32..8), (1u32..7, Just(42u32)), Just((2, 62)), Just((7, 57)), Just((6, 2)),]
        .prop_map(|(quotient_bits, remainder_bits)| Shape { quotient_bits, remainder_bits })
}

/// All keys, and that the slots are sound and canonical.
fn check(filter: &CountingFilter, model: &BTreeMap<u64, u64>) {
    assert!(filter.iter().eq(model.iter().map(|(key, count)| (*key, *count))), "{filter:?} {model:?}");
    assert_eq!(filter.distinct(), model.len() as u64);
    assert_eq!(filter.len(), model.values().sum::<u64>());
    let opened = CountingFilter::open(&filter.to_bytes()).expect("sound");
    assert!(opened == *filter, "not canonical: {filter:?}");
    for (key, count) in model {
        assert_eq!(filter.count(*key), *count);
    }
}

fn apply(filter: &mut CountingFilter, model: &mut BTreeMap<u64, u64>, operation: &Operation) {
    let mask = u64::MAX >> (64 - filter.shape().key_bits());
    let total: u64 = model.values().sum();
    match *operation {
        Operation::Add(key, count) => {
            let key = key & mask;
            match filter.add(key, count) {
                Ok(new) => {
                    assert_eq!(new, model.get(&key).copied().unwrap_or(0) + count);
                    if new > 0 {
                        model.insert(key, new);
                    }
                }
                Err(Error::CountOverflow { .. }) => assert!(total.checked_add(count).is_none()),
                Err(error) => assert!(matches!(error, Error::Full { .. }), "{error}"),
            }
        }
        Operation::Set(key, count) => {
            let key = key & mask;
            let old = model.get(&key).copied().unwrap_or(0);
            match filter.set(key, count) {
                Ok(before) => {
                    assert_eq!(before, old);
                    if count > 0 {
                        model.insert(key, count)
                    } else {
                        model.remove(&key)
                    };
                }
                Err(Error::CountOverflow { .. }) => assert!((total - old).checked_add(count).is_none()),
                Err(error) => assert!(matches!(error, Error::Full { .. }), "{error}"),
            }
        }
        Operation::Remove(key, count) => {
            // Half of the removals aim at a key that is there.
            let key = if key % 2 == 0 {
                key & mask
            } else {
                model.keys().nth(key as usize % 7).copied().unwrap_or(0)
            };
            let left = model.get(&key).copied().unwrap_or(0).saturating_sub(count);
            assert_eq!(filter.remove(key, count).expect("narrow enough"), left);
            if left > 0 {
                model.insert(key, left)
            } else {
                model.remove(&key)
            };
        }
        Operation::Grow => {
            if filter.shape().quotient_bits < 9 {
                match filter.grow() {
                    Ok(()) | Err(Error::CannotGrow { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn agrees_with_a_map(shape in shapes(), operations in operations(250)) {
        let mut filter = CountingFilter::new(shape).expect("possible");
        let mut model = BTreeMap::new();
        for (step, operation) in operations.iter().enumerate() {
            apply(&mut filter, &mut model, operation);
            if step % 8 == 0 {
                check(&filter, &model);
            }
        }
        check(&filter, &model);
        let mask = u64::MAX >> (64 - filter.shape().key_bits());
        for key in (0..200).map(|probe: u64| probe.wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask) {
            prop_assert_eq!(filter.count(key), model.get(&key).copied().unwrap_or(0));
        }
        // A builder fed in order makes the same filter.
        let mut builder = Builder::new(filter.shape()).expect("possible");
        for (key, count) in &model {
            builder.push(*key, *count).expect("fits as it did");
        }
        prop_assert!(builder.finish() == filter);
    }

    #[test]
    fn merging_adds_up(parts in prop::collection::vec((shapes(), operations(80)), 1..5)) {
        let key_bits = parts[0].0.key_bits();
        let (mut filters, mut sum) = (Vec::new(), BTreeMap::new());
        for (shape, operations) in &parts {
            let remainder_bits = key_bits.saturating_sub(shape.quotient_bits).clamp(1, 62);
            let shape = Shape { quotient_bits: key_bits - remainder_bits, remainder_bits };
            let mut filter = CountingFilter::new(shape).expect("possible");
            let mut model = BTreeMap::new();
            operations.iter().for_each(|operation| apply(&mut filter, &mut model, operation));
            filters.push(filter);
            for (key, count) in model {
                let entry = sum.entry(key).or_insert(0u128);
                *entry += u128::from(count);
            }
        }
        match CountingFilter::merge(&filters) {
            Ok(merged) => {
                let sum: BTreeMap<u64, u64> = sum.iter().map(|(key, count)| (*key, *count as u64)).collect();
                check(&merged, &sum);
                prop_assert!(CountingFilter::merged(&filters).expect("one width").eq(sum));
            }
            Err(Error::CountOverflow { .. }) => {
                prop_assert!(sum.values().sum::<u128>() > u128::from(u64::MAX));
            }
            Err(error) => prop_assert!(matches!(error, Error::Full { .. }), "{}", error),
        }
    }
}

/// Fills a filter to the last slot, refuses, and empties it again.
#[test]
fn full_to_the_last_slot_and_back() {
    for (quotient_bits, remainder_bits) in [(1, 20), (5, 10), (6, 42), (9, 3)] {
        let shape = Shape { quotient_bits, remainder_bits };
        let mut filter = CountingFilter::new(shape).expect("possible");
        let mut model = BTreeMap::new();
        let mut refused = 0;
        let mask = u64::MAX >> (64 - shape.key_bits());
        for step in 0..4000u64 {
            let key = step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 3 & mask;
            let before = filter.clone();
            match filter.add(key, step % 5 + 1) {
                Ok(new) => drop(model.insert(key, new)),
                Err(Error::Full { .. }) => {
                    refused += 1;
                    assert!(filter == before, "a refusal changes nothing");
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(refused > 0, "{shape:?}");
        check(&filter, &model);
        let keys: Vec<u64> = model.keys().copied().collect();
        for (step, key) in keys.iter().enumerate() {
            let key = if step % 2 == 0 { *key } else { keys[keys.len() - 1 - step] };
            if let Some(count) = model.remove(&key) {
                assert_eq!(filter.remove(key, count).expect("narrow"), 0);
            }
            if step % 16 == 0 {
                check(&filter, &model);
            }
        }
        for (key, count) in std::mem::take(&mut model) {
            filter.remove(key, count).expect("narrow");
        }
        assert!(filter == CountingFilter::new(shape).expect("possible"), "empty again, to the bit");
    }
}

/// Keys that crowd together push runs past whole blocks, so that offsets no longer fit their byte.
#[test]
fn crowds_longer_than_an_offset_can_say() {
    let shape = Shape { quotient_bits: 11, remainder_bits: 20 };
    let mut filter = CountingFilter::new(shape).expect("possible");
    let mut model = BTreeMap::new();
    for step in 0..1500u64 {
        let key = ((step % 3) << 20) + step * 7 % (1 << 20) + ((step % 97 / 96) << 24);
        *model.entry(key).or_insert(0) += step % 4 + 1;
        filter.add(key, step % 4 + 1).expect("room");
    }
    check(&filter, &model);
    for key in (0..64u64).map(|quotient| quotient << 20) {
        assert_eq!(filter.count(key), model.get(&key).copied().unwrap_or(0));
    }
    for key in model.keys().copied().step_by(2).collect::<Vec<_>>() {
        filter.set(key, 0).expect("shrinks");
        model.remove(&key);
    }
    check(&filter, &model);
}

/// The shape of 62-bit k-mers among a million, at 95 % load.
#[test]
fn large_remainders_at_high_load() {
    let shape = Shape { quotient_bits: 12, remainder_bits: 50 };
    let mix = stroma_quotient::InvertibleHash::new(62, 3);
    let mut filter = CountingFilter::new(shape).expect("possible");
    let mut model = BTreeMap::new();
    for key in 0.. {
        if filter.load() >= 0.95 {
            break;
        }
        filter.insert(mix.hash(key)).expect("room at 95 %");
        model.insert(mix.hash(key), 1);
    }
    assert!(model.len() > 3800);
    check(&filter, &model);
}

#[test]
fn wrong_use_is_told() {
    let shape = Shape { quotient_bits: 4, remainder_bits: 4 };
    let mut filter = CountingFilter::new(shape).expect("possible");
    assert!(matches!(filter.insert(256), Err(Error::KeyTooWide { .. })));
    assert_eq!(filter.count(256), 0);
    for (quotient_bits, remainder_bits) in [(0, 5), (5, 0), (2, 63), (30, 40), (41, 3)] {
        assert!(CountingFilter::new(Shape { quotient_bits, remainder_bits }).is_err());
    }
    let mut builder = Builder::new(shape).expect("possible");
    builder.push(9, 1).expect("first");
    assert!(matches!(builder.push(9, 1), Err(Error::NotAscending { .. })));
    assert!(matches!(CountingFilter::merge([]), Err(Error::DifferentKeys { .. })));
    let other = CountingFilter::new(Shape { quotient_bits: 4, remainder_bits: 5 }).expect("possible");
    assert!(matches!(CountingFilter::merge([&filter, &other]), Err(Error::DifferentKeys { .. })));
    assert!(CountingFilter::with_capacity(1000, 8).is_ok());
    assert_eq!(CountingFilter::with_capacity(950_000, 62).expect("possible").shape().quotient_bits, 20);
}
