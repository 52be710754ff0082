//! Random writes and queries with random indexes, against a plain list of documents and the matcher.

#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::sync::Arc;

use bson::{Bson, Document, bson, doc};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use stroma_document::language::matcher::Matcher;
use stroma_document::language::sort::SortPattern;
use stroma_document::language::update::{Update, UpdateContext};
use stroma_document::language::value::equal;
use stroma_document::store::{MemoryStore, OrderedStore};
use stroma_document::{
    Collection, CollectionOptions, Count, DeleteStatement, Documents, Find, Hint, IndexModel, Namespace,
    Options, UpdateStatement,
};

fn in_memory() -> Arc<dyn OrderedStore> {
    Arc::new(MemoryStore::new())
}

#[cfg(feature = "lsm")]
fn in_the_engine() -> Arc<dyn OrderedStore> {
    let storage = Arc::new(stroma_strata::storage::MemoryStorage::new());
    let memory_bytes = 256 << 10;
    let options = stroma_lsm::Options { memory_bytes, background_threads: 0, ..Default::default() };
    let database = stroma_lsm::Database::open_storage(storage, options).unwrap();
    Arc::new(stroma_document::store::LsmStore::new(database, memory_bytes).unwrap())
}

fn open(store: Arc<dyn OrderedStore>) -> Collection {
    let documents = Documents::open(store, Options::default()).unwrap();
    documents.collection(&Namespace::new("db", "c").unwrap())
}

fn scalar() -> impl Strategy<Value = Bson> {
    prop_oneof![
        8 => (0i32..4).prop_map(Bson::Int32),
        1 => (-2i32..4).prop_map(|number| Bson::Double(f64::from(number) / 2.0)),
        1 => "[ab]{0,2}".prop_map(Bson::String),
        1 => Just(Bson::Null),
        1 => Just(Bson::Boolean(true)),
        1 => Just(Bson::Double(f64::NAN)),
    ]
}

fn value() -> impl Strategy<Value = Bson> {
    prop_oneof![
        6 => scalar(),
        2 => prop::collection::vec(scalar(), 0..3).prop_map(Bson::Array),
        1 => prop::collection::vec(prop::collection::vec(scalar(), 0..2).prop_map(Bson::Array), 1..2)
            .prop_map(Bson::Array),
        2 => fields(["x", "y"]).prop_map(Bson::Document),
        1 => prop::collection::vec(fields(["x", "y"]).prop_map(Bson::Document), 0..3).prop_map(Bson::Array),
    ]
}

fn fields(names: [&'static str; 2]) -> impl Strategy<Value = Document> {
    (prop::option::of(scalar()), prop::option::of(scalar())).prop_map(move |(first, second)| {
        let values = names.into_iter().zip([first, second]);
        values.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    })
}

fn document() -> impl Strategy<Value = Document> {
    (0..40i32, prop::option::of(value()), prop::option::of(value()), prop::option::of(scalar())).prop_map(
        |(id, a, b, c)| {
            let mut document = doc! { "_id": id };
            for (name, value) in [("a", a), ("b", b), ("c", c)] {
                if let Some(value) = value {
                    document.insert(name, value);
                }
            }
            document
        },
    )
}

fn path() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c", "a.x", "a.x", "a.y", "a.y", "b.x", "_id", "a.0"])
}

fn condition() -> impl Strategy<Value = Bson> {
    let comparison = prop::sample::select(vec!["$eq", "$gt", "$gte", "$lt", "$lte", "$ne"]);
    prop_oneof![
        3 => value(),
        4 => (comparison.clone(), scalar()).prop_map(|(operator, operand)| bson!({ operator: operand })),
        2 => (scalar(), scalar()).prop_map(|(low, high)| bson!({ "$gte": low, "$lte": high })),
        2 => prop::collection::vec(value(), 0..3).prop_map(|list| bson!({ "$in": list })),
        1 => any::<bool>().prop_map(|is_there| bson!({ "$exists": is_there })),
        1 => (scalar(), scalar())
            .prop_map(|(low, high)| bson!({ "$elemMatch": { "$gt": low, "$lt": high } })),
        1 => scalar().prop_map(|x| bson!({ "$elemMatch": { "x": x } })),
        1 => "[ab]".prop_map(|prefix| bson!({ "$regex": format!("^{prefix}") })),
    ]
}

fn filter() -> impl Strategy<Value = Document> {
    let plain = prop::collection::vec((path(), condition()), 0..3).prop_map(|parts| {
        parts.into_iter().map(|(path, part)| (path.to_owned(), part)).collect::<Document>()
    });
    (plain, prop::option::weighted(0.2, (path(), condition(), path(), condition()))).prop_map(
        |(mut filter, or)| {
            if let Some((first, one, second, other)) = or {
                filter.insert("$or", vec![doc! { first: one }, doc! { second: other }]);
            }
            filter
        },
    )
}

fn key() -> impl Strategy<Value = Document> {
    prop::collection::vec((path(), any::<bool>()), 1..4).prop_map(|fields| {
        fields.into_iter().map(|(path, up)| (path.to_owned(), Bson::Int32(if up { 1 } else { -1 }))).collect()
    })
}

fn update() -> impl Strategy<Value = Document> {
    let field = prop::sample::select(vec!["a", "b", "c"]);
    prop_oneof![
        (field.clone(), value()).prop_map(|(field, value)| doc! { "$set": { field: value } }),
        field.clone().prop_map(|field| doc! { "$unset": { field: 1 } }),
        (field, scalar()).prop_map(|(field, value)| doc! { "$addToSet": { field: value } }),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<Document>),
    Delete(Document, bool),
    Update { filter: Document, update: Document, multi: bool, upsert: bool },
    Index(Document, bool),
    DropIndexes,
    Find { filter: Document, sort: Option<Document>, skip: u64, limit: Option<u64> },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(document(), 1..6).prop_map(Step::Insert),
        1 => (filter(), any::<bool>()).prop_map(|(filter, many)| Step::Delete(filter, many)),
        2 => (filter(), update(), any::<bool>(), any::<bool>())
            .prop_map(|(filter, update, multi, upsert)| Step::Update { filter, update, multi, upsert }),
        3 => (key(), any::<bool>()).prop_map(|(key, sparse)| Step::Index(key, sparse)),
        1 => Just(Step::DropIndexes),
        10 => (filter(), prop::option::of(key()), 0..3u64, prop::option::of(1..5u64))
            .prop_map(|(filter, sort, skip, limit)| Step::Find { filter, sort, skip, limit }),
    ]
}

/// The collection as a plain list, in the order of `_id`.
#[derive(Default)]
struct Model {
    documents: Vec<Document>,
    indexes: usize,
}

impl Model {
    fn insert(&mut self, document: Document) -> bool {
        if self.documents.iter().any(|known| equal(&known["_id"], &document["_id"])) {
            return false;
        }
        self.documents.push(document);
        self.documents.sort_by(|a, b| SortPattern::parse(&doc! { "_id": 1 }).unwrap().compare(a, b));
        true
    }

    fn matching(&self, filter: &Document) -> Vec<Document> {
        let matcher = Matcher::parse(filter).unwrap();
        self.documents.iter().filter(|document| matcher.matches(document).unwrap()).cloned().collect()
    }
}

impl Model {
    /// Updates the collection and expects of it what the language's own update makes of the list.
    fn update(
        &mut self,
        collection: &Collection,
        filter: Document,
        update: Document,
        multi: bool,
        upsert: bool,
    ) {
        let parsed = Update::parse(&Bson::Document(update.clone()), &[]).unwrap();
        let matching = self.matching(&filter);
        let mut statement = UpdateStatement::many(filter, update);
        (statement.multi, statement.upsert) = (multi, upsert);
        let outcome = collection.update(&[statement], true).unwrap();
        let now = all(collection, &Find::default());
        if outcome.errors.is_empty() {
            let expected = if multi { matching.len() } else { matching.len().min(1) };
            assert_eq!(outcome.matched as usize, expected);
            assert_eq!(outcome.upserted.len(), usize::from(upsert && matching.is_empty()));
        } else {
            // Whole chunks fail, and these lists are smaller than one.
            assert_eq!(shown(now.clone()), shown(self.documents.clone()), "a failed update changes nothing");
        }
        let mut changed = 0;
        for document in &self.documents {
            let after = now.iter().find(|after| equal(&after["_id"], &document["_id"])).unwrap();
            if !identical(after, document) {
                let mut expected = document.clone();
                parsed.apply(&mut expected, &UpdateContext::default()).unwrap();
                assert!(identical(after, &expected));
                assert!(matching.iter().any(|matched| equal(&matched["_id"], &document["_id"])));
                changed += 1;
            }
        }
        assert_eq!(outcome.modified, changed);
        self.documents = now;
    }
}

fn identical(a: &Document, b: &Document) -> bool {
    a.to_vec().unwrap() == b.to_vec().unwrap()
}

fn shown(mut documents: Vec<Document>) -> Vec<String> {
    documents.sort_by_key(|document| document["_id"].to_string());
    documents.iter().map(ToString::to_string).collect()
}

fn all(collection: &Collection, find: &Find) -> Vec<Document> {
    collection.find(find).unwrap().collect::<Result<_, _>>().unwrap()
}

fn check_find(collection: &Collection, model: &Model, filter: &Document, sort: Option<&Document>) {
    let expected = model.matching(filter);
    let mut find = Find::new(filter.clone());
    find.sort = sort.cloned();
    let found = all(collection, &find);
    assert_eq!(shown(found.clone()), shown(expected.clone()), "filter {filter} sort {sort:?}");
    for index in collection.list_indexes().unwrap() {
        // A sparse index that is hinted at gives what it has.
        if !index.contains_key("sparse") {
            let name = index.get_str("name").unwrap().to_owned();
            let hinted = all(collection, &find.clone().hinted(Hint::Name(name)));
            assert_eq!(shown(hinted), shown(expected.clone()), "filter {filter} by {index}");
        }
    }
    let plain = all(collection, &find.clone().hinted(Hint::Natural(true)));
    assert_eq!(shown(plain.clone()), shown(expected.clone()), "without an index: {filter}");
    assert_eq!(
        collection.count(&Count::new(filter.clone())).unwrap(),
        expected.len() as u64,
        "count {filter}"
    );
    if let Some(sort) = sort {
        let pattern = SortPattern::parse(sort).unwrap();
        let is_sorted = |list: &[Document]| list.is_sorted_by(|a, b| pattern.compare(a, b).is_le());
        assert!(is_sorted(&found) && is_sorted(&plain), "filter {filter} sort {sort}: {found:?}");
    }
}

fn run(store: Arc<dyn OrderedStore>, steps: Vec<Step>) {
    let collection = open(store);
    let namespace = collection.namespace().clone();
    collection.documents().create_collection(&namespace, CollectionOptions::default()).unwrap();
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Insert(documents) => {
                let outcome = collection.insert_many(documents.clone(), false).unwrap();
                let failed = |index: usize| outcome.errors.iter().find(|error| error.index == index);
                for (index, document) in documents.into_iter().enumerate() {
                    match failed(index) {
                        // Two arrays in one index: the list knows nothing of that.
                        Some(error) if error.error.code() == 171 => {}
                        Some(error) => {
                            assert_eq!(error.error.code(), 11000);
                            assert!(!model.insert(document));
                        }
                        None => assert!(model.insert(document)),
                    }
                }
            }
            Step::Delete(filter, multi) => {
                let matching = model.matching(&filter);
                let mut statement = DeleteStatement::one(filter);
                statement.multi = multi;
                let outcome = collection.delete(&[statement], true).unwrap();
                let expected = if multi { matching.len() } else { matching.len().min(1) };
                assert_eq!(outcome.deleted as usize, expected);
                let left = all(&collection, &Find::default());
                let gone =
                    |document: &Document| !left.iter().any(|kept| equal(&kept["_id"], &document["_id"]));
                assert!(model.documents.iter().filter(|document| gone(document)).all(|document| {
                    matching.iter().any(|matched| equal(&matched["_id"], &document["_id"]))
                }));
                model.documents = left;
            }
            Step::Update { filter, update, multi, upsert } => {
                model.update(&collection, filter, update, multi, upsert)
            }
            Step::Index(key, sparse) => {
                let mut index = IndexModel::new(key);
                index.sparse = sparse;
                match collection.create_indexes(&[index]) {
                    Ok(_) => model.indexes += 1,
                    Err(error) => assert!([85, 86, 171].contains(&error.code()), "{error:?}"),
                }
            }
            Step::DropIndexes if model.indexes > 0 => {
                collection.drop_indexes(&stroma_document::IndexSelection::All).unwrap();
            }
            Step::DropIndexes => {}
            Step::Find { filter, sort, skip, limit } => {
                check_find(&collection, &model, &filter, sort.as_ref());
                let mut find = Find::new(filter.clone()).skipping(skip);
                find.limit = limit;
                find.sort = sort;
                let expected = model.matching(&filter).len().saturating_sub(skip as usize);
                let expected = limit.map_or(expected, |limit| expected.min(limit as usize));
                assert_eq!(all(&collection, &find).len(), expected);
            }
        }
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(50),
        ..ProptestConfig::default()
    }
}

/// Some documents, some indexes, then anything.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let documents =
        prop::collection::vec(document(), 5..25).prop_map(|documents| vec![Step::Insert(documents)]);
    let indexes = prop::collection::vec(key().prop_map(|key| Step::Index(key, false)), 1..4);
    let rest = prop::collection::vec(step(), 1..25);
    (documents, indexes, rest).prop_map(|(documents, indexes, rest)| [documents, indexes, rest].concat())
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn finds_what_a_plain_list_finds(steps in steps()) {
        run(in_memory(), steps);
    }
}

#[cfg(feature = "lsm")]
proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn finds_in_the_engine_what_a_plain_list_finds(steps in steps()) {
        run(in_the_engine(), steps);
    }
}
