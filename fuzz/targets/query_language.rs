//! BSON as a filter, an update and a pipeline, run on a document.
#![no_main]

use bson::{Bson, Document, doc};
use libfuzzer_sys::fuzz_target;
use stroma_document::store::MemoryStore;
use stroma_document::{Aggregate, Documents, Find, Namespace, Options, UpdateStatement};

fuzz_target!(|bytes: &[u8]| {
    let Ok(given) = Document::from_reader(bytes) else { return };
    let Ok(documents) = Documents::open(std::sync::Arc::new(MemoryStore::new()), Options::default()) else { return };
    let Ok(namespace) = Namespace::parse("fuzz.target") else { return };
    let collection = documents.collection(&namespace);
    let _ = collection.insert_many(vec![doc! {"_id": 1, "a": [1, "x", {"b": null}], "n": 2.5}, given.clone()], false);
    if let Ok(found) = collection.find(&Find::new(given.clone())) {
        for _ in found.take(10) {}
    }
    let _ = collection.update(&[UpdateStatement::many(doc! {}, given.clone())], true);
    let stages = given.into_iter().filter_map(|(_, stage)| match stage {
        Bson::Document(stage) => Some(stage),
        _ => None,
    });
    if let Ok(found) = collection.aggregate(&Aggregate::new(stages.collect())) {
        for _ in found.take(10) {}
    }
});
