//! The memtable: the newest entries, in memory, ordered, readable while they are being added.

mod chain;
mod commit_order;
mod cursor;
mod entry_bytes;
mod gathering;
mod head;
mod index_memory;
mod portion;
mod sorting;
mod table;
mod tree;
mod walk;

pub(crate) use chain::{MemtableChain, too_long};
pub(crate) use cursor::MemtableCursor;
pub(crate) use entry_bytes::split_entry;
pub(crate) use gathering::Gathering;
pub(crate) use head::{Head, Target};
pub(crate) use portion::EntryPortion;
pub(crate) use table::{Change, Memtable, MemtableOptions, Staged};
pub(crate) use walk::{AHEAD, MemtableWalk, WalkInMemory};
