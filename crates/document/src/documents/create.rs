//! Creates collections, explicitly or with their first document.

use std::sync::Arc;

use bson::{Bson, Document};

use super::transact::Attempt;
use super::{Documents, Inner};
use crate::catalog::{CollectionEntry, next_id};
use crate::error::{Code, Error, Result};
use crate::namespace::Namespace;
use crate::store::StoreTransaction;

/// Options of a collection. There are none to set yet: MongoDB's are refused by name.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct CollectionOptions {}

impl CollectionOptions {
    /// Reads the options as the `create` command has them, without the command's own fields.
    ///
    /// # Errors
    /// `NotImplemented` (238) for an option that would change how the collection behaves.
    pub fn parse(options: &Document) -> Result<CollectionOptions> {
        for (name, value) in options {
            let is_off = matches!(value, Bson::Null | Bson::Boolean(false))
                || matches!(value, Bson::Document(inner) if inner.is_empty())
                || matches!(value, Bson::Array(items) if items.is_empty());
            let changes_nothing = matches!(
                name.as_str(),
                "autoIndexId"
                    | "storageEngine"
                    | "indexOptionDefaults"
                    | "validationLevel"
                    | "validationAction"
            );
            if !is_off && !changes_nothing {
                return Err(Error::unsupported(format!("the collection option '{name}'")));
            }
        }
        Ok(CollectionOptions {})
    }
}

impl Documents {
    /// Creates an empty collection.
    ///
    /// # Errors
    /// `NamespaceExists` (48) if there is one of this name.
    pub fn create_collection(&self, namespace: &Namespace, _options: CollectionOptions) -> Result<()> {
        self.inner.transact(false, |transaction| {
            if self.inner.catalog.find(&&*transaction, namespace)?.is_some() {
                return Err(Error::new(
                    Code::NamespaceExists,
                    format!("Collection {namespace} already exists."),
                ));
            }
            self.inner.create_in(transaction, namespace)?;
            Ok(Attempt::Commit(()))
        })
    }
}

impl Inner {
    /// The collection's entry, made within the transaction if there is none.
    pub(crate) fn find_or_create(
        &self,
        transaction: &mut dyn StoreTransaction,
        namespace: &Namespace,
    ) -> Result<Arc<CollectionEntry>> {
        match self.catalog.find(&&*transaction, namespace)? {
            Some(entry) => Ok(entry),
            None => Ok(Arc::new(self.create_in(transaction, namespace)?)),
        }
    }

    fn create_in(
        &self,
        transaction: &mut dyn StoreTransaction,
        namespace: &Namespace,
    ) -> Result<CollectionEntry> {
        let id = next_id(transaction)?;
        let entry = CollectionEntry {
            namespace: namespace.clone(),
            id,
            uuid: self.new_uuid(id),
            indexes: Vec::new(),
        };
        self.catalog.put(transaction, &entry)?;
        Ok(entry)
    }

    /// A UUID (version 8) of process, time and the collection's number.
    pub(super) fn new_uuid(&self, id: u64) -> [u8; 16] {
        let mut uuid = [0; 16];
        uuid[..12].copy_from_slice(&self.new_object_id().bytes());
        uuid[12..].copy_from_slice(&(id as u32).to_be_bytes());
        uuid[6] = uuid[6] & 0x0F | 0x80;
        uuid[8] = uuid[8] & 0x3F | 0x80;
        uuid
    }
}
