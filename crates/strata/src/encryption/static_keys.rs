//! Keys that the program has in memory.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Key, Tag, XChaCha20Poly1305, XNonce};

use super::data_key::fill_random;
use super::provider::MAX_KEY_ID_BYTES;
use super::{DATA_KEY_BYTES, DataKey, KeyError, KeyProvider};

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// Nonce, wrapped key, tag.
const WRAPPED_BYTES: usize = NONCE_BYTES + DATA_KEY_BYTES + TAG_BYTES;

/// Keys by name, one of them for new files. It wraps with XChaCha20-Poly1305, whose nonce is so long that random ones
/// never meet, however many files there are.
///
/// ```
/// use stroma_strata::encryption::{DataKey, KeyProvider, StaticKeys};
///
/// let old = StaticKeys::new("2025", DataKey::random()?)?;
/// let key = DataKey::random()?;
/// let wrapped = old.wrap("2025", &key)?;
/// // Files of the old key can be read, new ones get the new key.
/// let both = old.with_current("2026", DataKey::random()?)?;
/// assert_eq!(both.current_key_id()?, "2026");
/// assert_eq!(both.unwrap("2025", &wrapped)?, key);
/// # Ok::<(), stroma_strata::encryption::KeyError>(())
/// ```
#[derive(Debug, Clone)]
pub struct StaticKeys {
    keys: BTreeMap<String, DataKey>,
    current: String,
}

impl StaticKeys {
    /// One key.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for a name that is empty or longer than [`MAX_KEY_ID_BYTES`].
    pub fn new(key_id: &str, key: DataKey) -> Result<StaticKeys, KeyError> {
        StaticKeys { keys: BTreeMap::new(), current: String::new() }.with_current(key_id, key)
    }

    /// These keys and one more, which is for new files from now on.
    ///
    /// # Errors
    /// As [`StaticKeys::new`]; [`KeyError::Malformed`] if there is another key of that name.
    pub fn with_current(mut self, key_id: &str, key: DataKey) -> Result<StaticKeys, KeyError> {
        let malformed =
            |what: String| Err(KeyError::Malformed { place: "the list of keys".to_owned(), what });
        if !(1..=MAX_KEY_ID_BYTES).contains(&key_id.len()) {
            return malformed(format!("a name has {} bytes, not 1 to {MAX_KEY_ID_BYTES}", key_id.len()));
        }
        if self.keys.insert(key_id.to_owned(), key.clone()).is_some_and(|other| other != key) {
            return malformed(format!("two keys have the name {key_id:?}"));
        }
        key_id.clone_into(&mut self.current);
        Ok(self)
    }

    fn cipher(&self, key_id: &str) -> Result<XChaCha20Poly1305, KeyError> {
        let key = self.keys.get(key_id).ok_or_else(|| KeyError::Missing { key_id: key_id.to_owned() })?;
        Ok(XChaCha20Poly1305::new(&Key::from(*key.as_bytes())))
    }
}

impl KeyProvider for StaticKeys {
    fn current_key_id(&self) -> Result<String, KeyError> {
        Ok(self.current.clone())
    }

    fn wrap(&self, key_id: &str, key: &DataKey) -> Result<Vec<u8>, KeyError> {
        let cipher = self.cipher(key_id)?;
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce)?;
        let mut wrapped = Vec::with_capacity(WRAPPED_BYTES);
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(key.as_bytes());
        let tag = cipher
            .encrypt_inout_detached(
                &XNonce::from(nonce),
                key_id.as_bytes(),
                (&mut wrapped[NONCE_BYTES..]).into(),
            )
            .map_err(|_| KeyError::Failed { cause: "a key cannot be wrapped".to_owned() })?;
        wrapped.extend_from_slice(&tag);
        Ok(wrapped)
    }

    fn unwrap(&self, key_id: &str, wrapped: &[u8]) -> Result<DataKey, KeyError> {
        let cipher = self.cipher(key_id)?;
        let wrong = || KeyError::Wrong { key_id: key_id.to_owned() };
        let (nonce, rest) = wrapped.split_first_chunk::<NONCE_BYTES>().ok_or_else(wrong)?;
        let (sealed, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or_else(wrong)?;
        let mut key = DataKey::from_bytes(sealed).ok_or_else(wrong)?;
        cipher
            .decrypt_inout_detached(
                &XNonce::from(*nonce),
                key_id.as_bytes(),
                key.as_mut_bytes().into(),
                &Tag::from(*tag),
            )
            .map_err(|_| wrong())?;
        Ok(key)
    }
}
