//! What the operations on collections promise, one promise a test.

#![allow(clippy::disallowed_methods, reason = "tests race with threads of their own")]
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::sync::Arc;

use bson::{Document, doc};
use stroma_document::store::MemoryStore;
use stroma_document::{
    Collection, CollectionOptions, Count, DeleteStatement, Distinct, Documents, Find, Hint, IndexModel,
    IndexSelection, Namespace, Options,
};

fn open() -> (Documents, Collection) {
    let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default()).unwrap();
    let collection = documents.collection(&Namespace::new("db", "c").unwrap());
    (documents, collection)
}

fn all(collection: &Collection, find: &Find) -> Vec<Document> {
    collection.find(find).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn an_insert_creates_the_collection_and_gives_ids() {
    let (documents, collection) = open();
    let outcome = collection.insert_many(vec![doc! { "a": 1 }, doc! { "a": 2, "_id": 7 }], true).unwrap();
    assert_eq!(outcome.inserted, 2);
    let found = all(&collection, &Find::default());
    assert!(found.iter().all(|document| document.keys().next().unwrap() == "_id"));
    assert!(found.iter().any(|document| document.get_object_id("_id").is_ok()));
    assert_eq!(documents.list_databases().unwrap().len(), 1);
    assert_eq!(documents.list_collections("db").unwrap()[0].namespace.collection(), "c");
    assert!(documents.list_collections("other").unwrap().is_empty());
}

#[test]
fn an_ordered_insert_stops_at_the_first_error() {
    let (_, collection) = open();
    let batch = || vec![doc! { "_id": 1 }, doc! { "_id": 1.0 }, doc! { "_id": [1] }, doc! { "_id": 2 }];
    let outcome = collection.insert_many(batch(), true).unwrap();
    assert_eq!((outcome.inserted, outcome.errors.len()), (1, 1));
    assert_eq!((outcome.errors[0].index, outcome.errors[0].error.code()), (1, 11000));
    let outcome = collection.insert_many(batch(), false).unwrap();
    let codes: Vec<_> = outcome.errors.iter().map(|error| (error.index, error.error.code())).collect();
    assert_eq!((outcome.inserted, codes), (1, vec![(0, 11000), (1, 11000), (2, 53)]));
}

#[test]
fn names_are_taken_once() {
    let (documents, collection) = open();
    let namespace = collection.namespace().clone();
    documents.create_collection(&namespace, CollectionOptions::default()).unwrap();
    let again = documents.create_collection(&namespace, CollectionOptions::default()).unwrap_err();
    assert_eq!(again.code_name(), "NamespaceExists");
    let other = Namespace::new("db2", "d").unwrap();
    collection.insert_many(vec![doc! { "_id": 1 }], true).unwrap();
    documents.rename_collection(&namespace, &other, false).unwrap();
    assert_eq!(documents.collection(&other).estimated_count().unwrap(), 1);
    assert_eq!(documents.drop_collection(&namespace).unwrap_err().code(), 26);
    documents.drop_collection(&other).unwrap();
    assert!(documents.list_databases().unwrap().is_empty());
    assert!(!documents.drop_database("db").unwrap());
}

#[test]
fn a_dropped_collection_comes_back_empty() {
    let (documents, collection) = open();
    collection.insert_many(vec![doc! { "_id": 1 }], true).unwrap();
    documents.drop_collection(collection.namespace()).unwrap();
    assert!(all(&collection, &Find::default()).is_empty());
    collection.insert_many(vec![doc! { "_id": 2 }], true).unwrap();
    assert_eq!(all(&collection, &Find::default()), [doc! { "_id": 2 }]);
}

#[test]
fn a_unique_index_refuses_a_second_key() {
    let (_, collection) = open();
    collection.insert_many(vec![doc! { "_id": 1, "a": 1 }, doc! { "_id": 2, "a": 1 }], true).unwrap();
    let unique = IndexModel::new(doc! { "a": 1 }).unique();
    let error = collection.create_indexes(std::slice::from_ref(&unique)).unwrap_err();
    assert_eq!(error.message(), "E11000 duplicate key error collection: db.c index: a_1 dup key: { a: 1 }");
    assert_eq!(error.details().unwrap(), &doc! { "keyPattern": { "a": 1 }, "keyValue": { "a": 1 } });
    assert_eq!(collection.list_indexes().unwrap().len(), 1, "a failed build leaves no index");
    collection.delete(&[DeleteStatement::one(doc! { "_id": 2 })], true).unwrap();
    let outcome = collection.create_indexes(&[unique]).unwrap();
    assert_eq!((outcome.before, outcome.after, outcome.created_collection), (1, 2, false));
    let outcome = collection.insert_many(vec![doc! { "_id": 3, "a": 1 }, doc! { "_id": 4 }], false).unwrap();
    assert_eq!((outcome.inserted, outcome.errors[0].error.code()), (1, 11000));
    let outcome = collection.insert_many(vec![doc! { "_id": 5 }], false).unwrap();
    assert_eq!(outcome.errors[0].error.code(), 11000, "two documents without the path share null");
}

#[test]
fn indexes_are_listed_and_dropped() {
    let (_, collection) = open();
    assert_eq!(collection.list_indexes().unwrap_err().code(), 26);
    collection
        .create_indexes(&[IndexModel::new(doc! { "a": 1 }), IndexModel::new(doc! { "b": -1 })])
        .unwrap();
    collection.create_indexes(&[IndexModel::new(doc! { "a": 1 })]).unwrap();
    let names = || -> Vec<String> {
        let indexes = collection.list_indexes().unwrap();
        indexes.iter().map(|index| index.get_str("name").unwrap().to_owned()).collect()
    };
    assert_eq!(names(), ["_id_", "a_1", "b_-1"]);
    let conflict = collection.create_indexes(&[IndexModel::new(doc! { "a": 1 }).named("other")]);
    assert_eq!(conflict.unwrap_err().code(), 85);
    let conflict = collection.create_indexes(&[IndexModel::new(doc! { "x": 1 }).named("a_1")]);
    assert_eq!(conflict.unwrap_err().code(), 86);
    let missing = collection.drop_indexes(&IndexSelection::Names(vec!["nope".to_owned()]));
    assert_eq!(missing.unwrap_err().code(), 27);
    assert_eq!(collection.drop_indexes(&IndexSelection::Key(doc! { "a": 1 })).unwrap(), 3);
    assert_eq!(names(), ["_id_", "b_-1"]);
    assert_eq!(collection.drop_indexes(&IndexSelection::All).unwrap(), 2);
}

#[test]
fn a_cursor_keeps_its_snapshot() {
    let (documents, collection) = open();
    collection.insert_many((0..500).map(|number| doc! { "_id": number }).collect(), true).unwrap();
    let mut cursor = collection.find(&Find::default()).unwrap();
    cursor.next().unwrap().unwrap();
    documents.drop_collection(collection.namespace()).unwrap();
    assert_eq!(cursor.count(), 499);
}

#[test]
fn sorts_skips_limits_and_hints() {
    let (_, collection) = open();
    collection.insert_many((0..50).map(|n| doc! { "_id": n, "a": 49 - n }).collect(), true).unwrap();
    let find = Find::new(doc! {}).sorted(doc! { "a": 1 }).skipping(2).limited(3);
    let ids = |find: &Find| -> Vec<i32> {
        all(&collection, find).iter().map(|document| document.get_i32("_id").unwrap()).collect()
    };
    assert_eq!(ids(&find), [47, 46, 45]);
    collection.create_indexes(&[IndexModel::new(doc! { "a": 1 })]).unwrap();
    assert_eq!(ids(&find), [47, 46, 45]);
    let backward = Find::new(doc! {}).sorted(doc! { "$natural": -1 }).limited(2);
    assert_eq!(ids(&backward), [49, 48]);
    let nowhere = Find::new(doc! {}).hinted(Hint::Name("nope".to_owned()));
    assert_eq!(collection.find(&nowhere).err().unwrap().code(), 2);
    assert_eq!(collection.count(&Count::new(doc! { "a": { "$gte": 10 } })).unwrap(), 40);
    let bare = Options::default().with_sort_memory_bytes(100);
    let small = Documents::open(Arc::new(MemoryStore::new()), bare).unwrap();
    let small = small.collection(collection.namespace());
    small.insert_many((0..50).map(|n| doc! { "_id": n, "a": 49 - n }).collect(), true).unwrap();
    assert_eq!(small.find(&Find::new(doc! {}).sorted(doc! { "a": 1 })).err().unwrap().code(), 292);
}

#[test]
fn distinct_values_come_in_order() {
    let (_, collection) = open();
    let documents = vec![doc! { "a": 3 }, doc! { "a": [1, 3.0, "x"] }, doc! { "b": 1 }];
    collection.insert_many(documents, true).unwrap();
    let values = collection.distinct(&Distinct::new("a")).unwrap();
    assert_eq!(values, [1.into(), 3.into(), "x".into()]);
    assert!(collection.distinct(&Distinct::new("a").matching(doc! { "b": 1 })).unwrap().is_empty());
}

#[test]
fn threads_race_for_one_unique_key() {
    let (_, collection) = open();
    collection.create_indexes(&[IndexModel::new(doc! { "name": 1 }).unique()]).unwrap();
    let inserted: u64 = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..4)
            .map(|racer| {
                let collection = collection.clone();
                scope.spawn(move || {
                    let documents = (0..50).map(|n| doc! { "_id": racer * 100 + n, "name": n }).collect();
                    collection.insert_many(documents, false).unwrap().inserted
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(inserted, 50);
    assert_eq!(collection.estimated_count().unwrap(), 50);
}

#[test]
fn writes_go_on_while_an_index_is_built() {
    let (_, collection) = open();
    collection.insert_many((0..3000).map(|n| doc! { "_id": n, "a": n % 7 }).collect(), true).unwrap();
    std::thread::scope(|scope| {
        let writer = collection.clone();
        scope.spawn(move || {
            for n in 3000..3200 {
                writer.insert_many(vec![doc! { "_id": n, "a": n % 7 }], true).unwrap();
                writer.delete(&[DeleteStatement::one(doc! { "_id": n - 3000 })], true).unwrap();
            }
        });
        collection.create_indexes(&[IndexModel::new(doc! { "a": 1 })]).unwrap();
    });
    let by_index = Find::new(doc! { "a": 3 }).hinted(Hint::Name("a_1".to_owned()));
    let by_scan = Find::new(doc! { "a": 3 }).hinted(Hint::Natural(true));
    assert_eq!(all(&collection, &by_index), all(&collection, &by_scan));
}

#[test]
fn a_reopened_store_has_everything() {
    let store = Arc::new(MemoryStore::new());
    let namespace = Namespace::new("db", "c").unwrap();
    let first = Documents::open(store.clone(), Options::default()).unwrap().collection(&namespace);
    first.insert_many(vec![doc! { "_id": 1, "a": [1, 2] }], true).unwrap();
    first.create_indexes(&[IndexModel::new(doc! { "a": 1 })]).unwrap();
    drop(first);
    let second = Documents::open(store, Options::default()).unwrap().collection(&namespace);
    assert_eq!(all(&second, &Find::new(doc! { "a": 2 })), [doc! { "_id": 1, "a": [1, 2] }]);
    assert_eq!(second.list_indexes().unwrap().len(), 2);
}
