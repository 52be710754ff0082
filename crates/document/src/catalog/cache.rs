//! Reads catalog entries through a cache of decoded ones.
//!
//! The bytes are read from the caller's snapshot or transaction each time, so that an entry always fits the
//! data beside it and a transaction conflicts with a change of the catalog; only decoding is spared.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::CollectionEntry;
use crate::error::{Code, Error, Result};
use crate::namespace::Namespace;
use crate::record::{Reader, catalog_key, catalog_range};
use crate::store::{Direction, StoreTransaction};

/// How many decoded entries are kept.
const CACHED_ENTRIES: usize = 1024;

/// The bytes of an entry and what they decode to.
type Decoded = (Vec<u8>, Arc<CollectionEntry>);

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    decoded: Mutex<BTreeMap<Namespace, Decoded>>,
}

impl Catalog {
    /// The entry of a collection; none if there is no such collection.
    pub(crate) fn find<'r>(
        &self,
        reader: &impl Reader<'r>,
        namespace: &Namespace,
    ) -> Result<Option<Arc<CollectionEntry>>> {
        let bytes = reader.get(&catalog_key(&namespace.to_string()))?;
        bytes.map(|bytes| self.decode(namespace, bytes)).transpose()
    }

    /// The entries of one database or of all, by name.
    pub(crate) fn list<'r>(
        &self,
        reader: &impl Reader<'r>,
        database: Option<&str>,
    ) -> Result<Vec<Arc<CollectionEntry>>> {
        let entries = reader.scan(catalog_range(database), Direction::Forward)?;
        entries
            .map(|entry| {
                let (key, bytes) = entry?;
                let name = std::str::from_utf8(&key[1..])
                    .map_err(|_| Error::new(Code::InternalError, "a name in the catalog is damaged"))?;
                self.decode(&Namespace::parse(name)?, bytes)
            })
            .collect()
    }

    /// Writes an entry.
    pub(crate) fn put(&self, transaction: &mut dyn StoreTransaction, entry: &CollectionEntry) -> Result<()> {
        Ok(transaction.put(&catalog_key(&entry.namespace.to_string()), &entry.to_bytes()?)?)
    }

    /// Removes an entry.
    pub(crate) fn remove(&self, transaction: &mut dyn StoreTransaction, namespace: &Namespace) -> Result<()> {
        Ok(transaction.delete(&catalog_key(&namespace.to_string()))?)
    }

    fn decode(&self, namespace: &Namespace, bytes: Vec<u8>) -> Result<Arc<CollectionEntry>> {
        let mut decoded = self.decoded.lock();
        if let Some((known, entry)) = decoded.get(namespace)
            && *known == bytes
        {
            return Ok(Arc::clone(entry));
        }
        let entry = Arc::new(CollectionEntry::from_bytes(namespace.clone(), &bytes)?);
        if decoded.len() >= CACHED_ENTRIES {
            decoded.pop_first();
        }
        decoded.insert(namespace.clone(), (bytes, Arc::clone(&entry)));
        Ok(entry)
    }
}
