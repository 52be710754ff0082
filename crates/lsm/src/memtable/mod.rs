//! The memtable: the newest entries, in memory, ordered, readable while they are being added.

mod arena;
mod cursor;
mod entry_bytes;
mod index_memory;
mod skip_list;
mod table;

pub(crate) use cursor::MemtableCursor;
pub(crate) use entry_bytes::split_entry;
pub(crate) use skip_list::head_of;
pub(crate) use table::{Change, Memtable, MemtableOptions, Staged};
