//! Bulk ingestion: sorted entries become tables at once, past the log and the memtable.
//!
//! Tables are written while the caller gives entries, and named by one edit of the manifest at the end. Only then is
//! it known which sequence they have, so they are stored with a stand-in, and the manifest says what it stands for.

mod commit;
mod net;
mod writer;

pub use writer::Ingestion;
