//! Puts, replaces and removes one document within a transaction, with its index entries.

use std::sync::Arc;

use bson::Document;

use crate::catalog::CollectionEntry;
use crate::documents::Inner;
use crate::error::{Code, Error, Result};
use crate::index::{Change, apply, duplicate_id};
use crate::record::{RecordId, encode, encode_id, record_key};
use crate::store::StoreTransaction;

/// A document that is ready to be stored.
pub(super) struct Prepared {
    pub(super) document: Document,
    pub(super) id: RecordId,
    pub(super) bytes: Vec<u8>,
}

impl Prepared {
    /// Gives the document an `_id` if it has none, checks and encodes it.
    pub(super) fn new(inner: &Inner, document: Document) -> Result<Prepared> {
        let document = super::identity::with_id(inner, document)?;
        let bytes = encode(&document)?;
        let id = document.get("_id").map(encode_id).unwrap_or_default();
        let limit = inner.store.limits().key_bytes;
        if record_key(0, &id).len() > limit {
            return Err(Error::new(Code::KeyTooLong, format!("the _id is too long: {} bytes", id.len())));
        }
        Ok(Prepared { document, id, bytes })
    }
}

/// The collection's entry as a transaction sees it, which may change while it writes.
pub(super) struct Writing<'t> {
    pub(super) inner: &'t Inner,
    pub(super) transaction: &'t mut dyn StoreTransaction,
    pub(super) entry: Arc<CollectionEntry>,
}

impl Writing<'_> {
    /// Inserts a document; nothing is written if that fails.
    pub(super) fn insert(&mut self, prepared: &Prepared) -> Result<()> {
        let key = record_key(self.entry.id, &prepared.id);
        if self.transaction.get(&key)?.is_some() {
            let id = prepared.document.get("_id").cloned().unwrap_or(bson::Bson::Null);
            return Err(duplicate_id(&self.entry.namespace, &id));
        }
        self.index(Change { id: &prepared.id, before: None, after: Some(&prepared.document) })?;
        Ok(self.transaction.put(&key, &prepared.bytes)?)
    }

    /// Replaces a document by one with the same `_id`; nothing is written if that fails.
    pub(super) fn replace(&mut self, id: &[u8], before: &Document, after: &Document) -> Result<()> {
        let bytes = encode(after)?;
        self.index(Change { id, before: Some(before), after: Some(after) })?;
        Ok(self.transaction.put(&record_key(self.entry.id, id), &bytes)?)
    }

    /// Removes a document.
    pub(super) fn remove(&mut self, id: &[u8], before: &Document) -> Result<()> {
        self.index(Change { id, before: Some(before), after: None })?;
        Ok(self.transaction.delete(&record_key(self.entry.id, id))?)
    }

    fn index(&mut self, change: Change<'_>) -> Result<()> {
        if self.entry.indexes.is_empty() {
            return Ok(());
        }
        let key_limit = self.inner.store.limits().key_bytes;
        if let Some(changed) = apply(self.transaction, &self.entry, change, key_limit)? {
            self.inner.catalog.put(self.transaction, &changed)?;
            self.entry = Arc::new(changed);
        }
        Ok(())
    }
}
