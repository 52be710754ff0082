//! Collections whose catalog entries were lost get new ones, so that their documents can be reached again.

use std::collections::BTreeSet;

use super::transact::Attempt;
use super::{Documents, Inner};
use crate::catalog::{CollectionEntry, never_give_again};
use crate::error::Result;
use crate::namespace::Namespace;
use crate::record::{index_prefix, index_range, number_of_key, record_range};
use crate::store::{Direction, KeyRange, StoreTransaction};

/// The database of collections whose names were lost.
const DATABASE: &str = "recovered";

/// What [`Documents::recover_collections`] found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveredCollections {
    /// Collections whose catalog entries were lost, with the names that their documents are under now:
    /// `recovered.collection-` and their number. They have no indexes but that on `_id`.
    pub renamed: Vec<Namespace>,
    /// How many indexes were removed because no entry tells what they are of.
    pub removed_indexes: usize,
}

impl RecoveredCollections {
    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.renamed.is_empty() && self.removed_indexes == 0
    }
}

impl Documents {
    /// Makes documents reachable whose collections are not in the catalog any more, removes indexes of which that is
    /// true, and sees to it that no number which is in use is given again. For a store that lost some of its entries,
    /// as one that was repaired; in a whole one there is nothing to do.
    ///
    /// # Errors
    /// Any error of the store; a damaged catalog entry.
    pub fn recover_collections(&self) -> Result<RecoveredCollections> {
        self.inner.transact(true, |transaction| {
            let entries = self.inner.catalog.list(&&*transaction, None)?;
            let collections = numbers(transaction, record_range)?;
            let indexes = numbers(transaction, index_range)?;
            let known: BTreeSet<u64> = entries.iter().map(|entry| entry.id).collect();
            let known_indexes: BTreeSet<u64> =
                entries.iter().flat_map(|entry| &entry.indexes).map(|index| index.id).collect();
            let mut recovered = RecoveredCollections::default();
            for &id in collections.difference(&known) {
                recovered.renamed.push(self.inner.name_lost_collection(transaction, id)?);
            }
            for &id in indexes.difference(&known_indexes) {
                transaction.delete_range(KeyRange::prefix(index_prefix(id)))?;
                recovered.removed_indexes += 1;
            }
            let used = [&collections, &indexes, &known, &known_indexes];
            if let Some(last) = used.into_iter().filter_map(BTreeSet::last).max() {
                never_give_again(transaction, *last)?;
            }
            Ok(Attempt::Commit(recovered))
        })
    }
}

impl Inner {
    fn name_lost_collection(&self, transaction: &mut dyn StoreTransaction, id: u64) -> Result<Namespace> {
        let mut name = format!("collection-{id}");
        let namespace = loop {
            let namespace = Namespace::new(DATABASE, name.as_str())?;
            if self.catalog.find(&&*transaction, &namespace)?.is_none() {
                break namespace;
            }
            name.push('+');
        };
        let uuid = self.new_uuid(id);
        let entry = CollectionEntry { namespace: namespace.clone(), id, uuid, indexes: Vec::new() };
        self.catalog.put(transaction, &entry)?;
        Ok(namespace)
    }
}

/// The numbers of the collections that have records, or of the indexes that have entries: a look at the first of each.
fn numbers(transaction: &dyn StoreTransaction, range_from: fn(u64) -> KeyRange) -> Result<BTreeSet<u64>> {
    let mut found = BTreeSet::new();
    let mut least = Some(0);
    while let Some(from) = least {
        let Some(entry) = transaction.scan(range_from(from), Direction::Forward)?.next() else { break };
        let number = number_of_key(&entry?.0)?;
        found.insert(number);
        least = number.checked_add(1);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bson::doc;

    use super::*;
    use crate::record::{FORMAT_KEY, IDS_KEY, catalog_key, catalog_range};
    use crate::store::{CommitOptions, MemoryStore, OrderedStore};
    use crate::{Find, IndexModel, Options};

    fn open(store: &Arc<MemoryStore>) -> Documents {
        Documents::open(store.clone(), Options::default()).unwrap()
    }

    fn count(documents: &Documents, name: &str) -> usize {
        let collection = documents.collection(&Namespace::parse(name).unwrap());
        collection.find(&Find::new(doc! {})).unwrap().map(Result::unwrap).count()
    }

    /// Collections 1 (with index 2) and 3.
    fn filled() -> Arc<MemoryStore> {
        let store = Arc::new(MemoryStore::new());
        let documents = open(&store);
        for (name, many) in [("lab.samples", 30), ("lab.plates", 20)] {
            let collection = documents.collection(&Namespace::parse(name).unwrap());
            collection
                .insert_many((0..many).map(|id| doc! {"_id": id, "x": id % 7}).collect(), true)
                .unwrap();
            if name == "lab.samples" {
                collection.create_indexes(&[IndexModel::new(doc! {"x": 1})]).unwrap();
            }
        }
        store
    }

    fn lose(store: &MemoryStore, ranges: &[KeyRange]) {
        let mut transaction = store.begin().unwrap();
        for range in ranges {
            transaction.delete_range(range.clone()).unwrap();
        }
        transaction.commit(CommitOptions::default()).unwrap();
    }

    #[test]
    fn a_whole_store_stays_as_it_is() {
        let store = filled();
        let all = || store.snapshot().unwrap().scan(KeyRange::all(), Direction::Forward).unwrap();
        let before: Vec<_> = all().map(|entry| entry.unwrap()).collect();
        assert!(open(&store).recover_collections().unwrap().is_empty());
        assert!(all().map(|entry| entry.unwrap()).eq(before));
        assert!(open(&Arc::new(MemoryStore::new())).recover_collections().unwrap().is_empty());
    }

    #[test]
    fn documents_of_a_lost_catalog_are_reached_under_other_names() {
        let store = filled();
        let lost = [KeyRange::single(FORMAT_KEY.to_vec()), KeyRange::single(IDS_KEY.to_vec())];
        lose(&store, &[&lost[..], &[catalog_range(None)]].concat());
        let documents = open(&store);
        let recovered = documents.recover_collections().unwrap();
        let names: Vec<String> = recovered.renamed.iter().map(Namespace::to_string).collect();
        assert_eq!(names, ["recovered.collection-1", "recovered.collection-3"]);
        assert_eq!(recovered.removed_indexes, 1);
        assert_eq!((count(&documents, &names[0]), count(&documents, &names[1])), (30, 20));
        // What is made now does not lie among what was recovered.
        let later = documents.collection(&Namespace::parse("lab.samples").unwrap());
        later.insert_many(vec![doc! {"_id": "new"}], true).unwrap();
        later.create_indexes(&[IndexModel::new(doc! {"x": 1})]).unwrap();
        assert_eq!((count(&documents, "lab.samples"), count(&documents, &names[0])), (1, 30));
        assert!(documents.recover_collections().unwrap().is_empty());
        documents
            .rename_collection(&recovered.renamed[0], &Namespace::parse("lab.old").unwrap(), false)
            .unwrap();
        assert_eq!(count(&open(&store), "lab.old"), 30);
    }

    #[test]
    fn one_lost_entry_or_counter_touches_no_other_collection() {
        let store = filled();
        lose(&store, &[KeyRange::single(catalog_key("lab.plates"))]);
        let documents = open(&store);
        // Taken, so that another is found.
        let taken = documents.collection(&Namespace::parse("recovered.collection-3").unwrap());
        taken.insert_many(vec![doc! {"_id": 1}], true).unwrap();
        lose(&store, &[KeyRange::single(IDS_KEY.to_vec())]);
        let recovered = documents.recover_collections().unwrap();
        assert_eq!(recovered.renamed, [Namespace::parse("recovered.collection-3+").unwrap()]);
        assert_eq!(recovered.removed_indexes, 0);
        let later = documents.collection(&Namespace::parse("lab.later").unwrap());
        later.insert_many(vec![doc! {"_id": 1}], true).unwrap();
        assert_eq!((count(&documents, "lab.samples"), count(&documents, "lab.later")), (30, 1));
        assert_eq!(count(&documents, "recovered.collection-3+"), 20);
    }
}
