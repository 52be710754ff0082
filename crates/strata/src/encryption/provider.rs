//! Whoever keeps the keys that wrap the keys of files.

use std::fmt::Debug;

use super::DataKey;

/// The longest name of a key, in bytes.
pub const MAX_KEY_ID_BYTES: usize = 255;

/// Wraps the data keys of files, and keeps the keys that it wraps them with: in memory, in a file, or in a service of
/// its own from which they never come out.
///
/// Each new file asks for one wrapping, each file that is opened for one unwrapping, also of the manifest: several a
/// second while much is written. A provider that asks over a network should keep a key of its own for a while.
/// Called from many threads at once.
pub trait KeyProvider: Send + Sync + Debug {
    /// The name of the key for new files: 1 to [`MAX_KEY_ID_BYTES`] bytes. It stands in each file as it is.
    ///
    /// # Errors
    /// [`KeyError::Failed`].
    fn current_key_id(&self) -> Result<String, KeyError>;

    /// Wraps `key` with the key named `key_id`, in at most 1,024 bytes, such that a change of these is noticed.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::Failed`].
    fn wrap(&self, key_id: &str, key: &DataKey) -> Result<Vec<u8>, KeyError>;

    /// The key that was wrapped.
    ///
    /// # Errors
    /// [`KeyError::Missing`] if there is no key of that name, [`KeyError::Wrong`] if it is not the one that wrapped
    /// this, or the wrapping was changed; [`KeyError::Failed`].
    fn unwrap(&self, key_id: &str, wrapped: &[u8]) -> Result<DataKey, KeyError>;
}

/// Why a provider has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It has no key of that name.
    #[error("there is no key {key_id:?}")]
    Missing {
        /// The name.
        key_id: String,
    },
    /// The key of that name is not the one that wrapped.
    #[error("the key {key_id:?} is not the one that it was encrypted with")]
    Wrong {
        /// The name.
        key_id: String,
    },
    /// The keys that were given are unusable.
    #[error("{place} does not hold keys: {what}")]
    Malformed {
        /// Where they were to be.
        place: String,
        /// What is wrong with them.
        what: String,
    },
    /// Something else is in the way.
    #[error("{cause}")]
    Failed {
        /// What.
        cause: String,
    },
}
