//! Random keys, wiped from memory when they are dropped.

use std::fmt;

use zeroize::Zeroizing;

use super::KeyError;

/// The length of every key, in bytes: 256 bits.
pub const DATA_KEY_BYTES: usize = 32;

/// A key of 256 bits. Wiped when it is dropped; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey(Zeroizing<[u8; DATA_KEY_BYTES]>);

impl DataKey {
    /// A new one from the system's source of randomness.
    ///
    /// # Errors
    /// [`KeyError::Failed`] if the system has none.
    pub fn random() -> Result<DataKey, KeyError> {
        let mut bytes = Zeroizing::new([0; DATA_KEY_BYTES]);
        fill_random(&mut *bytes)?;
        Ok(DataKey(bytes))
    }

    /// The key of these bytes; `None` if they are not [`DATA_KEY_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Option<DataKey> {
        let mut key = Zeroizing::new([0; DATA_KEY_BYTES]);
        (bytes.len() == DATA_KEY_BYTES).then(|| {
            key.copy_from_slice(bytes);
            DataKey(key)
        })
    }

    /// The bytes, to be replaced by others.
    pub(super) fn as_mut_bytes(&mut self) -> &mut [u8] {
        &mut *self.0
    }

    /// The bytes, for whoever wraps it.
    pub fn as_bytes(&self) -> &[u8; DATA_KEY_BYTES] {
        &self.0
    }
}

impl From<[u8; DATA_KEY_BYTES]> for DataKey {
    fn from(bytes: [u8; DATA_KEY_BYTES]) -> DataKey {
        DataKey(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DataKey(hidden)")
    }
}

/// Fills `into` from the system's source of randomness: the one place that asks for it.
pub(super) fn fill_random(into: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(into)
        .map_err(|error| KeyError::Failed { cause: format!("the system gives no random bytes: {error}") })
}
