//! Pipelines end to end over small collections in memory.

use super::*;
use crate::error::Result;
use crate::language::expression::Variables;
use crate::language::matcher::Matcher;
use bson::{Bson, Document, bson, doc};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Two collections and a source stage; randomness from a counter.
struct Shelf {
    orders: Vec<Document>,
    items: Vec<Document>,
    random: AtomicU64,
    memory: usize,
}

impl PipelineContext for Shelf {
    fn find(&self, collection: &str, filter: Option<&Document>) -> Result<DocumentStream> {
        let documents = match collection {
            "orders" => self.orders.clone(),
            "items" => self.items.clone(),
            _ => Vec::new(),
        };
        let matcher = Matcher::parse(filter.unwrap_or(&Document::new()))?;
        Ok(Box::new(documents.into_iter().filter(move |document| matcher.matches(document).unwrap()).map(Ok)))
    }

    fn open_source(&self, _: &str, argument: &Bson) -> Result<DocumentStream> {
        let argument = argument.clone();
        Ok(Box::new(std::iter::once(Ok(doc! {"from": argument}))))
    }

    fn random(&self) -> u64 {
        self.random.fetch_add(7, Ordering::Relaxed)
    }

    fn memory_limit(&self) -> usize {
        self.memory
    }
}

fn shelf() -> Shelf {
    Shelf {
        orders: vec![
            doc! {"_id": 1, "item": "a", "n": 2, "tags": ["x", "y"]},
            doc! {"_id": 2, "item": "b", "n": 5, "tags": []},
            doc! {"_id": 3, "item": "a", "n": 7},
            doc! {"_id": 4, "item": ["b", "c"], "n": 1.5, "tags": "z"},
        ],
        items: vec![
            doc! {"_id": "a", "price": 10},
            doc! {"_id": "b", "price": 20},
            doc! {"_id": "c", "price": 30},
        ],
        random: AtomicU64::new(3),
        memory: DEFAULT_MEMORY_LIMIT,
    }
}

fn run_on(shelf: Shelf, stages: Bson) -> Result<Vec<Document>> {
    let context = StageContext::default().with_source_stages(["$mine".to_owned()]);
    let pipeline = Pipeline::parse_array(stages.as_array().unwrap(), &context)?;
    let shelf = Arc::new(shelf);
    let input = shelf.find("orders", None)?;
    pipeline.run(input, shelf, Variables::default())?.collect()
}

#[track_caller]
fn check(stages: Bson, expected: Bson) {
    let result: Bson = run_on(shelf(), stages).unwrap().into_iter().map(Bson::Document).collect();
    assert!(crate::language::value::identical(&result, &expected), "got {result}, not {expected}");
}

#[track_caller]
fn fails(stages: Bson, code: i32) {
    let error = run_on(shelf(), stages.clone()).unwrap_err();
    assert_eq!(error.code(), code, "{stages}: {error}");
}

#[test]
fn selecting_and_shaping() {
    check(
        bson!([{"$match": {"n": {"$gt": 2}}}, {"$project": {"n": 1}}]),
        bson!([{"_id": 2, "n": 5}, {"_id": 3, "n": 7}]),
    );
    check(bson!([{"$skip": 1}, {"$limit": 1}, {"$unset": ["tags", "item"]}]), bson!([{"_id": 2, "n": 5}]));
    check(
        bson!([{"$limit": 1}, {"$set": {"m": {"$multiply": ["$n", 2]}}}, {"$project": {"m": 1}}]),
        bson!([{"_id": 1, "m": 4}]),
    );
    check(bson!([{"$limit": 1}, {"$replaceWith": {"x": "$n"}}]), bson!([{"x": 2}]));
    check(bson!([{"$limit": 1}, {"$replaceRoot": {"newRoot": {"x": "$n"}}}]), bson!([{"x": 2}]));
    check(bson!([{"$match": {"n": 99}}, {"$count": "n"}]), bson!([]));
    check(bson!([{"$count": "n"}]), bson!([{"n": 4}]));
}

#[test]
fn sorting() {
    let ids = |ids: &[i32]| ids.iter().map(|id| bson!({"_id": *id})).collect::<Bson>();
    check(bson!([{"$sort": {"n": -1}}, {"$project": {"_id": 1}}]), ids(&[3, 2, 1, 4]));
    check(bson!([{"$sort": {"n": 1}}, {"$limit": 2}, {"$project": {"_id": 1}}]), ids(&[4, 1]));
    check(bson!([{"$sort": {"item": 1, "n": -1}}, {"$project": {"_id": 1}}]), ids(&[3, 1, 2, 4]));
}

#[test]
fn a_sort_with_a_limit_agrees_with_a_full_sort() {
    let documents: Vec<Document> = (0..500).map(|i| doc! {"_id": i, "k": (i * 7919) % 101}).collect();
    let run = |stages: Bson| {
        let pipeline = Pipeline::parse_array(stages.as_array().unwrap(), &StageContext::default()).unwrap();
        let input = Box::new(documents.clone().into_iter().map(Ok));
        let found = pipeline.run(input, Arc::new(shelf()), Variables::default()).unwrap();
        found.collect::<Result<Vec<_>>>().unwrap()
    };
    let all = run(bson!([{"$sort": {"k": 1}}]));
    let few = run(bson!([{"$sort": {"k": 1}}, {"$limit": 10}]));
    assert_eq!(few, all[..10]);
}

#[test]
fn grouping() {
    check(
        bson!([{"$match": {"item": "a"}}, {"$group": {
            "_id": "$item", "sum": {"$sum": "$n"}, "avg": {"$avg": "$n"}, "min": {"$min": "$n"},
            "max": {"$max": "$n"},
            "first": {"$first": "$n"}, "last": {"$last": "$tags"}, "all": {"$push": "$n"},
            "count": {"$count": {}},
            "set": {"$addToSet": "$item"}, "dev": {"$stdDevPop": "$n"},
            "top": {"$top": {"sortBy": {"n": -1}, "output": "$_id"}},
            "two": {"$firstN": {"n": 2, "input": "$n"}}, "big": {"$maxN": {"n": 1, "input": "$n"}},
        }}]),
        bson!([{"_id": "a", "sum": 9, "avg": 4.5, "min": 2, "max": 7, "first": 2, "last": null, "all": [2, 7],
            "count": 2, "set": ["a"], "dev": 2.5, "top": 3, "two": [2, 7], "big": [7]}]),
    );
    check(bson!([{"$group": {"_id": null, "n": {"$sum": "$n"}}}]), bson!([{"_id": null, "n": 15.5}]));
    check(
        bson!([{"$sortByCount": {"$gt": ["$n", 1.5]}}]),
        bson!([{"_id": true, "count": 3}, {"_id": false, "count": 1}]),
    );
    check(
        bson!([{"$bucket": {"groupBy": "$n", "boundaries": [0, 2, 6], "default": "more"}}]),
        bson!([{"_id": 0, "count": 1}, {"_id": 2, "count": 2}, {"_id": "more", "count": 1}]),
    );
    fails(bson!([{"$group": {"n": {"$sum": 1}}}]), 15955);
    fails(bson!([{"$group": {"_id": 1, "n": {"$nope": 1}}}]), 15952);
    fails(bson!([{"$group": {"_id": 1, "n": 1}}]), 40234);
    fails(bson!([{"$bucket": {"groupBy": "$n", "boundaries": [0, 2]}}]), 40066);
}

#[test]
fn unwinding() {
    check(
        bson!([{"$unwind": {"path": "$tags", "includeArrayIndex": "at"}}, {"$project": {"tags": 1,
            "at": 1}}]),
        bson!([{"_id": 1, "tags": "x", "at": 0i64}, {"_id": 1, "tags": "y", "at": 1i64}, {"_id": 4,
            "tags": "z", "at": null}]),
    );
    check(
        bson!([{"$unwind": {"path": "$tags", "preserveNullAndEmptyArrays": true}},
            {"$project": {"tags": 1}}]),
        bson!([{"_id": 1, "tags": "x"}, {"_id": 1, "tags": "y"}, {"_id": 2}, {"_id": 3}, {"_id": 4,
            "tags": "z"}]),
    );
    fails(bson!([{"$unwind": "tags"}]), 28818);
    fails(bson!([{"$unwind": {}}]), 28812);
    fails(bson!([{"$unwind": 1}]), 15981);
}

#[test]
fn joining() {
    check(
        bson!([
            {"$lookup": {"from": "items", "localField": "item", "foreignField": "_id", "as": "found"}},
            {"$project": {"p": "$found.price"}},
        ]),
        bson!([{"_id": 1, "p": [10]}, {"_id": 2, "p": [20]}, {"_id": 3, "p": [10]}, {"_id": 4, "p": [20,
            30]}]),
    );
    check(
        bson!([
            {"$limit": 2},
            {"$lookup": {"from": "items", "let": {"n": "$n"}, "as": "found", "pipeline": [
                {"$match": {"$expr": {"$gt": ["$price", {"$multiply": ["$$n", 5]}]}}},
                {"$project": {"price": 0}},
            ]}},
            {"$project": {"found": 1}},
        ]),
        bson!([{"_id": 1, "found": [{"_id": "b"}, {"_id": "c"}]}, {"_id": 2, "found": [{"_id": "c"}]}]),
    );
    check(
        bson!([{"$limit": 1}, {"$project": {"item": 1}},
            {"$lookup": {"from": "items", "localField": "item", "foreignField": "_id", "as": "in.found",
                "pipeline": [{"$project": {"_id": 0}}]}}]),
        bson!([{"_id": 1, "item": "a", "in": {"found": [{"price": 10}]}}]),
    );
    check(
        bson!([{"$match": {"_id": 1}}, {"$project": {"n": 1}}, {"$unionWith": {"coll": "items",
            "pipeline": [{"$match": {"_id": "c"}}]}}]),
        bson!([{"_id": 1, "n": 2}, {"_id": "c", "price": 30}]),
    );
    fails(bson!([{"$lookup": {"from": "items", "as": "x"}}]), 9);
    fails(
        bson!([{"$lookup": {"from": "items", "as": "x", "pipeline": [{"$match": {"$expr": "$$no"}}]}}]),
        17276,
    );
}

#[test]
fn facets_samples_and_sources() {
    check(
        bson!([{"$facet": {"n": [{"$count": "n"}], "one": [{"$limit": 1}, {"$project": {"_id": 1}}]}}]),
        bson!([{"n": [{"n": 4}], "one": [{"_id": 1}]}]),
    );
    assert_eq!(run_on(shelf(), bson!([{"$sample": {"size": 2}}])).unwrap().len(), 2);
    assert_eq!(run_on(shelf(), bson!([{"$sample": {"size": 20}}])).unwrap().len(), 4);
    check(bson!([{"$mine": 5}, {"$set": {"x": 1}}]), bson!([{"from": 5, "x": 1}]));
    check(bson!([{"$documents": [{"a": 1}, {"a": 2}]}, {"$match": {"a": 2}}]), bson!([{"a": 2}]));
    fails(bson!([{"$limit": 1}, {"$mine": 5}]), 40602);
    fails(bson!([{"$facet": {"a": [{"$facet": {"b": []}}]}}]), 40600);
}

#[test]
fn errors_and_limits() {
    fails(bson!([{"$nope": 1}]), 40324);
    fails(bson!([{"$out": "x"}]), 238);
    fails(bson!([{"$match": {}, "$limit": 1}]), 40323);
    fails(bson!([{"$limit": 0}]), 15958);
    fails(bson!([{"$limit": "x"}]), 5107201);
    fails(bson!([{"$skip": -1}]), 5107200);
    fails(bson!([{"$sort": {}}]), 15976);
    fails(bson!([{"$match": 1}]), 15959);
    fails(bson!([{"$count": ""}]), 40156);
    fails(bson!([{"$project": {"x": {"$divide": [1, 0]}}}]), 2);
    let mut stages = bson!([]);
    for _ in 0..30 {
        stages = bson!([{"$unionWith": {"coll": "x", "pipeline": stages}}]);
    }
    fails(stages, 232);
    for stage in [
        bson!({"$sort": {"n": 1}}),
        bson!({"$group": {"_id": "$_id"}}),
        bson!({"$group": {"_id": 1, "a": {"$push": "$$ROOT"}}}),
    ] {
        let small = Shelf { memory: 900, ..shelf() };
        assert_eq!(run_on(small, bson!([stage])).unwrap_err().code(), 292);
    }
}

#[test]
fn the_leading_filter_is_taken_off() {
    let parse =
        |stages: Bson| Pipeline::parse_array(stages.as_array().unwrap(), &StageContext::default()).unwrap();
    let (filter, rest) = parse(bson!([{"$match": {"a": 1}}, {"$match": {"b": 1}}, {"$sort": {"c": 1}}]))
        .split_leading_filter();
    assert_eq!(filter, Some(doc! {"$and": [{"a": 1}, {"b": 1}]}));
    assert_eq!(rest.leading_order(), Some(&doc! {"c": 1}));
    assert_eq!(rest.without_first_stage().stages().len(), 0);
    let (filter, _) = parse(bson!([{"$limit": 1}, {"$match": {"a": 1}}])).split_leading_filter();
    assert_eq!(filter, None);
}
