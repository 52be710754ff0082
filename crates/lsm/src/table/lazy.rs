//! A table that is opened when something in it is looked for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::cursor::TableCursor;
use super::reader::Table;
use crate::Error;
use crate::block_cache::Caching;
use crate::tombstones::RangeTombstones;

/// Opens a table; may be called again after it failed.
type Open = Box<dyn Fn() -> Result<Table, Error> + Send + Sync>;

/// A table, open or to be opened. Clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) enum LazyTable {
    Open(Table),
    Unopened(Arc<Unopened>),
}

/// A table without range tombstones of which the manifest knows enough to leave it alone for now.
pub(crate) struct Unopened {
    table: OnceLock<Table>,
    open: Open,
    smallest: Vec<u8>,
    largest: Vec<u8>,
    tombstones: Arc<RangeTombstones>,
}

impl fmt::Debug for Unopened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Unopened").field("table", &self.table).finish_non_exhaustive()
    }
}

impl From<Table> for LazyTable {
    fn from(table: Table) -> Self {
        LazyTable::Open(table)
    }
}

impl LazyTable {
    /// A table with these bounds, and without range tombstones, that `open` opens.
    pub(crate) fn unopened(smallest: Vec<u8>, largest: Vec<u8>, open: Open) -> Self {
        let (table, tombstones) = (OnceLock::new(), Arc::default());
        LazyTable::Unopened(Arc::new(Unopened { table, open, smallest, largest, tombstones }))
    }

    /// The table, opened now if it was not.
    ///
    /// # Errors
    /// As [`Table::open`].
    #[inline]
    pub(crate) fn get(&self) -> Result<&Table, Error> {
        match self {
            LazyTable::Open(table) => Ok(table),
            LazyTable::Unopened(unopened) => unopened.get(),
        }
    }

    /// Its smallest key.
    pub(super) fn smallest_key(&self) -> &[u8] {
        match self {
            LazyTable::Open(table) => &table.properties().smallest_key,
            LazyTable::Unopened(unopened) => &unopened.smallest,
        }
    }

    /// Its largest key.
    pub(super) fn largest_key(&self) -> &[u8] {
        match self {
            LazyTable::Open(table) => &table.properties().largest_key,
            LazyTable::Unopened(unopened) => &unopened.largest,
        }
    }

    /// Its range tombstones.
    pub(crate) fn tombstones(&self) -> &Arc<RangeTombstones> {
        match self {
            LazyTable::Open(table) => table.tombstones(),
            LazyTable::Unopened(unopened) => &unopened.tombstones,
        }
    }

    /// A cursor on no entry.
    pub(super) fn cursor(&self, caching: Caching) -> Result<TableCursor, Error> {
        Ok(self.get()?.cursor(caching))
    }
}

impl Unopened {
    #[inline]
    fn get(&self) -> Result<&Table, Error> {
        match self.table.get() {
            Some(table) => Ok(table),
            None => self.open(),
        }
    }

    #[cold]
    fn open(&self) -> Result<&Table, Error> {
        let opened = (self.open)()?;
        Ok(self.table.get_or_init(|| opened))
    }
}
