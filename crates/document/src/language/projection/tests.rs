//! MongoDB's documented behaviour of projections, case by case.

use super::*;
use crate::language::value::equal_documents;
use bson::doc;

#[track_caller]
fn check(projection: Document, document: Document, expected: Document) {
    let result = Projection::parse(&projection).unwrap().apply(&document).unwrap();
    assert!(equal_documents(&result, &expected), "{projection} gave {result}, not {expected}");
}

#[track_caller]
fn fails(projection: Document, code: i32) {
    let error = Projection::parse(&projection).unwrap_err();
    assert_eq!(error.code(), code, "{projection}: {error}");
}

#[test]
fn inclusion() {
    let document = doc! {"_id": 1, "a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 1, "g": 2}, 5, [{"f": 3}]]};
    check(doc! {}, document.clone(), document.clone());
    check(doc! {"a": 1}, document.clone(), doc! {"_id": 1, "a": 1});
    check(doc! {"a": true, "_id": 0}, document.clone(), doc! {"a": 1});
    check(doc! {"_id": 1}, document.clone(), doc! {"_id": 1});
    check(doc! {"b.c": 1}, document.clone(), doc! {"_id": 1, "b": {"c": 2}});
    check(doc! {"b": {"d": 1}}, document.clone(), doc! {"_id": 1, "b": {"d": 3}});
    check(doc! {"e.f": 1}, document.clone(), doc! {"_id": 1, "e": [{"f": 1}, [{"f": 3}]]});
    check(doc! {"a.x": 1, "b.x": 1}, document, doc! {"_id": 1, "b": {}});
    check(doc! {"b": 1, "a": 1}, doc! {"a": 1, "_id": 2, "b": 3}, doc! {"_id": 2, "a": 1, "b": 3});
}

#[test]
fn exclusion() {
    let document = doc! {"_id": 1, "a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 1, "g": 2}, 5]};
    check(doc! {"a": 0, "e": 0}, document.clone(), doc! {"_id": 1, "b": {"c": 2, "d": 3}});
    check(doc! {"_id": 0}, doc! {"_id": 1, "a": 1}, doc! {"a": 1});
    check(
        doc! {"b.c": 0, "e.f": 0, "a": false, "_id": 1},
        document,
        doc! {"_id": 1, "b": {"d": 3}, "e": [{"g": 2}, 5]},
    );
}

#[test]
fn array_operators() {
    let document = doc! {"_id": 1, "a": [1, 2, 3, 4], "b": 5};
    check(doc! {"a": {"$slice": 2}}, document.clone(), doc! {"_id": 1, "a": [1, 2], "b": 5});
    check(doc! {"a": {"$slice": -1}, "b": 0}, document.clone(), doc! {"_id": 1, "a": [4]});
    check(doc! {"a": {"$slice": [1, 2]}, "b": 1}, document.clone(), doc! {"_id": 1, "a": [2, 3], "b": 5});
    check(doc! {"a": {"$slice": [-3, 2]}}, document.clone(), doc! {"_id": 1, "a": [2, 3], "b": 5});
    check(doc! {"a": {"$elemMatch": {"$gt": 2}}}, document.clone(), doc! {"_id": 1, "a": [3]});
    check(doc! {"a": {"$elemMatch": {"$gt": 9}}}, document, doc! {"_id": 1});
    let projection = Projection::parse(&doc! {"a.$": 1}).unwrap();
    assert!(projection.is_positional());
    let details = MatchDetails { array_index: Some(1) };
    let document = doc! {"_id": 1, "a": [5, 6], "b": 1};
    let result = projection.apply_with(&document, &Variables::default(), details).unwrap();
    assert_eq!(result, doc! {"_id": 1, "a": [6]});
    assert_eq!(projection.apply(&document).unwrap_err().code(), 51246);
}

#[test]
fn computed_fields() {
    let document = doc! {"_id": 1, "a": 2, "b": {"c": 3}};
    check(doc! {"x": {"$add": ["$a", 1]}}, document.clone(), doc! {"_id": 1, "x": 3});
    check(doc! {"x": "$b.c", "a": 1}, document.clone(), doc! {"_id": 1, "a": 2, "x": 3});
    check(doc! {"b.d": "$a", "b.c": 1}, document.clone(), doc! {"_id": 1, "b": {"c": 3, "d": 2}});
    check(doc! {"n.m": "$a"}, document.clone(), doc! {"_id": 1, "n": {"m": 2}});
    check(doc! {"x": "$nope", "y": "text"}, document.clone(), doc! {"_id": 1, "y": "text"});
    check(doc! {"_id": "$a"}, document, doc! {"_id": 2});
}

#[test]
fn add_fields_keeps_the_rest() {
    let add = |specification: Document, document: Document| {
        AddFields::parse(&specification, &ParseScope::default())
            .unwrap()
            .apply(document, &Variables::default())
            .unwrap()
    };
    assert!(equal_documents(
        &add(doc! {"a": 9, "c": "$b"}, doc! {"a": 1, "b": 2}),
        &doc! {"a": 9, "b": 2, "c": 2}
    ));
    assert_eq!(add(doc! {"a.b": 1}, doc! {"a": [{"c": 1}, 5]}), doc! {"a": [{"c": 1, "b": 1}, {"b": 1}]});
    assert_eq!(add(doc! {"a": {"b": "$x"}}, doc! {"x": 1}), doc! {"x": 1, "a": {"b": 1}});
    assert_eq!(add(doc! {"a": "$$REMOVE"}, doc! {"a": 1, "b": 2}), doc! {"b": 2});
    assert_eq!(add(doc! {"a": "$b", "b": "$a"}, doc! {"a": 1, "b": 2}), doc! {"a": 2, "b": 1});
}

#[test]
fn errors() {
    fails(doc! {"a": 1, "b": 0}, 31254);
    fails(doc! {"a": 0, "b": 1}, 31253);
    fails(doc! {"a": 1, "a.b": 1}, 31249);
    fails(doc! {"a.b": 1, "a": 1}, 31250);
    fails(doc! {"a": 0, "b": {"$add": [1, 2]}}, 31252);
    fails(doc! {"a..b": 1}, 15998);
    fails(doc! {"a.": 1}, 40353);
    fails(doc! {"": 1}, 40352);
    fails(doc! {"a": {"$nope": 1}}, 31325);
    fails(doc! {"a": {"$abs": {"$nope": 1}}}, 168);
    fails(doc! {"a.$": 1, "b.$": 1}, 31276);
    assert_eq!(Projection::parse_stage(&doc! {}, &ParseScope::default()).unwrap_err().code(), 51272);
}

#[test]
fn paths_for_covered_queries() {
    let paths = |projection: Document| Projection::parse(&projection).unwrap().included_paths();
    assert_eq!(paths(doc! {"a.b": 1, "_id": 0}), Some(vec!["a.b".to_owned()]));
    assert_eq!(paths(doc! {"a": 0}), None);
    assert_eq!(paths(doc! {"a": "$b"}), None);
}
