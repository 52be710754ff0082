//! A document database with MongoDB's query language on any ordered transactional store.
//!
//! [`Documents`] is the handle on everything in one store, a [`Collection`] on one collection of it.
//! Documents are `bson` documents, queries, updates and pipelines are MongoDB's, and an [`Error`] has MongoDB's code.
//!
//! ```
//! use std::sync::Arc;
//! use bson::{Document, doc};
//! use stroma_document::store::MemoryStore;
//! use stroma_document::{
//!     Aggregate, Documents, Error, Explained, Find, IndexModel, Namespace, Options, UpdateStatement,
//!     Verbosity,
//! };
//!
//! # fn main() -> Result<(), Error> {
//! let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default())?;
//! let orders = documents.collection(&Namespace::new("shop", "orders")?);
//!
//! // The first insert makes the collection. What is wrong with single documents is in the outcome.
//! let outcome = orders.insert_many(
//!     vec![
//!         doc! { "_id": 1, "item": "apples", "amount": 5, "tags": ["fruit", "red"] },
//!         doc! { "_id": 2, "item": "pears", "amount": 7, "tags": ["fruit"] },
//!         doc! { "_id": 2, "item": "nails", "amount": 100 },
//!     ],
//!     false,
//! )?;
//! assert_eq!(outcome.inserted, 2);
//! assert_eq!(outcome.errors[0].error.code_name(), "DuplicateKey");
//!
//! // A cursor streams from a snapshot of its own.
//! let find = Find::new(doc! { "tags": "fruit" }).sorted(doc! { "amount": -1 });
//! let find = find.projected(doc! { "item": 1 });
//! let found: Vec<Document> = orders.find(&find)?.collect::<Result<_, Error>>()?;
//! assert_eq!(found, [doc! { "_id": 2, "item": "pears" }, doc! { "_id": 1, "item": "apples" }]);
//!
//! // Changes of one document are atomic; an upsert never inserts twice.
//! let more = UpdateStatement::one(doc! { "item": "plums" }, doc! { "$inc": { "amount": 3 } }).or_insert();
//! assert_eq!(orders.update(&[more], true)?.upserted.len(), 1);
//!
//! // An index is used where it serves, which explain tells.
//! orders.create_indexes(&[IndexModel::new(doc! { "item": 1 })])?;
//! let by_item = Explained::Find(Find::new(doc! { "item": "pears" }));
//! let plan = orders.explain(&by_item, Verbosity::QueryPlanner)?;
//! assert!(plan.to_string().contains("IXSCAN"));
//!
//! // Pipelines stream through stages.
//! let sum = vec![doc! { "$group": { "_id": null, "sum": { "$sum": "$amount" } } }];
//! let sums: Vec<Document> = orders.aggregate(&Aggregate::new(sum))?.collect::<Result<_, Error>>()?;
//! assert_eq!(sums[0], doc! { "_id": null, "sum": 15 });
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//! Everything is kept in an [`OrderedStore`](store::OrderedStore): a small trait of ordered keys, snapshots
//! and serializable transactions. [`MemoryStore`](store::MemoryStore) is one, `store::LsmStore` (feature `lsm`)
//! another, and [`store::conformance`] tells whether yet another does what is asked.
//!
//! A *query* is parsed into a matcher, planned to a walk through an index or the records, and streamed: each
//! document found is checked by the matcher. A *write* finds documents in a snapshot, looks at each again in
//! a transaction, and commits them with their index entries. Conflicts are retried within; after that
//! `WriteConflict` (112) is the answer.
//!
//! | to learn about | read |
//! |---|---|
//! | what is asked of a store | [`store`], `docs/decisions/050-ordered-store-trait.md` |
//! | keys and values in the store | `record`, `catalog`, `docs/formats/document-keys.md` |
//! | index entries, how indexes are built | `index` |
//! | how an index is chosen | `planner`, `docs/decisions/052-planner.md` |
//! | running a plan | `execution`, `explain` |
//! | an operation on a collection | `collection`, a file each |
//! | values, filters, updates, expressions, stages | [`language`] |
//!
//! # Limits
//! A document has at most 16 MiB and 100 levels; a key of an index, with the `_id`, at most what the store
//! takes (65,535 bytes). A request that changes many documents commits in chunks: each document is changed
//! wholly or not at all, the request need not be. A sort that no index serves and a stage that holds
//! documents have a budget of memory ([`Options::sort_memory_bytes`]). Transactions over several requests,
//! collations, capped and time series collections, views, validators, text, geo, hashed, wildcard, partial
//! and expiring indexes are not there and say so (code 238).
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod catalog;
mod collection;
mod cursor;
mod documents;
pub mod error;
mod execution;
mod explain;
mod index;
mod interrupt;
pub mod language;
pub mod namespace;
mod planner;
mod record;
pub mod store;

pub use collection::{
    Aggregate, Collection, CollectionStats, Count, CreateIndexesOutcome, DeleteOutcome, DeleteStatement,
    Distinct, Explained, Find, FindAndModify, FindAndModifyOutcome, IndexSelection, IndexUse, InsertOutcome,
    Modification, UpdateOutcome, UpdateStatement, Upserted, Verbosity,
};
pub use cursor::Cursor;
pub use documents::{
    CollectionInfo, CollectionOptions, DatabaseInfo, Documents, Options, RecoveredCollections, SourceStage,
};
pub use error::{Code, Error, Result, WriteError};
pub use index::IndexModel;
pub use interrupt::interruptible;
pub use namespace::Namespace;
pub use planner::Hint;
