//! Which collections and indexes there are: their entries in the store and the names they go by.

mod cache;
mod entry;
mod format;
mod ids;

pub(crate) use cache::Catalog;
pub(crate) use entry::{CollectionEntry, IndexEntry, IndexState};
pub(crate) use format::check_or_write_format;
pub(crate) use ids::{never_give_again, next_id};
