//! MongoDB's documented behaviour of updates, case by case; some change nothing when repeated.

use super::*;
use crate::language::value::identical_documents;
use bson::{Decimal128, bson, doc};
use proptest::prelude::*;
use std::str::FromStr;

fn run(update: Bson, filters: &[Document], mut document: Document, index: Option<usize>) -> Result<Document> {
    let context = UpdateContext { array_index: index, ..UpdateContext::at(DateTime::from_millis(5000)) };
    Update::parse(&update, filters)?.apply(&mut document, &context)?;
    Ok(document)
}

#[track_caller]
fn check(update: Document, document: Document, expected: Document) {
    let result = run(Bson::Document(update.clone()), &[], document, None).unwrap();
    assert!(identical_documents(&result, &expected), "{update} gave {result}, not {expected}");
}

#[track_caller]
fn fails(update: Document, document: Document, code: i32) {
    let error = run(Bson::Document(update.clone()), &[], document, None).unwrap_err();
    assert_eq!(error.code(), code, "{update}: {error}");
}

#[test]
fn fields() {
    check(doc! {"$set": {"a": 1, "b.c": 2}}, doc! {"_id": 1}, doc! {"_id": 1, "a": 1, "b": {"c": 2}});
    check(doc! {"$set": {"b": 1, "a": 2}}, doc! {"c": 0}, doc! {"c": 0, "a": 2, "b": 1});
    check(doc! {"$set": {"a.1": 9}}, doc! {"a": [1]}, doc! {"a": [1, 9]});
    check(doc! {"$set": {"a.3": 9}}, doc! {"a": [1]}, doc! {"a": [1, null, null, 9]});
    check(doc! {"$unset": {"a": "", "b.c": ""}}, doc! {"a": 1, "b": {"c": 1, "d": 2}}, doc! {"b": {"d": 2}});
    check(doc! {"$unset": {"a.0": "", "x.y": ""}}, doc! {"a": [1, 2]}, doc! {"a": [null, 2]});
    check(doc! {"$rename": {"a": "b.c"}}, doc! {"a": 1, "b": {"d": 2}}, doc! {"b": {"d": 2, "c": 1}});
    check(doc! {"$rename": {"x": "y"}}, doc! {"a": 1}, doc! {"a": 1});
    check(doc! {"$setOnInsert": {"a": 1}}, doc! {}, doc! {});
    check(doc! {"$set": {}}, doc! {"a": 1}, doc! {"a": 1});
    let now = DateTime::from_millis(5000);
    check(doc! {"$currentDate": {"a": true}}, doc! {}, doc! {"a": now});
    let stamp = bson::Timestamp { time: 5, increment: 1 };
    check(doc! {"$currentDate": {"a": {"$type": "timestamp"}}}, doc! {}, doc! {"a": stamp});
}

#[test]
fn an_upsert_sets_on_insert() {
    let update = Update::parse(&bson!({"$set": {"a": 1}, "$setOnInsert": {"b": 2}}), &[]).unwrap();
    let mut document = doc! {"_id": 1};
    update.apply(&mut document, &UpdateContext { is_insert: true, ..UpdateContext::default() }).unwrap();
    assert_eq!(document, doc! {"_id": 1, "a": 1, "b": 2});
}

#[test]
fn numbers() {
    check(doc! {"$inc": {"a": 1, "b": 2.5}}, doc! {"a": 1, "b": 1}, doc! {"a": 2, "b": 3.5});
    check(doc! {"$inc": {"a": 1}}, doc! {"a": i32::MAX}, doc! {"a": i64::from(i32::MAX) + 1});
    check(doc! {"$inc": {"a": 1i64}}, doc! {"a": 1}, doc! {"a": 2i64});
    check(doc! {"$mul": {"a": 3, "b": 2i64}}, doc! {"a": 2.5}, doc! {"a": 7.5, "b": 0i64});
    let decimal = |text: &str| Decimal128::from_str(text).unwrap();
    check(doc! {"$inc": {"a": decimal("0.1")}}, doc! {"a": decimal("0.2")}, doc! {"a": decimal("0.3")});
    check(doc! {"$min": {"a": 3, "b": 9}}, doc! {"a": 5, "b": 1}, doc! {"a": 3, "b": 1});
    check(doc! {"$max": {"a": 3, "c": 1}}, doc! {"a": "text"}, doc! {"a": "text", "c": 1});
    check(doc! {"$bit": {"a": {"and": 6, "or": 1}}}, doc! {"a": 12}, doc! {"a": 5});
    fails(doc! {"$inc": {"a": "x"}}, doc! {}, 14);
    fails(doc! {"$inc": {"a": 1}}, doc! {"a": "x"}, 14);
    fails(doc! {"$inc": {"a": 1}}, doc! {"a": i64::MAX}, 2);
    fails(doc! {"$inc": {"a": 1}}, doc! {"a": null}, 14);
    fails(doc! {"$bit": {"a": {"and": 1.5}}}, doc! {"a": 1}, 2);
}

#[test]
fn arrays() {
    check(doc! {"$push": {"a": 3}}, doc! {"a": [1]}, doc! {"a": [1, 3]});
    check(doc! {"$push": {"a": [1, 2]}}, doc! {}, doc! {"a": [[1, 2]]});
    check(
        doc! {"$push": {"a": {"$each": [3, 1], "$sort": 1, "$slice": 2}}},
        doc! {"a": [2]},
        doc! {"a": [1, 2]},
    );
    check(
        doc! {"$push": {"a": {"$each": [9, 8], "$position": 1}}},
        doc! {"a": [1, 2]},
        doc! {"a": [1, 9, 8, 2]},
    );
    check(doc! {"$push": {"a": {"$each": [4], "$slice": -2}}}, doc! {"a": [1, 2]}, doc! {"a": [2, 4]});
    check(
        doc! {"$push": {"a": {"$each": [{"n": 1}], "$sort": {"n": -1}}}},
        doc! {"a": [{"n": 0}, {"n": 2}]},
        doc! {"a": [{"n": 2}, {"n": 1}, {"n": 0}]},
    );
    check(
        doc! {"$addToSet": {"a": 1.0, "b": {"$each": [1, 2, 2]}}},
        doc! {"a": [1], "b": [1]},
        doc! {"a": [1], "b": [1, 2]},
    );
    check(
        doc! {"$pop": {"a": 1, "b": -1, "c": 1}},
        doc! {"a": [1, 2], "b": [1, 2]},
        doc! {"a": [1], "b": [2]},
    );
    check(doc! {"$pull": {"a": {"$gte": 2}}}, doc! {"a": [1, 2, 3, "x"]}, doc! {"a": [1, "x"]});
    check(doc! {"$pull": {"a": 2}}, doc! {"a": [1, 2, 2.0]}, doc! {"a": [1]});
    check(
        doc! {"$pull": {"a": {"n": {"$gt": 1}}}},
        doc! {"a": [{"n": 1, "m": 5}, {"n": 2, "m": 5}, 7]},
        doc! {"a": [{"n": 1, "m": 5}, 7]},
    );
    check(doc! {"$pullAll": {"a": [1, 3]}}, doc! {"a": [1, 2, 3, 1]}, doc! {"a": [2]});
    fails(doc! {"$push": {"a": 1}}, doc! {"a": 1}, 2);
    fails(doc! {"$push": {"a": {"$each": 1}}}, doc! {}, 2);
    fails(doc! {"$addToSet": {"a": 1}}, doc! {"a": 1}, 2);
    fails(doc! {"$addToSet": {"a": {"$each": 1}}}, doc! {}, 14);
    fails(doc! {"$pop": {"a": 2}}, doc! {}, 9);
    fails(doc! {"$pop": {"a": 1}}, doc! {"a": 1}, 14);
    fails(doc! {"$pullAll": {"a": 1}}, doc! {}, 2);
}

#[test]
fn positional() {
    let run = |update, filters: &[Document], document| run(update, filters, document, Some(1));
    assert_eq!(run(bson!({"$set": {"a.$": 9}}), &[], doc! {"a": [1, 2]}).unwrap(), doc! {"a": [1, 9]});
    assert_eq!(
        run(bson!({"$inc": {"a.$.n": 1}}), &[], doc! {"a": [{"n": 1}, {"n": 2}]}).unwrap(),
        doc! {"a": [{"n": 1}, {"n": 3}]}
    );
    assert_eq!(run(bson!({"$inc": {"a.$[]": 1}}), &[], doc! {"a": [1, 2]}).unwrap(), doc! {"a": [2, 3]});
    let filters = [doc! {"x.n": {"$gt": 1}}];
    assert_eq!(
        run(bson!({"$set": {"a.$[x].m": 0}}), &filters, doc! {"a": [{"n": 1}, {"n": 2}]}).unwrap(),
        doc! {"a": [{"n": 1}, {"n": 2, "m": 0}]}
    );
    let code = |update, filters: &[Document], document| run(update, filters, document).unwrap_err().code();
    assert_eq!(code(bson!({"$set": {"a.$[x]": 0}}), &[], doc! {}), 2);
    assert_eq!(code(bson!({"$set": {"a": 0}}), &filters, doc! {}), 9);
    assert_eq!(code(bson!({"$set": {"a.$[]": 0}}), &[], doc! {"a": 1}), 2);
    assert_eq!(code(bson!({"$set": {"a.$[]": 0}}), &[], doc! {}), 2);
    assert_eq!(code(bson!({"$set": {"$": 0}}), &[], doc! {}), 2);
    assert_eq!(code(bson!({"$set": {"a.$[x]": 0}}), &[doc! {"x": 1, "y": 1}], doc! {}), 9);
    fails(doc! {"$set": {"a.$": 9}}, doc! {"a": [1]}, 2);
}

#[test]
fn replacement_keeps_the_id() {
    check(doc! {"b": 1}, doc! {"_id": 1, "a": 1}, doc! {"_id": 1, "b": 1});
    check(doc! {"b": 1, "_id": 1}, doc! {"_id": 1, "a": 1}, doc! {"_id": 1, "b": 1});
    check(doc! {}, doc! {"_id": 1, "a": 1}, doc! {"_id": 1});
    fails(doc! {"_id": 2}, doc! {"_id": 1}, 66);
    fails(doc! {"a": 1, "$b": 2}, doc! {"_id": 1}, 52);
    fails(doc! {"$set": {"_id": 2}}, doc! {"_id": 1}, 66);
    fails(doc! {"$unset": {"_id": 1}}, doc! {"_id": 1}, 66);
    check(doc! {"$set": {"_id": 1}}, doc! {"_id": 1}, doc! {"_id": 1});
}

#[test]
fn pipelines() {
    let run = |update| run(update, &[], doc! {"_id": 1, "a": 2}, None);
    let update = bson!([{"$set": {"b": {"$add": ["$a", 1]}}}, {"$unset": "a"}]);
    assert_eq!(run(update).unwrap(), doc! {"_id": 1, "b": 3});
    assert_eq!(run(bson!([{"$replaceWith": {"x": "$a"}}])).unwrap(), doc! {"_id": 1, "x": 2});
    assert_eq!(run(bson!([{"$set": {"_id": 2}}])).unwrap_err().code(), 66);
    assert_eq!(run(bson!([{"$match": {}}])).unwrap_err().code(), 72);
    assert_eq!(run(bson!([{"$nope": {}}])).unwrap_err().code(), 40324);
    assert_eq!(run(bson!([{"$replaceWith": {"_id": 1, "x": "$a"}}])).unwrap(), doc! {"_id": 1, "x": 2});
    assert_eq!(run(bson!([{"$match": {}}])).unwrap_err().code(), 72);
}

#[test]
fn conflicts_and_bad_paths() {
    fails(doc! {"$set": {"a": 1}, "$inc": {"a": 1}}, doc! {}, 40);
    fails(doc! {"$set": {"a": 1}, "$unset": {"a.b": 1}}, doc! {}, 40);
    fails(doc! {"$set": {"a.b": 1, "a-b": 1, "a.b.c": 1}}, doc! {}, 40);
    check(doc! {"$set": {"a": 1}, "$inc": {"ab": 1}}, doc! {}, doc! {"a": 1, "ab": 1});
    fails(doc! {"$set": {"a..b": 1}}, doc! {}, 56);
    fails(doc! {"$set": {"a.$b": 1}}, doc! {}, 52);
    fails(doc! {"$set": {"a.b": 1}}, doc! {"a": 4}, 28);
    fails(doc! {"$set": {"a.b": 1}}, doc! {"a": [4]}, 28);
    fails(doc! {"$set": 1}, doc! {}, 9);
    fails(doc! {"$nope": {"a": 1}}, doc! {}, 9);
    fails(doc! {"$rename": {"a": "a"}}, doc! {}, 2);
    fails(doc! {"$rename": {"a": "a.b"}}, doc! {}, 2);
    fails(doc! {"$rename": {"a": 1}}, doc! {}, 2);
    fails(doc! {"$set": {"a.9999999": 1}}, doc! {"a": []}, 10);
}

#[test]
fn an_error_leaves_the_document_and_no_change_is_told() {
    let update = Update::parse(&bson!({"$set": {"a": 9}, "$inc": {"b": 1}}), &[]).unwrap();
    let mut document = doc! {"a": 1, "b": "x"};
    assert!(update.apply(&mut document, &UpdateContext::default()).is_err());
    assert_eq!(document, doc! {"a": 1, "b": "x"});
    let changed = |update: Bson, mut document: Document| {
        Update::parse(&update, &[]).unwrap().apply(&mut document, &UpdateContext::default()).unwrap()
    };
    assert_eq!(changed(bson!({"$set": {"a": 1}}), doc! {"a": 1}), Changed::No);
    assert_eq!(changed(bson!({"$set": {"a": 1.0}}), doc! {"a": 1}), Changed::Yes);
    assert_eq!(changed(bson!({"$unset": {"b": 1}}), doc! {"a": 1}), Changed::No);
}

#[test]
fn nesting_is_bounded() {
    let mut value = bson!(1);
    for _ in 0..400 {
        value = bson!([value]);
    }
    fails(doc! {"$set": {"a": value}}, doc! {}, 15);
    let path = vec!["a"; 190].join(".");
    let update: Document = [("$set".to_owned(), bson!({path: 1}))].into_iter().collect();
    fails(update, doc! {}, 15);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Setting, bounding, adding to a set, pulling and unsetting have nothing left to do the second time.
    #[test]
    fn repeating_changes_nothing(
        document in any_document(), path in "[ab](\\.[ab0])?",
        value in crate::language::key::tests::any_value(),
        operator in prop::sample::select(vec!["$set", "$min", "$max", "$addToSet", "$unset", "$pullAll"]),
    ) {
        let value = if operator == "$pullAll" { Bson::Array(vec![value]) } else { value };
        let inner: Document = [(path, value)].into_iter().collect();
        let update: Document = [(operator.to_owned(), Bson::Document(inner))].into_iter().collect();
        let update = Update::parse(&Bson::Document(update), &[]).unwrap();
        let mut document = document;
        if update.apply(&mut document, &UpdateContext::default()).is_ok() {
            prop_assert_eq!(update.apply(&mut document, &UpdateContext::default()).unwrap(), Changed::No);
        }
    }
}

fn any_document() -> impl Strategy<Value = Document> {
    prop::collection::vec(("[ab]", crate::language::key::tests::any_value()), 0..3)
        .prop_map(|fields| fields.into_iter().collect())
}
