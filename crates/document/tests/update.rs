//! What updates and find-and-modify promise.

#![allow(clippy::disallowed_methods, reason = "tests race with threads of their own")]
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::sync::Arc;

use bson::{Bson, Document, bson, doc};
use stroma_document::store::MemoryStore;
use stroma_document::{
    Collection, Documents, Find, FindAndModify, Hint, IndexModel, Modification, Namespace, Options,
    UpdateStatement,
};

fn open() -> Collection {
    let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default()).unwrap();
    documents.collection(&Namespace::new("db", "c").unwrap())
}

fn filled(count: i32) -> Collection {
    let collection = open();
    collection.create_indexes(&[IndexModel::new(doc! { "a": 1 })]).unwrap();
    collection.insert_many((0..count).map(|n| doc! { "_id": n, "a": n % 10 }).collect(), true).unwrap();
    collection
}

fn all(collection: &Collection, find: &Find) -> Vec<Document> {
    collection.find(find).unwrap().collect::<Result<_, _>>().unwrap()
}

fn by_id(collection: &Collection, id: impl Into<Bson>) -> Option<Document> {
    all(collection, &Find::new(doc! { "_id": id.into() })).pop()
}

#[test]
fn one_and_many() {
    let collection = filled(30);
    let one = collection
        .update(&[UpdateStatement::one(doc! { "a": 3 }, doc! { "$set": { "b": 1 } })], true)
        .unwrap();
    assert_eq!((one.matched, one.modified), (1, 1));
    let many = collection
        .update(&[UpdateStatement::many(doc! { "a": 3 }, doc! { "$set": { "b": 1 } })], true)
        .unwrap();
    assert_eq!((many.matched, many.modified), (3, 2));
    let none =
        collection.update(&[UpdateStatement::one(doc! { "a": 77 }, doc! { "$inc": { "b": 1 } })], true);
    assert_eq!(none.unwrap().matched, 0);
}

#[test]
fn an_update_that_moves_documents_along_its_index_meets_each_once() {
    let collection = filled(2000);
    let raise = UpdateStatement::many(doc! { "a": { "$gte": 0 } }, doc! { "$inc": { "a": 100 } });
    let outcome = collection.update(&[raise], true).unwrap();
    assert_eq!((outcome.matched, outcome.modified), (2000, 2000));
    let moved = Find::new(doc! { "a": { "$gte": 100, "$lt": 110 } }).hinted(Hint::Name("a_1".to_owned()));
    assert_eq!(all(&collection, &moved).len(), 2000);
}

#[test]
fn upserts_insert_what_filter_and_update_make() {
    let collection = filled(0);
    let upsert = UpdateStatement::one(
        doc! { "_id": "x", "a": 5, "b": { "$gt": 1 } },
        doc! { "$inc": { "n": 1 }, "$setOnInsert": { "new": true } },
    )
    .or_insert();
    let first = collection.update(std::slice::from_ref(&upsert), true).unwrap();
    assert_eq!((first.matched, first.upserted[0].id.clone()), (0, "x".into()));
    assert_eq!(by_id(&collection, "x").unwrap(), doc! { "_id": "x", "a": 5, "n": 1, "new": true });
    let again = collection.update(&[upsert], true).unwrap();
    assert_eq!(again.errors[0].error.code(), 11000, "the filter's range is not in what was inserted");
    let many = UpdateStatement::many(doc! { "a": 9 }, doc! { "$set": { "b": 1 } }).or_insert();
    assert_eq!(collection.update(std::slice::from_ref(&many), true).unwrap().upserted.len(), 1);
    assert_eq!(collection.update(&[many], true).unwrap().matched, 1);
    let replace = UpdateStatement::one(doc! { "_id": 7, "z": 1 }, doc! { "w": 1 }).or_insert();
    collection.update(&[replace], true).unwrap();
    assert_eq!(by_id(&collection, 7).unwrap(), doc! { "_id": 7, "w": 1 });
}

#[test]
fn an_id_stays() {
    let collection = filled(3);
    let outcome = collection
        .update(
            &[
                UpdateStatement::one(doc! { "_id": 1 }, doc! { "$set": { "_id": 9 } }),
                UpdateStatement::one(doc! { "_id": 1 }, doc! { "b": 1, "_id": 9 }),
                UpdateStatement::one(doc! { "_id": 1 }, doc! { "b": 1 }),
            ],
            false,
        )
        .unwrap();
    let codes: Vec<_> = outcome.errors.iter().map(|error| (error.index, error.error.code())).collect();
    assert_eq!(codes, [(0, 66), (1, 66)]);
    assert_eq!(by_id(&collection, 1).unwrap(), doc! { "_id": 1, "b": 1 });
}

#[test]
fn a_failed_update_changes_nothing() {
    let collection = filled(10);
    collection.create_indexes(&[IndexModel::new(doc! { "u": 1 }).unique().sparse()]).unwrap();
    let twice = UpdateStatement::many(doc! { "a": { "$lt": 2 } }, doc! { "$set": { "u": 1, "a": 50 } });
    let outcome = collection.update(&[twice], true).unwrap();
    assert_eq!((outcome.matched, outcome.errors[0].error.code()), (0, 11000));
    assert!(all(&collection, &Find::new(doc! { "a": 50 })).is_empty());
    let multi = UpdateStatement::many(doc! {}, doc! { "whole": 1 });
    assert_eq!(collection.update(&[multi], true).unwrap().errors[0].error.code(), 9);
}

#[test]
fn positional_updates_know_the_element() {
    let collection = open();
    collection.insert_many(vec![doc! { "_id": 1, "list": [{ "x": 1 }, { "x": 2 }] }], true).unwrap();
    let update = UpdateStatement::one(doc! { "list.x": 2 }, doc! { "$set": { "list.$.y": 5 } });
    collection.update(&[update], true).unwrap();
    assert_eq!(by_id(&collection, 1).unwrap(), doc! { "_id": 1, "list": [{ "x": 1 }, { "x": 2, "y": 5 }] });
    let mut filtered = UpdateStatement::one(doc! {}, doc! { "$set": { "list.$[e].z": 6 } });
    filtered.array_filters = vec![doc! { "e.x": 1 }];
    collection.update(&[filtered], true).unwrap();
    assert_eq!(by_id(&collection, 1).unwrap().get_array("list").unwrap()[0], bson!({ "x": 1, "z": 6 }));
    let projected = Find::new(doc! { "list.x": 2 }).projected(doc! { "_id": 0, "list.$": 1 });
    assert_eq!(all(&collection, &projected), [doc! { "list": [{ "x": 2, "y": 5 }] }]);
}

#[test]
fn a_document_is_changed_and_given_back() {
    let collection = filled(20);
    let update = |returns_new, upsert| Modification::Update {
        update: bson!({ "$inc": { "n": 1 } }),
        upsert,
        array_filters: Vec::new(),
        returns_new,
    };
    let mut request = FindAndModify::new(doc! { "a": 4 }, update(true, false));
    request.sort = Some(doc! { "_id": -1 });
    request.projection = Some(doc! { "n": 1 });
    let outcome = collection.find_and_modify(&request).unwrap();
    assert_eq!(outcome.value.unwrap(), doc! { "_id": 14, "n": 1 });
    assert!(outcome.updated_existing && outcome.affected == 1);
    request.modification = update(false, false);
    assert_eq!(collection.find_and_modify(&request).unwrap().value.unwrap(), doc! { "_id": 14, "n": 1 });
    let inserted =
        collection.find_and_modify(&FindAndModify::new(doc! { "_id": 99 }, update(true, true))).unwrap();
    assert_eq!((inserted.value, inserted.upserted), (Some(doc! { "_id": 99, "n": 1 }), Some(99.into())));
    let removed =
        collection.find_and_modify(&FindAndModify::new(doc! { "_id": 99 }, Modification::Remove)).unwrap();
    assert_eq!((removed.value.unwrap(), removed.affected), (doc! { "_id": 99, "n": 1 }, 1));
    let nothing =
        collection.find_and_modify(&FindAndModify::new(doc! { "_id": 99 }, Modification::Remove)).unwrap();
    assert_eq!((nothing.value, nothing.affected), (None, 0));
}

#[test]
fn counters_lose_no_increment() {
    let collection = filled(1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let raise = UpdateStatement::one(doc! { "_id": 0 }, doc! { "$inc": { "n": 1 } });
                    let outcome = collection.update(&[raise], true).unwrap();
                    assert_eq!((outcome.modified, outcome.errors.len()), (1, 0));
                }
            });
        }
    });
    assert_eq!(by_id(&collection, 0).unwrap().get_i32("n").unwrap(), 400);
}

#[test]
fn racing_upserts_insert_once() {
    let collection = open();
    let inserted: usize = std::thread::scope(|scope| {
        let upsert = || {
            let upsert = UpdateStatement::one(doc! { "k": 1 }, doc! { "$inc": { "n": 1 } }).or_insert();
            (0..20)
                .map(|_| collection.update(std::slice::from_ref(&upsert), true).unwrap().upserted.len())
                .sum::<usize>()
        };
        let racers: Vec<_> = (0..4).map(|_| scope.spawn(upsert)).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum::<usize>()
    });
    assert_eq!(inserted, 1, "even without a unique index");
    assert_eq!(all(&collection, &Find::default())[0].get_i32("n").unwrap(), 80);
}

#[test]
fn queues_give_each_document_to_one() {
    let collection = filled(200);
    let taken: usize = std::thread::scope(|scope| {
        let take = || {
            let mut request = FindAndModify::new(doc! {}, Modification::Remove);
            request.sort = Some(doc! { "a": 1 });
            std::iter::from_fn(|| collection.find_and_modify(&request).unwrap().value).count()
        };
        let takers: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert_eq!(taken, 200);
}
