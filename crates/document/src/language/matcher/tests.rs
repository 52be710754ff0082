//! MongoDB's documented behaviour of filters, case by case.

use super::*;
use bson::{Bson, doc};

#[track_caller]
fn check(filter: Document, yes: &[Document], no: &[Document]) {
    let matcher = Matcher::parse(&filter).unwrap();
    for document in yes {
        assert!(matcher.matches(document).unwrap(), "{filter} should match {document}");
    }
    for document in no {
        assert!(!matcher.matches(document).unwrap(), "{filter} should not match {document}");
    }
}

#[track_caller]
fn fails(filter: Document, code: i32) {
    let error = Matcher::parse(&filter).unwrap_err();
    assert_eq!(error.code(), code, "{filter}: {error}");
}

#[test]
fn equality() {
    check(doc! {}, &[doc! {}, doc! {"a": 1}], &[]);
    check(doc! {"a": 1}, &[doc! {"a": 1.0}, doc! {"a": [0, 1]}, doc! {"a": 1i64}], &[doc! {"a": 2}, doc! {}]);
    check(doc! {"a": {"x": 1, "y": 2}}, &[doc! {"a": {"x": 1, "y": 2}}], &[doc! {"a": {"y": 2, "x": 1}}]);
    check(
        doc! {"a": [1, 2]},
        &[doc! {"a": [1, 2]}, doc! {"a": [[1, 2], 3]}],
        &[doc! {"a": [2, 1]}, doc! {"a": 1}],
    );
    check(doc! {"a.b": 1}, &[doc! {"a": {"b": 1}}, doc! {"a": [{"b": 2}, {"b": 1}]}], &[doc! {"a": 1}]);
    check(doc! {"a.0": 5}, &[doc! {"a": [5, 6]}, doc! {"a": {"0": 5}}], &[doc! {"a": [6, 5]}]);
    check(doc! {"a": {"$eq": f64::NAN}}, &[doc! {"a": f64::NAN}], &[doc! {"a": 1}]);
}

#[test]
fn null_matches_missing() {
    check(
        doc! {"a": null},
        &[doc! {"a": null}, doc! {}, doc! {"a": [null]}],
        &[doc! {"a": 1}, doc! {"a": []}],
    );
    check(
        doc! {"a.b": null},
        &[doc! {}, doc! {"a": 4}, doc! {"a": {}}, doc! {"a": [{"b": 3}, {}]}],
        &[doc! {"a": []}, doc! {"a": [1, 2]}, doc! {"a": {"b": 1}}],
    );
    check(doc! {"a": {"$ne": null}}, &[doc! {"a": 1}], &[doc! {}, doc! {"a": null}]);
    check(doc! {"a": {"$gte": null}}, &[doc! {}, doc! {"a": null}], &[doc! {"a": 1}]);
    check(doc! {"a": {"$in": [null, 3]}}, &[doc! {}, doc! {"a": 3}], &[doc! {"a": 1}]);
    check(doc! {"a": {"$exists": false}}, &[doc! {"b": 1}], &[doc! {"a": null}]);
    check(doc! {"a": {"$exists": true}}, &[doc! {"a": null}, doc! {"a": []}], &[doc! {}]);
}

#[test]
fn ranges_stay_in_their_bracket() {
    check(
        doc! {"a": {"$gt": 5}},
        &[doc! {"a": 6}, doc! {"a": [1, 6]}],
        &[doc! {"a": 5}, doc! {"a": "6"}, doc! {}],
    );
    check(doc! {"a": {"$lt": "b"}}, &[doc! {"a": "a"}], &[doc! {"a": 1}]);
    check(doc! {"a": {"$lt": 5}}, &[], &[doc! {"a": f64::NAN}, doc! {"a": null}]);
    check(doc! {"a": {"$lt": Bson::MaxKey}}, &[doc! {"a": 1}, doc! {"a": "x"}], &[doc! {"a": Bson::MaxKey}]);
    check(doc! {"a": {"$gt": 2, "$lt": 4}}, &[doc! {"a": 3}, doc! {"a": [1, 5]}], &[doc! {"a": 4}]);
    check(doc! {"a": {"$gte": [1]}}, &[doc! {"a": [2]}], &[doc! {"a": 2}]);
}

#[test]
fn membership() {
    check(doc! {"a": {"$in": [1, "x"]}}, &[doc! {"a": 1.0}, doc! {"a": ["x"]}], &[doc! {"a": 2}]);
    check(doc! {"a": {"$nin": [1]}}, &[doc! {"a": 2}, doc! {}], &[doc! {"a": [1, 2]}]);
    let regex = Bson::RegularExpression(bson::Regex {
        pattern: "^a".try_into().unwrap(),
        options: "".try_into().unwrap(),
    });
    check(doc! {"a": {"$in": [regex.clone(), 7]}}, &[doc! {"a": "abc"}, doc! {"a": 7}], &[doc! {"a": "ba"}]);
    check(doc! {"a": {"$not": regex.clone()}}, &[doc! {"a": "ba"}, doc! {}], &[doc! {"a": "ab"}]);
    check(doc! {"a": regex.clone()}, &[doc! {"a": "ab"}, doc! {"a": regex.clone()}], &[doc! {"a": 1}]);
    fails(doc! {"a": {"$ne": regex}}, 2);
    fails(doc! {"a": {"$in": 1}}, 2);
    fails(doc! {"a": {"$in": [{"$gt": 1}]}}, 2);
}

#[test]
fn logic() {
    check(doc! {"$or": [{"a": 1}, {"b": 1}]}, &[doc! {"a": 1}, doc! {"b": 1}], &[doc! {"c": 1}]);
    check(doc! {"$nor": [{"a": 1}, {"b": 1}]}, &[doc! {"c": 1}], &[doc! {"a": 1}]);
    check(doc! {"$and": [{"a": 1}, {"b": 1}], "$comment": "x"}, &[doc! {"a": 1, "b": 1}], &[doc! {"a": 1}]);
    check(doc! {"a": {"$not": {"$gt": 5}}}, &[doc! {"a": 5}, doc! {}], &[doc! {"a": 6}]);
    check(doc! {"a": {"$not": {"$gt": 2, "$lt": 5}}}, &[doc! {"a": 6}], &[doc! {"a": 3}]);
    fails(doc! {"$or": []}, 2);
    fails(doc! {"$or": 1}, 2);
    fails(doc! {"$or": [1]}, 2);
    fails(doc! {"$what": 1}, 2);
    fails(doc! {"a": {"$what": 1}}, 2);
    fails(doc! {"a": {"$gt": 1, "b": 2}}, 2);
    fails(doc! {"a": {"$not": {}}}, 2);
    fails(doc! {"$where": "x"}, 238);
    fails(doc! {"$jsonSchema": {}}, 238);
    fails(doc! {"a": {"$near": [1, 2]}}, 238);
}

#[test]
fn arrays() {
    check(doc! {"a": {"$size": 2}}, &[doc! {"a": [1, 2]}], &[doc! {"a": [[1, 2]]}, doc! {"a": 2}]);
    check(doc! {"a": {"$all": [1, 2]}}, &[doc! {"a": [2, 3, 1]}], &[doc! {"a": [1]}]);
    check(doc! {"a": {"$all": [1]}}, &[doc! {"a": 1}], &[]);
    check(doc! {"a": {"$all": []}}, &[], &[doc! {"a": []}]);
    check(
        doc! {"a": {"$elemMatch": {"x": 1, "y": {"$gt": 1}}}},
        &[doc! {"a": [{"x": 1, "y": 2}]}],
        &[doc! {"a": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]}, doc! {"a": {"x": 1, "y": 2}}],
    );
    check(
        doc! {"a": {"$elemMatch": {"$gt": 2, "$lt": 4}}},
        &[doc! {"a": [1, 3]}],
        &[doc! {"a": [1, 5]}, doc! {"a": 3}],
    );
    check(
        doc! {"a": {"$all": [{"$elemMatch": {"x": 1}}, {"$elemMatch": {"x": 2}}]}},
        &[doc! {"a": [{"x": 1}, {"x": 2}]}],
        &[doc! {"a": [{"x": 1}]}],
    );
    fails(doc! {"a": {"$size": -1}}, 2);
    fails(doc! {"a": {"$elemMatch": 1}}, 2);
    fails(doc! {"a": {"$elemMatch": {"$and": [{"$expr": true}]}}}, 2);
}

#[test]
fn types_and_numbers() {
    check(doc! {"a": {"$type": "number"}}, &[doc! {"a": 1}, doc! {"a": [1.5]}], &[doc! {"a": "x"}]);
    check(doc! {"a": {"$type": "array"}}, &[doc! {"a": []}], &[doc! {"a": 1}]);
    check(doc! {"a": {"$type": [2, "bool"]}}, &[doc! {"a": "x"}, doc! {"a": true}], &[doc! {"a": 1}]);
    check(doc! {"a": {"$mod": [4, 1]}}, &[doc! {"a": 5}, doc! {"a": 9.7}], &[doc! {"a": 4}, doc! {"a": "x"}]);
    check(doc! {"a": {"$bitsAllSet": 5}}, &[doc! {"a": 7}], &[doc! {"a": 4}]);
    check(doc! {"a": {"$bitsAnyClear": [0, 1]}}, &[doc! {"a": 2}], &[doc! {"a": 3}]);
    check(doc! {"a": {"$bitsAllSet": [200]}}, &[doc! {"a": -1}], &[doc! {"a": 1}]);
    fails(doc! {"a": {"$mod": [0, 1]}}, 2);
    fails(doc! {"a": {"$mod": [1]}}, 2);
    fails(doc! {"a": {"$type": "nothing"}}, 2);
}

#[test]
fn patterns() {
    check(
        doc! {"a": {"$regex": "^AB", "$options": "i"}},
        &[doc! {"a": "abc"}],
        &[doc! {"a": "cab"}, doc! {"a": 1}],
    );
    fails(doc! {"a": {"$options": "i"}}, 2);
    fails(doc! {"a": {"$regex": "(?=x)"}}, 51091);
    fails(doc! {"a": {"$regex": 1}}, 2);
}

#[test]
fn expressions() {
    check(doc! {"$expr": {"$gt": ["$a", "$b"]}}, &[doc! {"a": 2, "b": 1}], &[doc! {"a": 1, "b": 2}]);
    let matcher = Matcher::parse(&doc! {"$expr": {"$divide": [1, "$a"]}}).unwrap();
    assert_eq!(matcher.matches(&doc! {"a": 0}).unwrap_err().code(), 2);
}

#[test]
fn the_matching_place_is_told() {
    let place = |filter: Document, document: Document| {
        Matcher::parse(&filter)
            .unwrap()
            .match_details(&document, &Variables::default())
            .unwrap()
            .unwrap()
            .array_index
    };
    assert_eq!(place(doc! {"a": 5}, doc! {"a": [4, 5]}), Some(1));
    assert_eq!(place(doc! {"a.b": 5}, doc! {"a": [{"b": 1}, {"b": 2}, {"b": 5}]}), Some(2));
    assert_eq!(place(doc! {"a": {"$elemMatch": {"b": 2}}}, doc! {"a": [{"b": 1}, {"b": 2}]}), Some(1));
    assert_eq!(place(doc! {"x": 1}, doc! {"x": 1}), None);
}

#[test]
fn hostile_nesting_is_an_error() {
    let mut filter = doc! {"a": 1};
    for _ in 0..150 {
        filter = doc! {"$and": [filter]};
    }
    fails(filter, 2);
    let mut filter = doc! {"$gt": 1};
    for _ in 0..150 {
        filter = doc! {"$not": filter};
    }
    fails(doc! {"a": filter}, 2);
}

#[test]
fn predicates_for_the_planner() {
    let matcher = Matcher::parse(&doc! {
        "a": 1, "b": {"$gt": 2, "$lte": 5}, "c": {"$regex": "^ab.*"},
        "$or": [{"d": 1}, {"e": {"$in": [3, 2]}}],
        "f": {"$ne": 3},
    })
    .unwrap();
    let found: Vec<String> =
        matcher.predicates().iter().map(|found| format!("{} {:?}", found.path, found.test)).collect();
    assert_eq!(
        found,
        ["a Equal(Int32(1))", "b Greater(Int32(2))", "b LessOrEqual(Int32(5))", "c Prefix(\"ab\")"]
    );
    let alternatives = matcher.alternatives().unwrap();
    assert_eq!(alternatives.len(), 2);
    assert_eq!(alternatives[1][0].test, Test::In(&[Bson::Int32(2), Bson::Int32(3)]));
}

#[test]
fn upserts_start_from_equalities() {
    let base = |filter: Document| Matcher::parse(&filter).unwrap().upsert_base();
    let filter = doc! {"a": 1, "b.c": {"$eq": 2}, "d": {"$gt": 3}, "$and": [{"e": 4}], "f": {"$in": [6]}};
    assert_eq!(base(filter).unwrap(), doc! {"a": 1, "b": {"c": 2}, "e": 4, "f": 6});
    assert_eq!(base(doc! {"$and": [{"a": 1}, {"a": 2}]}).unwrap_err().code(), 54);
}
