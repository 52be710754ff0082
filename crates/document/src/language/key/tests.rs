//! The order of keys is the order of values: known ladders, and random values of all types.

use super::*;
use crate::language::value::compare;
use bson::{Bson, Decimal128, bson, doc, oid::ObjectId};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::str::FromStr;

fn key(value: &Bson) -> Vec<u8> {
    let mut key = Vec::new();
    encode_value(value, Direction::Ascending, &mut key);
    key
}

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(Decimal128::from_str(text).unwrap())
}

fn assert_ladder(values: &[Bson]) {
    for (i, a) in values.iter().enumerate() {
        for (j, b) in values.iter().enumerate() {
            assert_eq!(compare(a, b), i.cmp(&j), "compare {a:?} {b:?}");
            assert_eq!(key(a).cmp(&key(b)), i.cmp(&j), "key {a:?} {b:?}");
        }
    }
}

#[test]
fn types_follow_mongodbs_order() {
    assert_ladder(&[
        Bson::MinKey,
        Bson::Undefined,
        Bson::Null,
        bson!(1),
        bson!("1"),
        bson!({"a": 1}),
        bson!([1]),
        Bson::Binary(bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![1] }),
        Bson::ObjectId(ObjectId::from_bytes([1; 12])),
        bson!(false),
        bson!(true),
        Bson::DateTime(bson::DateTime::from_millis(-1)),
        Bson::DateTime(bson::DateTime::from_millis(0)),
        Bson::Timestamp(bson::Timestamp { time: 0, increment: 1 }),
        Bson::JavaScriptCode("x".into()),
        Bson::MaxKey,
    ]);
}

#[test]
fn numbers_compare_exactly_across_types() {
    assert_ladder(&[
        Bson::Double(f64::NAN),
        Bson::Double(f64::NEG_INFINITY),
        decimal("-1E+400"),
        Bson::Double(f64::MIN),
        Bson::Int64(i64::MIN),
        Bson::Int64(-9_007_199_254_740_993),
        Bson::Double(-9_007_199_254_740_992.0),
        decimal("-0.1"),
        decimal("-1E-6000"),
        Bson::Int32(0),
        decimal("1E-6000"),
        Bson::Double(5e-324),
        decimal("0.1"),
        Bson::Double(0.1),
        decimal("0.10000000000000001"),
        decimal("0.25"),
        Bson::Double(9_007_199_254_740_992.0),
        Bson::Int64(9_007_199_254_740_993),
        decimal("9007199254740993.5"),
        Bson::Double(9_007_199_254_740_994.0),
        Bson::Int64(i64::MAX),
        Bson::Double(9_223_372_036_854_775_808.0),
        Bson::Double(f64::MAX),
        decimal("1E+400"),
        Bson::Double(f64::INFINITY),
    ]);
    for equal in [
        [bson!(1), Bson::Int64(1)],
        [bson!(1), decimal("1.000")],
        [bson!(0.5), decimal("0.5")],
        [bson!(0), bson!(-0.0)],
        [bson!(0), decimal("-0E+5")],
        [Bson::Int64(9_007_199_254_740_993), decimal("9007199254740993")],
        [Bson::Double(f64::NAN), decimal("NaN")],
        [Bson::Double(f64::INFINITY), decimal("Infinity")],
    ] {
        assert_eq!(compare(&equal[0], &equal[1]), Ordering::Equal, "{equal:?}");
        assert_eq!(key(&equal[0]), key(&equal[1]), "{equal:?}");
    }
}

#[test]
fn strings_documents_and_arrays_are_ladders() {
    assert_ladder(&[
        bson!(""),
        bson!("\0"),
        bson!("\0\0"),
        bson!("\0a"),
        bson!("a"),
        bson!("a\0"),
        bson!("ab"),
    ]);
    assert_ladder(&[
        bson!({}),
        bson!({"b": 1}),
        bson!({"b": 1, "c": 1}),
        bson!({"b": 2}),
        bson!({"c": 0}),
        bson!({"a": "text"}),
    ]);
    assert_ladder(&[bson!([]), bson!([1]), bson!([1, 0]), bson!([1, "a"]), bson!([2]), bson!([[]])]);
}

#[test]
fn a_bracket_bounds_its_keys() {
    let (low, high) = bracket_bounds(&bson!("x"), Direction::Ascending);
    assert!(low <= key(&bson!("")) && key(&bson!("zzz")) < high);
    let (low, high) = bracket_bounds(&bson!("x"), Direction::Descending);
    let mut descending = Vec::new();
    encode_value(&bson!("zzz"), Direction::Descending, &mut descending);
    assert!(low <= descending && descending < high);
}

pub(crate) fn any_number() -> impl Strategy<Value = Bson> {
    prop_oneof![
        any::<i32>().prop_map(Bson::Int32),
        (-3i32..3).prop_map(Bson::Int32),
        any::<i64>().prop_map(Bson::Int64),
        (-3i64..3).prop_map(|near| Bson::Int64(near + (1 << 53))),
        any::<f64>().prop_map(Bson::Double),
        (-6i32..6).prop_map(|eighths| Bson::Double(f64::from(eighths) / 8.0)),
        (-6i64..6).prop_map(|near| Bson::Double(((1i64 << 53) + near) as f64)),
        (any::<i64>(), -25i32..5).prop_map(|(c, e)| decimal(&format!("{c}E{e}"))),
        (-60i32..60, -3i32..1).prop_map(|(c, e)| decimal(&format!("{c}E{e}"))),
        (-3i64..3).prop_map(|near| decimal(&format!("{}", near + (1 << 53)))),
    ]
}

pub(crate) fn any_value() -> impl Strategy<Value = Bson> {
    let leaf = prop_oneof![
        4 => any_number(),
        2 => "[\\x00ab]{0,3}".prop_map(Bson::String),
        1 => prop_oneof![
            Just(Bson::Null), Just(Bson::MinKey), Just(Bson::MaxKey), any::<bool>().prop_map(Bson::Boolean),
            any::<i64>().prop_map(|millis| Bson::DateTime(bson::DateTime::from_millis(millis))),
            any::<[u8; 12]>().prop_map(|bytes| Bson::ObjectId(ObjectId::from_bytes(bytes))),
            prop::collection::vec(any::<u8>(), 0..3).prop_map(|bytes| Bson::Binary(bson::Binary {
                subtype: bson::spec::BinarySubtype::Generic, bytes })),
        ],
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Bson::Array),
            prop::collection::vec(("[ab]", inner), 0..3)
                .prop_map(|fields| Bson::Document(fields.into_iter().collect::<bson::Document>())),
        ]
    })
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn key_order_is_value_order(a in any_value(), b in any_value()) {
        let expected = compare(&a, &b);
        prop_assert_eq!(key(&a).cmp(&key(&b)), expected);
        prop_assert_eq!(compare(&b, &a), expected.reverse());
        let (mut left, mut right) = (Vec::new(), Vec::new());
        encode_value(&a, Direction::Descending, &mut left);
        encode_value(&b, Direction::Descending, &mut right);
        prop_assert_eq!(left.cmp(&right), expected.reverse());
    }

    #[test]
    fn numbers_keep_their_order(mut values in prop::collection::vec(any_number(), 3)) {
        values.sort_by(compare);
        prop_assert!(key(&values[0]) <= key(&values[1]) && key(&values[1]) <= key(&values[2]));
        prop_assert_eq!(key(&values[0]).cmp(&key(&values[2])), compare(&values[0], &values[2]));
    }

    #[test]
    fn no_key_is_a_prefix_of_another(a in any_value(), b in any_value()) {
        let (a_key, b_key) = (key(&a), key(&b));
        if compare(&a, &b) != Ordering::Equal {
            prop_assert!(!a_key.starts_with(&b_key) && !b_key.starts_with(&a_key));
        }
    }
}

#[test]
fn documents_with_the_same_fields_in_another_order_differ() {
    let (a, b) = (doc! {"x": 1, "y": 1}, doc! {"y": 1, "x": 1});
    assert_ne!(key(&Bson::Document(a.clone())), key(&Bson::Document(b.clone())));
    assert!(!crate::language::value::equal_documents(&a, &b));
}
