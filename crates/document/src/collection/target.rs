//! Finds the one document that a write is about, and works on it within a transaction.

use std::sync::Arc;

use super::Collection;
use super::find::{Prepared, ordered};
use super::modify::Writing;
use crate::documents::Attempt;
use crate::error::Result;
use crate::execution::{Counters, Found, Query};
use crate::record::{RecordId, decode, record_key};
use crate::store::StoreTransaction;

/// What a write of one document does when it finds it, or finds none.
pub(super) enum Target<'f> {
    /// This one, as the transaction sees it.
    Found(&'f Found),
    /// There is none, and the transaction conflicts if one appears.
    Absent,
}

impl Collection {
    /// Finds the first document of a query in a snapshot, looks at it again in a transaction, and lets `work`
    /// change it there; starts over if it does not match any more. So only that document is guarded, and
    /// writers of different documents do not disturb each other.
    ///
    /// If nothing matches: with `guards_absence` the search is repeated in the transaction, which guards
    /// everything it walks, and `work` may insert; without, `none` is the result.
    pub(super) fn on_first<T>(
        &self,
        prepare: impl Fn() -> Result<Prepared>,
        guards_absence: bool,
        none: impl Fn(&Query) -> Result<T>,
        mut work: impl FnMut(&mut Writing<'_>, Target<'_>, &Query) -> Result<T>,
    ) -> Result<T> {
        self.inner.transact(self.is_synced, |transaction| {
            let prepared = prepare()?;
            let first = self.run(&prepared, 0, Some(1), Counters::default())?.next().transpose()?;
            let Some(first) = first else {
                if !guards_absence {
                    return Ok(Attempt::Commit(none(&prepared.query)?));
                }
                let first = self.first_in(&*transaction, &prepared)?;
                let entry = self.inner.find_or_create(transaction, &self.namespace)?;
                let mut writing = Writing { inner: &self.inner, transaction, entry };
                let target = first.as_ref().map_or(Target::Absent, Target::Found);
                return Ok(Attempt::Commit(work(&mut writing, target, &prepared.query)?));
            };
            let Some(entry) = self.inner.catalog.find(&&*transaction, &self.namespace)? else {
                return Ok(Attempt::Repeat);
            };
            let is_same = prepared.plan.entry.as_ref().is_some_and(|planned| planned.id == entry.id);
            let again = reread(&*transaction, entry.id, first.id, &prepared.query)?;
            let Some(found) = again.filter(|_| is_same) else { return Ok(Attempt::Repeat) };
            let mut writing = Writing { inner: &self.inner, transaction, entry };
            Ok(Attempt::Commit(work(&mut writing, Target::Found(&found), &prepared.query)?))
        })
    }

    /// The first document of a query as the transaction sees it.
    fn first_in(&self, transaction: &dyn StoreTransaction, prepared: &Prepared) -> Result<Option<Found>> {
        let sort = prepared.sort_document.as_ref();
        let plan = prepared.query.plan(&self.inner, &transaction, &self.namespace, sort, None)?;
        let here = Prepared { plan, view: Arc::clone(&prepared.view), ..prepared.clone() };
        ordered(self, &here, transaction, 0, Some(1), Counters::default())?.next().transpose()
    }
}

/// The document of a record as the transaction sees it, if it (still) matches.
pub(super) fn reread(
    transaction: &dyn StoreTransaction,
    collection_id: u64,
    id: RecordId,
    query: &Query,
) -> Result<Option<Found>> {
    let Some(bytes) = transaction.get(&record_key(collection_id, &id))? else { return Ok(None) };
    let found = Found { id, document: decode(&bytes)? };
    Ok(query.matches(&found.document)?.then_some(found))
}
