//! Builds indexes on documents that are already there, in transactions of bounded size.
//!
//! 1. One transaction enters the indexes in the catalog as being built. From then on every write keeps them,
//!    and no query uses them. If the collection is empty they are ready at once.
//! 2. A snapshot taken after that is walked in chunks; a transaction each reads the documents of the chunk as
//!    they are by then and writes their entries, which is harmless if a write has done so already.
//! 3. One transaction marks the indexes as ready.
//!
//! If a chunk fails, or the process ends in between, the indexes are taken out again.

use std::sync::Arc;

use super::maintain::{Change, apply};
use crate::catalog::{CollectionEntry, IndexEntry, IndexState};
use crate::documents::{Attempt, Inner};
use crate::error::{Code, Error, Result};
use crate::namespace::Namespace;
use crate::record::{RecordId, decode, index_prefix, record_id_of_record, record_key, record_prefix};
use crate::store::{Direction, KeyRange, StoreTransaction};

/// How many documents one transaction of a build takes on.
const CHUNK_DOCUMENTS: usize = 500;

/// Builds the indexes of these ids, which are in the catalog as being built.
pub(crate) fn build(inner: &Inner, namespace: &Namespace, ids: &[u64]) -> Result<()> {
    let built = fill(inner, namespace, ids).and_then(|()| mark_ready(inner, namespace, ids));
    if built.is_err() {
        remove(inner, namespace, |index| ids.contains(&index.id))?;
    }
    built
}

/// Takes out the indexes whose build was interrupted by the end of a process.
pub(crate) fn undo_unfinished_builds(inner: &Inner) -> Result<()> {
    let view = inner.store.snapshot()?;
    for entry in inner.catalog.list(&view, None)? {
        if entry.indexes.iter().any(|index| !index.is_ready()) {
            remove(inner, &entry.namespace, |index| !index.is_ready())?;
        }
    }
    Ok(())
}

fn fill(inner: &Inner, namespace: &Namespace, ids: &[u64]) -> Result<()> {
    let view = inner.store.snapshot()?;
    let Some(entry) = inner.catalog.find(&view, namespace)? else { return Err(gone()) };
    let records = KeyRange::prefix(record_prefix(entry.id));
    let mut chunk = Vec::new();
    let mut bytes = 0;
    for record in view.scan(records, Direction::Forward)? {
        let (key, value) = record?;
        chunk.push(record_id_of_record(&key)?.to_vec());
        bytes += value.len();
        if chunk.len() >= CHUNK_DOCUMENTS || bytes >= inner.chunk_bytes() {
            fill_chunk(inner, namespace, ids, &std::mem::take(&mut chunk))?;
            bytes = 0;
        }
    }
    fill_chunk(inner, namespace, ids, &chunk)
}

fn fill_chunk(inner: &Inner, namespace: &Namespace, ids: &[u64], chunk: &[RecordId]) -> Result<()> {
    let key_limit = inner.store.limits().key_bytes;
    inner.transact(false, |transaction| {
        let mut entry = find_with(inner, transaction, namespace, ids)?;
        for id in chunk {
            let Some(bytes) = transaction.get(&record_key(entry.id, id))? else { continue };
            let document = decode(&bytes)?;
            let only_new = CollectionEntry {
                indexes: entry.indexes.iter().filter(|index| ids.contains(&index.id)).cloned().collect(),
                ..(*entry).clone()
            };
            let change = Change { id, before: None, after: Some(&document) };
            if let Some(changed) = apply(transaction, &only_new, change, key_limit)? {
                let mut whole = (*entry).clone();
                for index in changed.indexes {
                    if let Some(known) = whole.indexes.iter_mut().find(|known| known.id == index.id) {
                        *known = index;
                    }
                }
                inner.catalog.put(transaction, &whole)?;
                entry = Arc::new(whole);
            }
        }
        Ok(Attempt::Commit(()))
    })
}

fn mark_ready(inner: &Inner, namespace: &Namespace, ids: &[u64]) -> Result<()> {
    inner.transact(false, |transaction| {
        let mut entry = (*find_with(inner, transaction, namespace, ids)?).clone();
        for index in entry.indexes.iter_mut().filter(|index| ids.contains(&index.id)) {
            index.state = IndexState::Ready;
        }
        inner.catalog.put(transaction, &entry)?;
        Ok(Attempt::Commit(()))
    })
}

/// The entry, if the indexes are still in it: the collection or the index may be dropped meanwhile.
fn find_with(
    inner: &Inner,
    transaction: &mut dyn StoreTransaction,
    namespace: &Namespace,
    ids: &[u64],
) -> Result<Arc<CollectionEntry>> {
    let entry = inner.catalog.find(&&*transaction, namespace)?.ok_or_else(gone)?;
    let has = |id: &u64| entry.indexes.iter().any(|index| index.id == *id);
    if ids.iter().all(has) { Ok(entry) } else { Err(gone()) }
}

fn gone() -> Error {
    Error::new(Code::IndexNotFound, "the collection or the index was dropped while the index was being built")
}

/// Takes indexes out of a collection's entry and deletes their content.
pub(crate) fn remove(
    inner: &Inner,
    namespace: &Namespace,
    is_removed: impl Fn(&IndexEntry) -> bool,
) -> Result<()> {
    inner.transact(false, |transaction| {
        let Some(entry) = inner.catalog.find(&&*transaction, namespace)? else {
            return Ok(Attempt::Commit(()));
        };
        let mut kept = (*entry).clone();
        kept.indexes.retain(|index| !is_removed(index));
        for index in entry.indexes.iter().filter(|index| is_removed(index)) {
            transaction.delete_range(KeyRange::prefix(index_prefix(index.id)))?;
        }
        inner.catalog.put(transaction, &kept)?;
        Ok(Attempt::Commit(()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::IndexModel;
    use crate::store::{MemoryStore, OrderedStore};
    use crate::{Documents, Options};
    use bson::doc;

    /// As after a crash in the middle of a build: the catalog says so, some entries are there.
    #[test]
    fn an_interrupted_build_is_undone_by_opening() {
        let store = Arc::new(MemoryStore::new());
        let namespace = Namespace::new("db", "c").unwrap();
        let documents = Documents::open(store.clone(), Options::default()).unwrap();
        let collection = documents.collection(&namespace);
        collection.insert_many((0..10).map(|n| doc! { "_id": n, "a": n }).collect(), true).unwrap();
        let index = IndexEntry { id: 77, ..IndexModel::new(doc! { "a": 1 }).to_entry().unwrap() };
        let inner = &documents.inner;
        let enter = |transaction: &mut dyn StoreTransaction| {
            let mut entry = (*inner.find_or_create(transaction, &namespace)?).clone();
            entry.indexes.push(index.clone());
            inner.catalog.put(transaction, &entry)?;
            Ok(Attempt::Commit(()))
        };
        inner.transact(false, enter).unwrap();
        fill(inner, &namespace, &[77]).unwrap();
        let entries = |view: &dyn crate::store::ReadView| {
            view.scan(KeyRange::prefix(index_prefix(77)), Direction::Forward).unwrap().count()
        };
        assert_eq!(entries(&*store.snapshot().unwrap()), 10);
        assert_eq!(collection.list_indexes().unwrap().len(), 1, "what is being built is not shown");
        let reopened = Documents::open(store.clone(), Options::default()).unwrap();
        assert_eq!(entries(&*store.snapshot().unwrap()), 0);
        let view = store.snapshot().unwrap();
        assert!(reopened.inner.catalog.find(&view, &namespace).unwrap().unwrap().indexes.is_empty());
    }
}
