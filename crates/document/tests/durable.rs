//! Documents in the engine: reopened, crashed, with indexes.

#![cfg(feature = "lsm")]
#![allow(clippy::disallowed_methods, reason = "tests race with threads of their own")]
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::sync::Arc;

use bson::{Document, doc};
use stroma_document::store::LsmStore;
use stroma_document::{
    Collection, Count, Documents, Find, Hint, IndexModel, Namespace, Options, UpdateStatement,
};
use stroma_lsm::Database;
use stroma_strata::storage::MemoryStorage;

const MEMORY_BYTES: usize = 4 << 20;

fn open(storage: &MemoryStorage) -> (Database, Collection) {
    let options =
        stroma_lsm::Options { memory_bytes: MEMORY_BYTES, background_threads: 0, ..Default::default() };
    let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
    let store = LsmStore::new(database.clone(), MEMORY_BYTES).unwrap();
    let documents = Documents::open(Arc::new(store), Options::default()).unwrap();
    (database, documents.collection(&Namespace::new("db", "c").unwrap()))
}

fn all(collection: &Collection, find: &Find) -> Vec<Document> {
    collection.find(find).unwrap().collect::<Result<_, _>>().unwrap()
}

fn check_index(collection: &Collection) {
    for a in 0..7 {
        let find = Find::new(doc! { "a": a });
        let by_index = all(collection, &find.clone().hinted(Hint::Name("a_1".to_owned())));
        let by_scan = all(collection, &find.hinted(Hint::Natural(true)));
        assert_eq!(by_index, by_scan);
    }
}

#[test]
fn everything_is_there_after_reopening() {
    let storage = MemoryStorage::new();
    let (database, collection) = open(&storage);
    collection.insert_many((0..2000).map(|n| doc! { "_id": n, "a": n % 7 }).collect(), true).unwrap();
    collection.create_indexes(&[IndexModel::new(doc! { "a": 1 })]).unwrap();
    let raise = UpdateStatement::many(doc! { "a": 3 }, doc! { "$inc": { "a": 1 } });
    collection.update(&[raise], true).unwrap();
    let before = all(&collection, &Find::default());
    drop(collection);
    database.close().unwrap();
    let (_, collection) = open(&storage.kill());
    assert_eq!(all(&collection, &Find::default()), before);
    assert_eq!(collection.count(&Count::new(doc! { "a": 3 })).unwrap(), 0);
    check_index(&collection);
}

#[test]
fn what_was_synced_survives_a_crash_with_its_index_entries() {
    for seed in 0..8 {
        let storage = MemoryStorage::new();
        let (_database, collection) = open(&storage);
        collection.create_indexes(&[IndexModel::new(doc! { "a": 1 })]).unwrap();
        for n in 0..60 {
            let collection = collection.clone().synced(n < 40);
            collection.insert_many(vec![doc! { "_id": n, "a": n % 7 }], true).unwrap();
        }
        let (_, after) = open(&storage.crash(seed));
        let found = all(&after, &Find::default());
        assert!(found.len() >= 40, "{} of the synced 40 are left", found.len());
        let ids: Vec<i32> = found.iter().map(|document| document.get_i32("_id").unwrap()).collect();
        assert!(ids.iter().copied().eq(0..ids.len() as i32), "what is left is a front part");
        check_index(&after);
    }
}

#[test]
fn threads_race_for_one_unique_key() {
    let (_database, collection) = open(&MemoryStorage::new());
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
    assert_eq!((inserted, collection.estimated_count().unwrap()), (50, 50));
}

#[test]
fn large_requests_are_cut_to_what_the_engine_takes() {
    let (_database, collection) = open(&MemoryStorage::new());
    let text = "x".repeat(100_000);
    let outcome =
        collection.insert_many((0..40).map(|n| doc! { "_id": n, "t": &text }).collect(), true).unwrap();
    assert_eq!((outcome.inserted, outcome.errors.len()), (40, 0));
    let many = UpdateStatement::many(doc! {}, doc! { "$set": { "b": 1 } });
    assert_eq!(collection.update(&[many], true).unwrap().modified, 40);
    // Larger than the engine's memory takes as a batch, and so taken in another way.
    let large = doc! { "_id": 98, "t": "x".repeat(3 << 20) };
    assert_eq!(collection.insert_many(vec![large], true).unwrap().inserted, 1);
    let too_large = doc! { "_id": 99, "t": "x".repeat(17 << 20) };
    let refused = collection.insert_many(vec![too_large], true);
    assert_eq!(
        refused.map(|outcome| outcome.errors[0].error.code()).unwrap_or_else(|error| error.code()),
        10334
    );
    assert_eq!(collection.estimated_count().unwrap(), 41);
}
