//! Random operations on small filters, compared with a `BTreeMap`; shapes so small that everything shifts.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use stroma_quotient::{Counted, Entry, Error, Key, QuotientFilter, Shape, SortedBuilder};

#[derive(Debug, Clone)]
enum Operation {
    Add(u128, u64),
    Set(u128, u64),
    Remove(u128, u64),
    Put(u128, u64),
    Grow,
    Shrink,
}

type Model = BTreeMap<u128, Counted>;

fn counts() -> impl Strategy<Value = u64> {
    let wide = any::<u32>().prop_map(u64::from);
    prop_oneof![4 => Just(1u64), 3 => 0u64..5, 2 => 0u64..300, 1 => wide, 1 => any::<u64>()]
}

fn operations(length: usize) -> impl Strategy<Value = Vec<Operation>> {
    // Keys are folded to the shape's width later; small ones crowd together at the front.
    let key = || prop_oneof![any::<u128>(), any::<u128>(), 0u128..64, Just(u128::MAX)];
    let operation = prop_oneof![
        16 => (key(), counts()).prop_map(|(key, count)| Operation::Add(key, count)),
        6 => (key(), counts()).prop_map(|(key, count)| Operation::Set(key, count)),
        8 => (key(), counts()).prop_map(|(key, count)| Operation::Remove(key, count)),
        6 => (key(), any::<u64>()).prop_map(|(key, value)| Operation::Put(key, value)),
        1 => Just(Operation::Grow),
        1 => Just(Operation::Shrink),
    ];
    prop::collection::vec(operation, 0..length)
}

/// Shapes whose slots fit 64 bits.
fn narrow_shapes() -> impl Strategy<Value = Shape> {
    let widths = prop_oneof![2u32..16, Just(46u32), 58u32..=64];
    let values = prop_oneof![3 => Just(0u32), 1 => 1u32..6];
    (widths, 2u64..200, values).prop_map(|(key_bits, slots, values)| {
        let shape = Shape::new(key_bits, slots.min(1 << (key_bits - 1))).expect("possible");
        shape.with_value_bits(values.min(64 - shape.remainder_bits()))
    })
}

fn wide_shapes() -> impl Strategy<Value = Shape> {
    let values = prop_oneof![1 => Just(0u32), 1 => 1u32..64];
    (7u32..=128, 2u64..64, values).prop_map(|(key_bits, slots, values)| {
        let shape = Shape::new(key_bits, slots).expect("possible");
        shape.with_value_bits(values.min(128 - shape.remainder_bits()))
    })
}

fn mask(bits: u32) -> u128 {
    if bits == 0 { 0 } else { u128::MAX >> (128 - bits) }
}

/// A number cut to the width of the filter's keys.
fn cut<K: Key>(key: u128, shape: Shape) -> K {
    let key = key & mask(shape.key_bits());
    let low = K::from(key as u64);
    if K::BITS == 64 { low } else { low | K::from((key >> 64) as u64) << (K::BITS / 2) }
}

/// All keys, and that the slots are sound and canonical.
fn check<K: Key>(filter: &QuotientFilter<K>, model: &Model) {
    let said = filter.iter().map(|entry| (entry.key.into(), entry.counted()));
    assert!(said.eq(model.iter().map(|(key, counted)| (*key, *counted))), "{filter:?} {model:?}");
    assert_eq!(filter.distinct(), model.len() as u64);
    assert_eq!(filter.len(), model.values().map(|counted| counted.count).sum::<u64>());
    let bytes = filter.to_bytes();
    assert_eq!(bytes.len() as u64, filter.stored_bytes());
    let opened = QuotientFilter::<K, &[u8]>::open(&bytes).expect("sound");
    assert!(opened == *filter, "not canonical: {filter:?}");
    assert!(opened.iter().eq(filter.iter()));
    for (key, counted) in model {
        assert_eq!(opened.get(cut(*key, filter.shape())), *counted);
    }
    let parts: Vec<Entry<K>> = filter.iter_parts(3).into_iter().flatten().collect();
    assert!(parts.into_iter().eq(filter.iter()));
}

/// A refusal that the model understands.
fn refused(error: &Error, total: Option<u64>) {
    match error {
        Error::CountOverflow { .. } => assert!(total.is_none()),
        error => assert!(matches!(error, Error::Full { .. }), "{error}"),
    }
}

fn set_model(model: &mut Model, key: u128, counted: Counted) {
    if counted.count > 0 {
        model.insert(key, counted);
    } else {
        model.remove(&key);
    }
}

fn apply<K: Key>(filter: &mut QuotientFilter<K>, model: &mut Model, operation: &Operation) {
    let shape = filter.shape();
    let total: u64 = model.values().map(|counted| counted.count).sum();
    let old = |model: &Model, key: u128| model.get(&key).copied().unwrap_or_default();
    match *operation {
        Operation::Add(key, count) => {
            let (key, old) = (cut::<K>(key, shape), old(model, cut::<K>(key, shape).into()));
            match filter.add(key, count) {
                Ok(new) => {
                    assert_eq!(new, old.count + count);
                    set_model(model, key.into(), Counted { count: new, ..old });
                }
                Err(error) => refused(&error, total.checked_add(count)),
            }
        }
        Operation::Set(key, count) => {
            let (key, old) = (cut::<K>(key, shape), old(model, cut::<K>(key, shape).into()));
            match filter.set(key, count) {
                Ok(before) => {
                    assert_eq!(before, old.count);
                    set_model(model, key.into(), Counted { count, ..old });
                }
                Err(error) => refused(&error, (total - old.count).checked_add(count)),
            }
        }
        Operation::Remove(key, count) => {
            // Half of the removals aim at a key that is there.
            let nth = |model: &Model| model.keys().nth(key as usize % 7).copied().unwrap_or(0);
            let key = cut::<K>(if key % 2 == 0 { key } else { nth(model) }, shape);
            let old = old(model, key.into());
            let left = old.count.saturating_sub(count);
            assert_eq!(filter.remove(key, count).expect("narrow enough"), left);
            set_model(model, key.into(), Counted { count: left, ..old });
        }
        Operation::Put(key, value) => {
            let value = value & mask(shape.value_bits()) as u64;
            let (key, old) = (cut::<K>(key, shape), old(model, cut::<K>(key, shape).into()));
            match filter.put(key, value) {
                Ok(before) => {
                    assert_eq!(before, old);
                    set_model(model, key.into(), Counted { count: old.count.max(1), value });
                }
                Err(error) => refused(&error, (total - old.count).checked_add(old.count.max(1))),
            }
        }
        Operation::Grow if shape.home_slots() < 512 => match filter.grow() {
            Ok(()) | Err(Error::BadShape { .. }) => {}
            Err(error) => panic!("{error}"),
        },
        Operation::Grow => {}
        Operation::Shrink => filter.shrink_to_fit().expect("memory"),
    }
}

fn agrees_with_a_map<K: Key>(shape: Shape, operations: &[Operation]) {
    let mut filter = QuotientFilter::<K>::new(shape).expect("possible");
    let mut model = Model::new();
    for (step, operation) in operations.iter().enumerate() {
        apply(&mut filter, &mut model, operation);
        if step % 8 == 0 {
            check(&filter, &model);
        }
    }
    check(&filter, &model);
    let mixed = |probe: u128| cut::<K>(probe.wrapping_mul(0x9e37_79b9_7f4a_7c15_0123_4567), filter.shape());
    let probes: Vec<K> = (0..200).map(mixed).chain(filter.iter().map(|entry| entry.key)).collect();
    let mut answers = Vec::new();
    filter.get_all(&probes, &mut answers);
    for (key, answer) in probes.iter().zip(answers) {
        assert_eq!(answer, model.get(&(*key).into()).copied().unwrap_or_default());
        assert_eq!(answer, filter.get(*key));
    }
    // A builder fed in order makes the same filter, in memory and as a stream.
    let mut builder = SortedBuilder::<K>::new(filter.shape()).expect("possible");
    let mut streamed = SortedBuilder::to_writer(filter.shape(), Vec::new()).expect("possible");
    for entry in &filter {
        builder.push_entry(entry).expect("fits as it did");
        streamed.push_entry(entry).expect("fits as it did");
    }
    assert!(builder.finish().expect("memory") == filter);
    assert_eq!(streamed.finish_writing().expect("memory"), filter.to_bytes());
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Default::default() }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn keys_of_64_bits_agree_with_a_map(shape in narrow_shapes(), operations in operations(250)) {
        agrees_with_a_map::<u64>(shape, &operations);
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn keys_of_128_bits_agree_with_a_map(shape in wide_shapes(), operations in operations(250)) {
        agrees_with_a_map::<u128>(shape, &operations);
    }
}

fn test_shape(quotient_bits: u32, remainder_bits: u32) -> Shape {
    Shape::new(quotient_bits + remainder_bits, 1 << quotient_bits).expect("possible")
}

/// Fills a filter to the last slot, refuses, and empties it again.
#[test]
fn full_to_the_last_slot_and_back() {
    for (quotient_bits, remainder_bits) in [(1, 20), (5, 10), (6, 42), (9, 3)] {
        let shape = test_shape(quotient_bits, remainder_bits);
        let mut filter = QuotientFilter::<u64>::new(shape).expect("possible");
        let (mut model, mut refusals) = (Model::new(), 0);
        for step in 0..4000u64 {
            let key = cut::<u64>(u128::from(step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 3), shape);
            let before = filter.clone();
            match filter.add(key, step % 5 + 1) {
                Ok(count) => drop(model.insert(key.into(), Counted { count, value: 0 })),
                Err(Error::Full { .. }) => {
                    refusals += 1;
                    assert!(filter == before, "a refusal changes nothing");
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(refusals > 0, "{shape:?}");
        check(&filter, &model);
        let keys: Vec<u128> = model.keys().copied().collect();
        for (step, key) in keys.iter().enumerate() {
            let key = if step % 2 == 0 { *key } else { keys[keys.len() - 1 - step] };
            if let Some(Counted { count, .. }) = model.remove(&key) {
                assert_eq!(filter.remove(key as u64, count).expect("narrow"), 0);
            }
            if step % 16 == 0 {
                check(&filter, &model);
            }
        }
        for (key, Counted { count, .. }) in std::mem::take(&mut model) {
            filter.remove(key as u64, count).expect("narrow");
        }
        assert!(filter == QuotientFilter::new(shape).expect("possible"), "empty again, to the bit");
    }
}

/// Keys that crowd together push runs past whole blocks, so that offsets no longer fit their byte: while they
/// are put in, while they are there, while they are taken out again.
#[test]
fn crowds_longer_than_an_offset_can_say() {
    let shape = test_shape(11, 20);
    let mut filter = QuotientFilter::<u64>::new(shape).expect("possible");
    let mut model = Model::new();
    for step in 0..1000u64 {
        let key = ((step % 3) << 20) + step * 7 % (1 << 20) + ((step % 97 / 96) << 24);
        let count = filter.add(key, step % 4 + 1).expect("room");
        model.insert(key.into(), Counted { count, value: 0 });
        if step % 100 == 0 {
            check(&filter, &model);
        }
    }
    check(&filter, &model);
    for key in (0..64u64).map(|quotient| quotient << 20) {
        assert_eq!(filter.get(key), model.get(&key.into()).copied().unwrap_or_default());
    }
    for (step, key) in model.keys().copied().step_by(2).collect::<Vec<_>>().into_iter().enumerate() {
        filter.set(key as u64, 0).expect("shrinks");
        model.remove(&key);
        if step % 100 == 0 {
            check(&filter, &model);
        }
    }
    check(&filter, &model);
}

/// Sound at 95 % load, and far beyond, to the last slot, where offsets pass what a byte says.
#[test]
fn high_and_higher_loads() {
    let shape = test_shape(14, 24);
    let mix = stroma_quotient::InvertibleHash::new(shape.key_bits(), 3);
    let mut filter = QuotientFilter::<u64>::new(shape).expect("possible");
    let mut model = Model::new();
    let mut at_95 = false;
    for key in 0.. {
        if filter.load() >= 0.95 && !at_95 {
            at_95 = true;
            check(&filter, &model);
        }
        match filter.insert(mix.hash(key)) {
            Ok(()) => drop(model.insert(mix.hash(key).into(), Counted { count: 1, value: 0 })),
            Err(error) => {
                assert!(matches!(error, Error::Full { .. }), "{error}");
                break;
            }
        }
    }
    assert!(at_95 && filter.load() > 0.98, "{}", filter.load());
    check(&filter, &model);
    let order: Vec<u128> = model.keys().copied().collect();
    for key in order.iter().filter(|key| **key % 5 > 0) {
        assert_eq!(filter.remove(*key as u64, 1).expect("narrow"), 0);
        model.remove(key);
    }
    check(&filter, &model);
}

#[test]
fn wrong_use_is_told() {
    let shape = test_shape(4, 4);
    let mut filter = QuotientFilter::<u64>::new(shape).expect("possible");
    assert!(matches!(filter.insert(256), Err(Error::KeyTooWide { .. })));
    assert!(matches!(filter.put(1, 1), Err(Error::ValueTooWide { .. })));
    assert_eq!(filter.count(256), 0);
    for (key_bits, slots) in [(1, 2), (8, 1), (8, 129), (129, 4), (64, (1 << 40) + 1)] {
        assert!(Shape::new(key_bits, slots).is_err(), "{key_bits} {slots}");
    }
    let wide = Shape::new(65, 64).expect("for wide keys");
    assert!(QuotientFilter::<u64>::new(wide).is_err());
    let valued = Shape::new(64, 64).expect("possible").with_value_bits(7);
    assert!(QuotientFilter::<u64>::new(valued).is_err(), "a slot of 65 bits");
    assert!(QuotientFilter::<u128>::new(valued).is_ok());
    let mut builder = SortedBuilder::<u64>::new(shape).expect("possible");
    builder.push(9, 1).expect("first");
    assert!(matches!(builder.push(9, 1), Err(Error::NotAscending { .. })));
    for too_wide in [256, 1 << 57, u64::MAX - 2, u64::MAX] {
        assert!(matches!(builder.push(too_wide, 1), Err(Error::KeyTooWide { .. })));
    }
    let stopped = filter.insert_all(&[1, 2, 256, 3]).expect_err("too wide");
    assert!(stopped.done == 2 && filter.contains(2) && !filter.contains(3), "{stopped}");
    assert!(QuotientFilter::<u64>::with_capacity(1000, 8).is_ok());
    let planned = QuotientFilter::<u64>::with_capacity(950_000, 62).expect("possible").shape().home_slots();
    assert!((1_000_000..1_010_000).contains(&planned), "{planned}");
}
