//! Encryption of files at rest: who has the keys, how a file names its key, and how its bytes are sealed.
//!
//! Every file has a random *data key* of its own, which nothing else was ever encrypted with. The file bears it in an
//! *envelope*, wrapped by a key that a [`KeyProvider`] keeps and the file names. The pieces of the file (blocks,
//! records, sections) are sealed one by one with [`FileCipher`]: authenticated encryption whose nonce is the piece's
//! offset in the file. A key and an offset occur together once, since no byte of a file is written twice; so no nonce
//! is ever used again, without a counter that would have to be kept. What kind of file it is, its number and the
//! offset are authenticated with each piece: a piece moved to another place, or a file put in another's, is found.
//!
//! | what | module |
//! |---|---|
//! | who wraps keys; keys in memory | `provider`, `static_keys` |
//! | keys in a text file | `key_file` |
//! | random keys that are wiped when they go | `data_key` |
//! | sealing and opening pieces | `cipher` |
//! | how a file bears its key | `envelope` |
//! | what a database is opened with | `keyring` |

mod cipher;
mod data_key;
mod envelope;
mod error;
mod key_file;
mod keyring;
mod provider;
mod static_keys;

#[cfg(test)]
mod tests;

pub use cipher::{CipherAlgorithm, FileCipher, FileIdentity, Inauthentic, SEAL_BYTES};
pub use data_key::{DATA_KEY_BYTES, DataKey};
pub use envelope::{MAX_ENVELOPE_BYTES, key_id_of};
pub use error::EncryptionError;
pub use key_file::KeyFile;
pub use keyring::{Encryption, NewFileKey};
pub use provider::{KeyError, KeyProvider, MAX_KEY_ID_BYTES};
pub use static_keys::StaticKeys;
