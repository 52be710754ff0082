//! Documents on our engine, in the process: inserts, finds by id and by index. The peer is the store in
//! memory, which shows what of the cost is the engine's; other document databases come with the server.

use std::sync::Arc;

use bson::{Document, doc};
use stroma_document::store::{LsmStore, MemoryStore, OrderedStore};
use stroma_document::{Collection, Documents, Find, IndexModel, Namespace, Options};

use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::{OURS, Samples, timed};
use crate::random::{Random, mix};

const IN_MEMORY: &str = "the same, store in memory";

/// Measures both stores in turn.
pub(super) fn run(settings: &Settings) -> Outcome<Samples> {
    let mut samples = Samples::new("documents");
    for _ in 0..settings.runs {
        let folder = tempfile::tempdir_in(&settings.directory)?;
        let memory_bytes = settings.memory_bytes;
        let options = stroma_lsm::Options { memory_bytes, ..stroma_lsm::Options::default() };
        let database = stroma_lsm::Database::open(folder.path(), options)?;
        measure(settings, OURS, Arc::new(LsmStore::new(database.clone(), memory_bytes)?), &mut samples)?;
        database.close()?;
        measure(settings, IN_MEMORY, Arc::new(MemoryStore::new()), &mut samples)?;
    }
    Ok(samples)
}

/// An order, as shops have them: about 200 bytes.
fn document(number: u64) -> Document {
    doc! {
        "_id": number as i64,
        "customer": format!("customer {}", mix(number) % 10_000),
        "item": { "name": format!("item {}", number % 977), "price": (number % 10_000) as f64 / 100.0 },
        "tags": ["coral", "reef", "stone"],
        "amount": (number % 13) as i32,
        "note": format!("{:016x}{:016x}", mix(number + 1), mix(number + 2)),
    }
}

fn insert(collection: &Collection, numbers: std::ops::Range<u64>, batch: usize) -> Outcome {
    for start in numbers.clone().step_by(batch) {
        let documents = (start..(start + batch as u64).min(numbers.end)).map(document).collect();
        let outcome = collection.insert_many(documents, true)?;
        if let Some(failure) = outcome.errors.into_iter().next() {
            return Err(failure.error.into());
        }
    }
    Ok(())
}

fn measure(
    settings: &Settings,
    subject: &str,
    store: Arc<dyn OrderedStore>,
    samples: &mut Samples,
) -> Outcome {
    let count = settings.size(100_000, 5000);
    let singles = count / 5;
    let documents = Documents::open(store, Options::default())?;
    let orders = documents.collection(&Namespace::new("shop", "orders")?);
    let ((), cost) = timed(|| insert(&orders, 0..singles, 1))?;
    samples.add_rate("insert one", subject, singles, cost);
    let ((), cost) = timed(|| insert(&orders, singles..count, 1000))?;
    samples.add_rate("insert in 1000s", subject, count - singles, cost);
    let (_, cost) = timed(|| Ok(orders.create_indexes(&[IndexModel::new(doc! { "customer": 1 })])?))?;
    samples.add_rate("create an index", subject, count, cost);
    let more = count..count + singles;
    let ((), cost) = timed(|| insert(&orders, more, 1))?;
    samples.add_rate("insert one, with index", subject, singles, cost);

    let mut random = Random(settings.seed);
    let (found, cost) = timed(|| {
        let mut found = 0;
        for _ in 0..singles {
            let id = random.below(count) as i64;
            found += find(&orders, doc! { "_id": id })?;
        }
        Ok(found)
    })?;
    samples.add_rate("find by _id", subject, singles, cost);
    expect("finds by _id", found == singles)?;
    let finds = singles / 10;
    let (found, cost) = timed(|| {
        let mut found = 0;
        for _ in 0..finds {
            let customer = format!("customer {}", mix(random.below(count)) % 10_000);
            found += find(&orders, doc! { "customer": customer })?;
        }
        Ok(found)
    })?;
    samples.add_rate("find by index", subject, finds, cost);
    expect("finds by index", found >= finds)
}

fn find(collection: &Collection, filter: Document) -> Outcome<u64> {
    let mut found = 0;
    for document in collection.find(&Find::new(filter))? {
        std::hint::black_box(document?);
        found += 1;
    }
    Ok(found)
}

/// A benchmark of wrong answers would be worth nothing.
fn expect(what: &str, is_right: bool) -> Outcome {
    if is_right { Ok(()) } else { Err(format!("{what} did not find what was inserted").into()) }
}
