//! Blobs that are encrypted as wholes, piece by piece, whatever is in them: for kinds of layers that have no encryption
//! of their own.

mod format;
mod reader;
mod storage;
#[cfg(test)]
mod tests;
mod writer;

pub use format::ENCRYPTED_MAGIC;
pub use reader::{encrypted_key_id, open_encrypted, verify_encrypted};
pub use storage::EncryptedStorage;
