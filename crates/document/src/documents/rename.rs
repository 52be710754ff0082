//! Renames collections, within a database or into another.

use super::Documents;
use super::drop::delete_content;
use super::transact::Attempt;
use crate::catalog::CollectionEntry;
use crate::error::{Code, Error, Result};
use crate::namespace::Namespace;

impl Documents {
    /// Gives a collection another name; `drop_target` first drops the collection that has that name.
    ///
    /// # Errors
    /// `NamespaceNotFound` (26), `NamespaceExists` (48), or `IllegalOperation` (20) if both names are one.
    pub fn rename_collection(&self, from: &Namespace, to: &Namespace, drop_target: bool) -> Result<()> {
        if from == to {
            return Err(Error::new(Code::IllegalOperation, "Can't rename a collection to itself"));
        }
        self.inner.transact(false, |transaction| {
            let entry = self.inner.catalog.find(&&*transaction, from)?.ok_or_else(|| {
                Error::new(Code::NamespaceNotFound, format!("Source collection {from} does not exist"))
            })?;
            if let Some(target) = self.inner.catalog.find(&&*transaction, to)? {
                if !drop_target {
                    return Err(Error::new(Code::NamespaceExists, "target namespace exists"));
                }
                delete_content(transaction, &target)?;
            }
            self.inner.catalog.remove(transaction, from)?;
            let renamed = CollectionEntry { namespace: to.clone(), ..(*entry).clone() };
            self.inner.catalog.put(transaction, &renamed)?;
            Ok(Attempt::Commit(()))
        })
    }
}
