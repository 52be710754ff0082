//! The manifest: which layers and records make up the set, as a chain of numbered blobs.

mod chain;
mod facts;
mod format;
mod reader;
mod records;
mod sealed;
mod state;
#[cfg(test)]
mod tests;

pub use chain::describe;
pub(crate) use chain::{
    FOLDER, Recovered, Writer, blob_name, decode_snapshot, encode_snapshot, key_ids, last_number, numbers,
    read,
};
pub(crate) use facts::{FileFacts, read_facts};
pub use format::FORMAT_VERSION;
pub(crate) use format::{BlobType, MAGIC, checksum, decode};
pub use records::Records;
pub(crate) use state::{Edit, State};
