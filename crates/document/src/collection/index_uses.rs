//! How often each index was used, as `$indexStats` tells it.

use std::collections::BTreeMap;

use bson::{DateTime, Document};
use parking_lot::Mutex;

use super::Collection;
use crate::error::Result;
use crate::planner::{Access, Plan, ScannedIndex};

/// Counts since the documents were opened, by the numbers of the collection and of the index (0 for that on
/// `_id`).
#[derive(Debug, Default)]
pub(crate) struct IndexUses {
    counts: Mutex<BTreeMap<(u64, u64), u64>>,
}

impl IndexUses {
    /// Counts the index that a plan walks, if it walks one.
    pub(super) fn count(&self, plan: &Plan) {
        let Some(entry) = &plan.entry else { return };
        let index = match &plan.access {
            Access::ById(_) => 0,
            Access::Index(access) => match access.index {
                ScannedIndex::Id => 0,
                ScannedIndex::Secondary(position) => entry.indexes.get(position).map_or(0, |index| index.id),
            },
            Access::Nothing | Access::CollectionScan(_) => return,
        };
        *self.counts.lock().entry((entry.id, index)).or_default() += 1;
    }
}

/// An index and how often it was used.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IndexUse {
    /// Its specification, as `listIndexes` shows it.
    pub specification: Document,
    /// How many queries and writes have walked it.
    pub uses: u64,
    /// From when on they were counted.
    pub since: DateTime,
}

impl Collection {
    /// The indexes with how often each was used since the documents were opened; none if the collection does
    /// not exist.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn index_uses(&self) -> Result<Vec<IndexUse>> {
        let view = self.inner.store.snapshot()?;
        let Some(entry) = self.inner.catalog.find(&view, &self.namespace)? else { return Ok(Vec::new()) };
        let numbers = std::iter::once(0).chain(entry.ready_indexes().map(|index| index.id));
        let counts = self.inner.index_uses.counts.lock();
        let uses = |number| counts.get(&(entry.id, number)).copied().unwrap_or(0);
        let of = |(specification, number)| IndexUse {
            specification,
            uses: uses(number),
            since: self.inner.opened,
        };
        Ok(super::list_indexes::specifications(&entry).into_iter().zip(numbers).map(of).collect())
    }
}
