//! What a query reads from: a snapshot that it owns, or the transaction that it is part of.

use std::sync::Arc;

use crate::error::Result;
use crate::store::{Direction, Entries, KeyRange, ReadView, StoreTransaction};

/// Reads that live for `'r`. Cheap to clone.
pub(crate) trait Reader<'r>: Clone + 'r {
    /// The value under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// The entries of `range`.
    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Entries<'r>>;
}

impl Reader<'static> for Arc<dyn ReadView> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(ReadView::get(&**self, key)?)
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Entries<'static>> {
        Ok(ReadView::scan(&**self, range, direction)?)
    }
}

impl<'r> Reader<'r> for &'r dyn StoreTransaction {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(StoreTransaction::get(*self, key)?)
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Entries<'r>> {
        Ok(StoreTransaction::scan(*self, range, direction)?)
    }
}
