//! Counts documents.

use bson::Document;

use super::{Collection, Find};
use crate::error::Result;
use crate::execution::{Counters, count_entries};
use crate::planner::Hint;

/// What to count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Count {
    /// Which documents.
    pub filter: Document,
    /// How many of the first to leave out.
    pub skip: u64,
    /// How many to count at most; all if none.
    pub limit: Option<u64>,
    /// Which index to use.
    pub hint: Option<Hint>,
    /// Variables for `$expr`, already values.
    pub constants: Document,
}

impl Count {
    /// The documents that match `filter`.
    pub fn new(filter: Document) -> Count {
        Count { filter, ..Count::default() }
    }

    pub(super) fn to_find(&self) -> Find {
        Find {
            filter: self.filter.clone(),
            skip: self.skip,
            limit: self.limit,
            hint: self.hint.clone(),
            constants: self.constants.clone(),
            ..Find::default()
        }
    }
}

impl Collection {
    /// Counts documents; if an index says all that the filter asks, without looking at them.
    ///
    /// # Errors
    /// As [`Collection::find`].
    pub fn count(&self, count: &Count) -> Result<u64> {
        self.count_with(count, &Counters::default())
    }

    pub(super) fn count_with(&self, count: &Count, counters: &Counters) -> Result<u64> {
        let prepared = self.prepare(&count.to_find())?;
        let most = count.limit.map_or(u64::MAX, |limit| limit.saturating_add(count.skip));
        if prepared.plan.is_exact {
            self.inner.index_uses.count(&prepared.plan);
            return Ok(
                count_entries(&prepared.view, &prepared.plan, counters, most)?.saturating_sub(count.skip)
            );
        }
        let mut counted = 0;
        for found in self.run(&prepared, count.skip, count.limit, counters.clone())? {
            found?;
            counted += 1;
        }
        Ok(counted)
    }

    /// How many documents there are, by walking their keys.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn estimated_count(&self) -> Result<u64> {
        self.count(&Count::default())
    }
}
