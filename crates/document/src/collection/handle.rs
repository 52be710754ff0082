//! The handle on one collection.

use std::fmt;
use std::sync::Arc;

use crate::documents::{Documents, Inner};
use crate::namespace::Namespace;

/// A collection by name; it need not exist. Cheap to clone.
#[derive(Clone)]
pub struct Collection {
    pub(crate) inner: Arc<Inner>,
    pub(crate) namespace: Namespace,
    pub(crate) is_synced: bool,
}

impl Collection {
    pub(crate) fn new(inner: Arc<Inner>, namespace: Namespace) -> Collection {
        Collection { inner, namespace, is_synced: false }
    }

    /// The collection's name.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The same collection, whose writes return only when they survive a crash of the machine
    /// (MongoDB's write concern `j: true`).
    #[must_use]
    pub fn synced(mut self, is_synced: bool) -> Collection {
        self.is_synced = is_synced;
        self
    }

    /// The handle on everything that this collection is part of.
    pub fn documents(&self) -> Documents {
        Documents { inner: Arc::clone(&self.inner) }
    }

    /// Another collection of the same database, for `$lookup`.
    ///
    /// # Errors
    /// `InvalidNamespace` (73).
    pub fn sibling(&self, name: &str) -> crate::error::Result<Collection> {
        let namespace = Namespace::new(self.namespace.database(), name)?;
        Ok(Collection::new(Arc::clone(&self.inner), namespace))
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Collection").field(&self.namespace.to_string()).finish()
    }
}
