//! A way through a collection.

use std::sync::Arc;

use super::bounds::FieldBounds;
use crate::catalog::CollectionEntry;
use crate::record::{RecordId, index_prefix, record_prefix};
use crate::store::{Direction, KeyRange};

/// How to find the documents of a query.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The collection; none if it does not exist, and nothing is found.
    pub(crate) entry: Option<Arc<CollectionEntry>>,
    pub(crate) access: Access,
    /// Whether documents come in the order the query asks for (or it asks for none).
    pub(crate) is_sorted: bool,
    /// Whether every entry the plan meets is one matching document, so that counting needs no look at it.
    pub(crate) is_exact: bool,
    /// How many plans were weighed.
    pub(crate) considered: usize,
}

/// Where documents are found.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// There is nothing to find.
    Nothing,
    /// Every record, in the order of `_id` or against it.
    CollectionScan(Direction),
    /// The one record with this `_id`.
    ById(RecordId),
    /// The entries of an index within ranges.
    Index(IndexAccess),
}

/// How an index is walked.
#[derive(Debug, Clone)]
pub(crate) struct IndexAccess {
    pub(crate) index: ScannedIndex,
    /// In the order of the index, not overlapping.
    pub(crate) ranges: Vec<KeyRange>,
    pub(crate) direction: Direction,
    /// Bounds per path, for explain; paths behind the last one are not bounded.
    pub(crate) bounds: Vec<FieldBounds>,
}

/// An index that a plan walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScannedIndex {
    /// That on `_id`: the records themselves.
    Id,
    /// The one at this place in the collection's list.
    Secondary(usize),
}

impl ScannedIndex {
    /// What the keys of its entries begin with.
    pub(super) fn prefix(self, entry: &CollectionEntry) -> Vec<u8> {
        match self {
            ScannedIndex::Id => record_prefix(entry.id),
            ScannedIndex::Secondary(position) => index_prefix(entry.indexes[position].id),
        }
    }
}
