//! Why a file cannot be encrypted or decrypted, told with the file and the remedy.

use super::KeyError;

/// A file cannot be written or read as the database was told to. Damage is not among this: that is an error of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptionError {
    /// The file is encrypted, and no keys were given.
    #[error("{file} is encrypted with the key {key_id:?}: open the database with a provider that has it")]
    NoProvider {
        /// The file.
        file: String,
        /// The name of its key.
        key_id: String,
    },
    /// Keys were given, and the file is not encrypted.
    #[error(
        "{file} is not encrypted: open the database without keys, or let it adopt what is not encrypted, and rotate"
    )]
    NotEncrypted {
        /// The file.
        file: String,
    },
    /// The keys that were given do not do.
    #[error("{file}: {cause}")]
    Key {
        /// The file.
        file: String,
        /// What the provider says.
        cause: KeyError,
    },
}
