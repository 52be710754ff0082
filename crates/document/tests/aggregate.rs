//! Pipelines over collections: what an index takes over, other collections, stages from outside.

#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::sync::Arc;

use bson::{Bson, Document, doc};
use stroma_document::store::MemoryStore;
use stroma_document::{
    Aggregate, Collection, Documents, Error, Explained, Find, IndexModel, Namespace, Options, Result,
    SourceStage, Verbosity,
};

fn open() -> Collection {
    let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default()).unwrap();
    let collection = documents.collection(&Namespace::new("shop", "orders").unwrap());
    let order = |n: i32| doc! { "_id": n, "item": n % 3, "amount": n };
    collection.insert_many((0..30).map(order).collect(), true).unwrap();
    let items = collection.sibling("items").unwrap();
    items
        .insert_many((0..3).map(|n| doc! { "_id": n, "name": format!("item {n}") }).collect(), true)
        .unwrap();
    collection
}

fn run(collection: &Collection, pipeline: Vec<Document>) -> Result<Vec<Document>> {
    collection.aggregate(&Aggregate::new(pipeline))?.collect()
}

#[test]
fn groups_by_an_index() {
    let collection = open();
    collection.create_indexes(&[IndexModel::new(doc! { "item": 1, "amount": 1 })]).unwrap();
    let pipeline = vec![
        doc! { "$match": { "item": 1 } },
        doc! { "$sort": { "amount": -1 } },
        doc! { "$limit": 3 },
        doc! { "$group": { "_id": "$item", "sum": { "$sum": "$amount" }, "first": { "$first": "$amount" } } },
    ];
    assert_eq!(
        run(&collection, pipeline.clone()).unwrap(),
        [doc! { "_id": 1, "sum": 28 + 25 + 22, "first": 28 }]
    );
    let explained = Explained::Aggregate(Aggregate::new(pipeline));
    let plan = collection.explain(&explained, Verbosity::QueryPlanner).unwrap();
    let winning = plan.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap();
    assert_eq!(winning.get_document("inputStage").unwrap().get_str("direction").unwrap(), "backward");
}

#[test]
fn an_order_without_an_index_is_kept() {
    let pipeline =
        vec![doc! { "$sort": { "amount": -1 } }, doc! { "$limit": 2 }, doc! { "$project": { "_id": 1 } }];
    assert_eq!(run(&open(), pipeline).unwrap(), [doc! { "_id": 29 }, doc! { "_id": 28 }]);
}

#[test]
fn looks_up_other_collections() {
    let pipeline = vec![
        doc! { "$match": { "_id": 4 } },
        doc! { "$lookup": { "from": "items", "localField": "item", "foreignField": "_id", "as": "found" } },
        doc! { "$unwind": "$found" },
        doc! { "$project": { "_id": 0, "name": "$found.name" } },
    ];
    assert_eq!(run(&open(), pipeline).unwrap(), [doc! { "name": "item 1" }]);
}

/// Yields the orders of the ids it is given, with a score.
struct Picked;

impl SourceStage for Picked {
    fn open(
        &self,
        argument: &Bson,
        collection: &Collection,
    ) -> Result<Box<dyn Iterator<Item = Result<Document>> + Send>> {
        let ids = argument.as_array().ok_or_else(|| Error::type_mismatch("$picked takes an array"))?.clone();
        let found = collection.find(&Find::new(doc! { "_id": { "$in": ids } }))?;
        Ok(Box::new(found.map(|document| {
            let mut document = document?;
            document.insert("score", 1);
            Ok(document)
        })))
    }
}

#[test]
fn a_stage_from_outside_stands_first() {
    let collection = open();
    let pipeline = vec![doc! { "$picked": [3, 5] }, doc! { "$match": { "amount": { "$gt": 3 } } }];
    assert_eq!(run(&collection, pipeline.clone()).unwrap_err().code(), 40324);
    collection.documents().register_source_stage("$picked", Arc::new(Picked));
    let found = run(&collection, pipeline).unwrap();
    assert_eq!(found, [doc! { "_id": 5, "item": 2, "amount": 5, "score": 1 }]);
    assert_eq!(run(&collection, vec![doc! { "$picked": 1 }]).unwrap_err().code(), 14);
    let second = vec![doc! { "$match": {} }, doc! { "$picked": [] }];
    assert_eq!(run(&collection, second).unwrap_err().code(), 40602);
}

#[test]
fn constants_are_variables() {
    let mut aggregate = Aggregate::new(vec![
        doc! { "$match": { "$expr": { "$eq": ["$_id", "$$wanted"] } } },
        doc! { "$project": { "sum": { "$add": ["$amount", "$$wanted"] } } },
    ]);
    aggregate.constants = doc! { "wanted": 7 };
    let found: Vec<Document> = open().aggregate(&aggregate).unwrap().collect::<Result<_>>().unwrap();
    assert_eq!(found, [doc! { "_id": 7, "sum": 14 }]);
}
