//! The memtable: the newest entries, in memory, ordered, readable while they are being added.

mod arena;
mod cursor;
mod skip_list;
mod table;

pub(crate) use cursor::MemtableCursor;
pub(crate) use table::{Change, Memtable, MemtableOptions, Staged};
