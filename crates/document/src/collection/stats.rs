//! Sizes of a collection.

use super::Collection;
use crate::documents::range_size;
use crate::error::Result;
use crate::record::{index_prefix, record_prefix};
use crate::store::KeyRange;

/// Sizes of a collection, before the store compresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CollectionStats {
    /// How many documents there are.
    pub documents: u64,
    /// Bytes of the documents, their keys included.
    pub document_bytes: u64,
    /// Per index its name and its bytes; that on `_id` is the documents themselves and takes none.
    pub indexes: Vec<(String, u64)>,
}

impl Collection {
    /// Where in the store the collection and its indexes lie, for maintenance of the store; nowhere if it does not
    /// exist.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn stored_ranges(&self) -> Result<Vec<KeyRange>> {
        let view = self.inner.store.snapshot()?;
        let Some(entry) = self.inner.catalog.find(&view, &self.namespace)? else { return Ok(Vec::new()) };
        let indexes = entry.indexes.iter().map(|index| index_prefix(index.id));
        Ok(std::iter::once(record_prefix(entry.id)).chain(indexes).map(KeyRange::prefix).collect())
    }

    /// Counts documents and bytes; walks all of them. A collection that does not exist has none.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn stats(&self) -> Result<CollectionStats> {
        let view = self.inner.store.snapshot()?;
        let Some(entry) = self.inner.catalog.find(&view, &self.namespace)? else {
            return Ok(CollectionStats::default());
        };
        let (documents, document_bytes) = range_size(&*view, KeyRange::prefix(record_prefix(entry.id)))?;
        let mut indexes = vec![("_id_".to_owned(), 0)];
        for index in entry.ready_indexes() {
            indexes
                .push((index.name.clone(), range_size(&*view, KeyRange::prefix(index_prefix(index.id)))?.1));
        }
        Ok(CollectionStats { documents, document_bytes, indexes })
    }
}
