//! Which plan a query gets, and what it looks at.

#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::sync::Arc;

use bson::{Document, doc};
use stroma_document::store::MemoryStore;
use stroma_document::{
    Aggregate, Collection, Count, Documents, Explained, Find, Hint, IndexModel, Namespace, Options, Verbosity,
};

/// A hundred documents with `a` from 0 to 9, `b` from 0 to 99, tags as arrays, and some indexes.
fn open() -> Collection {
    let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default()).unwrap();
    let collection = documents.collection(&Namespace::new("db", "c").unwrap());
    let document =
        |n: i32| doc! { "_id": n, "a": n % 10, "b": n, "tags": [n % 3, n % 5], "name": format!("n{n}") };
    collection.insert_many((0..100).map(document).collect(), true).unwrap();
    let indexes = [doc! { "a": 1, "b": -1 }, doc! { "tags": 1 }, doc! { "name": 1 }];
    collection.create_indexes(&indexes.map(IndexModel::new)).unwrap();
    collection
}

fn explain(collection: &Collection, find: Find) -> (Document, [i64; 3]) {
    figures(collection.explain(&Explained::Find(find), Verbosity::ExecutionStats).unwrap())
}

fn figures(explained: Document) -> (Document, [i64; 3]) {
    let plan = explained.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap().clone();
    let stats = explained.get_document("executionStats").unwrap();
    let figure = |name| stats.get_i64(name).unwrap();
    (plan, [figure("nReturned"), figure("totalKeysExamined"), figure("totalDocsExamined")])
}

/// The names of the stages from the top down.
fn stages(plan: &Document) -> Vec<&str> {
    let mut names = vec![plan.get_str("stage").unwrap()];
    if let Ok(input) = plan.get_document("inputStage") {
        names.extend(stages(input));
    }
    names
}

#[test]
fn without_an_index_the_collection_is_walked() {
    let (plan, figures) = explain(&open(), Find::new(doc! { "b": 5 }));
    assert_eq!(stages(&plan), ["COLLSCAN"]);
    assert_eq!(figures, [1, 0, 100]);
}

#[test]
fn an_id_is_looked_up() {
    let (plan, figures) = explain(&open(), Find::new(doc! { "_id": 5.0 }));
    assert_eq!(stages(&plan), ["IDHACK"]);
    assert_eq!(figures, [1, 1, 1]);
    let (plan, figures) = explain(&open(), Find::new(doc! { "_id": { "$gte": 90 } }));
    assert_eq!(stages(&plan), ["FETCH", "IXSCAN"]);
    assert_eq!(figures, [10, 10, 10]);
}

#[test]
fn a_compound_index_is_bounded_and_gives_the_order() {
    let find = Find::new(doc! { "a": 3, "b": { "$lt": 50 } }).sorted(doc! { "b": -1 });
    let (plan, figures) = explain(&open(), find.clone());
    assert_eq!(stages(&plan), ["FETCH", "IXSCAN"]);
    assert_eq!(figures, [5, 5, 5]);
    let bounds = plan.get_document("inputStage").unwrap().get_document("indexBounds").unwrap();
    assert_eq!(bounds, &doc! { "a": ["[3, 3]"], "b": ["(50, -inf]"] });
    let backward = find.clone().sorted(doc! { "b": 1 });
    let (plan, _) = explain(&open(), backward);
    assert_eq!(plan.get_document("inputStage").unwrap().get_str("direction").unwrap(), "backward");
    let other = find.sorted(doc! { "name": 1 });
    let (plan, _) = explain(&open(), other);
    assert_eq!(stages(&plan), ["SORT", "FETCH", "IXSCAN"]);
}

#[test]
fn a_limit_stops_the_walk() {
    let (plan, figures) = explain(&open(), Find::new(doc! { "a": 3 }).limited(2));
    assert_eq!(stages(&plan), ["LIMIT", "FETCH", "IXSCAN"]);
    assert_eq!(figures, [2, 2, 2]);
    let (plan, figures) = explain(&open(), Find::new(doc! {}).sorted(doc! { "name": 1 }).limited(3));
    assert_eq!(stages(&plan), ["LIMIT", "FETCH", "IXSCAN"]);
    assert_eq!(figures, [3, 3, 3]);
}

#[test]
fn an_array_is_found_by_its_elements_once() {
    let (plan, figures) = explain(&open(), Find::new(doc! { "tags": { "$in": [0, 1] } }));
    assert_eq!(stages(&plan), ["FETCH", "IXSCAN"]);
    assert!(plan.get_document("inputStage").unwrap().get_bool("isMultiKey").unwrap());
    assert_eq!(figures[0], figures[2]);
    assert!(figures[1] > figures[0], "a document with both elements is met twice and given once");
}

#[test]
fn a_prefix_bounds_the_index() {
    let (plan, figures) = explain(&open(), Find::new(doc! { "name": { "$regex": "^n9" } }));
    assert_eq!(stages(&plan), ["FETCH", "IXSCAN"]);
    assert_eq!(figures, [11, 11, 11]);
}

#[test]
fn a_count_looks_at_no_document() {
    let explained = Explained::Count(Count::new(doc! { "a": { "$in": [3, 4] }, "b": { "$gte": 50 } }));
    let (plan, found) = figures(open().explain(&explained, Verbosity::ExecutionStats).unwrap());
    assert_eq!(stages(&plan), ["COUNT", "IXSCAN"]);
    assert_eq!(found, [0, 10, 0]);
}

#[test]
fn a_hint_is_obeyed() {
    let find = Find::new(doc! { "a": 3 });
    let (plan, figures) = explain(&open(), find.clone().hinted(Hint::Natural(true)));
    assert_eq!(stages(&plan), ["COLLSCAN"]);
    assert_eq!(figures, [10, 0, 100]);
    let (plan, figures) = explain(&open(), find.hinted(Hint::Key(doc! { "name": 1 })));
    assert_eq!(plan.get_document("inputStage").unwrap().get_str("indexName").unwrap(), "name_1");
    assert_eq!(figures, [10, 100, 100]);
}

#[test]
fn a_pipeline_is_explained_by_its_head() {
    let pipeline = vec![doc! { "$match": { "a": 3 } }, doc! { "$sort": { "b": 1 } }, doc! { "$limit": 1 }];
    let explained = Explained::Aggregate(Aggregate::new(pipeline));
    let (plan, _) = figures(open().explain(&explained, Verbosity::ExecutionStats).unwrap());
    assert_eq!(stages(&plan), ["FETCH", "IXSCAN"]);
}

#[test]
fn a_collection_that_is_not_there_has_nothing() {
    let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default()).unwrap();
    let collection = documents.collection(&Namespace::new("db", "none").unwrap());
    let (plan, figures) = explain(&collection, Find::new(doc! { "a": 1 }));
    assert_eq!((stages(&plan), figures), (vec!["EOF"], [0, 0, 0]));
}

#[test]
fn conditions_on_one_array_may_hold_for_different_elements() {
    let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default()).unwrap();
    let collection = documents.collection(&Namespace::new("db", "c").unwrap());
    collection.create_indexes(&[IndexModel::new(doc! { "a.x": 1, "a.y": 1 })]).unwrap();
    let document = doc! { "_id": 1, "a": [{ "x": 1, "y": 0 }, { "x": 0, "y": 2 }], "n": [0, 10] };
    collection.insert_many(vec![document], true).unwrap();
    let (plan, found) = explain(&collection, Find::new(doc! { "a.x": 1, "a.y": 2 }));
    let bounds = plan.get_document("inputStage").unwrap().get_document("indexBounds").unwrap();
    assert_eq!(bounds, &doc! { "a.x": ["[1, 1]"], "a.y": ["[MinKey, MaxKey]"] });
    assert_eq!(found[0], 1);
    collection.create_indexes(&[IndexModel::new(doc! { "n": 1 })]).unwrap();
    let (_, found) = explain(&collection, Find::new(doc! { "n": { "$gt": 4, "$lt": 6 } }));
    assert_eq!(found, [1, 1, 1], "10 is above 4 and 0 is below 6");
    let element = Find::new(doc! { "n": { "$elemMatch": { "$gt": 4, "$lt": 6 } } });
    let (_, found) = explain(&collection, element);
    assert_eq!(found, [0, 0, 0], "one element has to be both, so both bound the walk");
}
