//! What a database is opened with to be encrypted: a provider, an algorithm, and what to do about plain files.

use std::sync::Arc;

use super::envelope::Envelope;
use super::{
    CipherAlgorithm, DataKey, EncryptionError, FileCipher, FileIdentity, KeyError, KeyProvider, key_id_of,
};

/// How new files are encrypted, and who has the keys of old ones. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Encryption {
    provider: Arc<dyn KeyProvider>,
    algorithm: CipherAlgorithm,
    adopts_plain: bool,
}

/// For a file that is being written.
#[derive(Debug)]
pub struct NewFileKey {
    /// Seals its pieces.
    pub cipher: FileCipher,
    /// What the file is to bear, so that it can be opened: at most
    /// [`MAX_ENVELOPE_BYTES`](super::MAX_ENVELOPE_BYTES).
    pub envelope: Vec<u8>,
}

impl Encryption {
    /// With the keys of `provider` and AES-256-GCM.
    pub fn new(provider: Arc<dyn KeyProvider>) -> Encryption {
        Encryption { provider, algorithm: CipherAlgorithm::default(), adopts_plain: false }
    }

    /// The same with another algorithm for new files.
    pub fn with_algorithm(self, algorithm: CipherAlgorithm) -> Encryption {
        Encryption { algorithm, ..self }
    }

    /// The same, but files that are not encrypted are read, too: to encrypt a database that was not. Otherwise such a
    /// file is an error, so that nobody can put one of his own among the encrypted ones.
    pub fn adopting_plain_files(self) -> Encryption {
        Encryption { adopts_plain: true, ..self }
    }

    /// The name of the key for new files.
    ///
    /// # Errors
    /// What the provider says.
    pub fn current_key_id(&self) -> Result<String, KeyError> {
        self.provider.current_key_id()
    }

    /// A data key for a file to be written; `file` names it in errors.
    ///
    /// # Errors
    /// [`EncryptionError::Key`].
    pub fn new_file(&self, identity: FileIdentity, file: &str) -> Result<NewFileKey, EncryptionError> {
        let make = || {
            let key_id = self.provider.current_key_id()?;
            let key = DataKey::random()?;
            let wrapped = self.provider.wrap(&key_id, &key)?;
            let envelope = Envelope { algorithm: self.algorithm, key_id: &key_id, wrapped: &wrapped };
            let envelope = envelope.encode().ok_or_else(|| KeyError::Failed {
                cause: "the provider's name of a key, or a wrapped key, is empty or too long".to_owned(),
            })?;
            Ok(NewFileKey { cipher: FileCipher::new(self.algorithm, &key, identity), envelope })
        };
        make().map_err(|cause| EncryptionError::Key { file: file.to_owned(), cause })
    }

    fn open_file(
        &self,
        identity: FileIdentity,
        envelope: &Envelope<'_>,
        file: &str,
    ) -> Result<FileCipher, EncryptionError> {
        let key = self.provider.unwrap(envelope.key_id, envelope.wrapped);
        let key = key.map_err(|cause| EncryptionError::Key { file: file.to_owned(), cause })?;
        Ok(FileCipher::new(envelope.algorithm, &key, identity))
    }

    /// What opens the pieces of a file: none if it is not encrypted. `envelope` is what the file bears, empty if
    /// nothing; `given` are the keys that the database was opened with, if any; `file` names the file in errors.
    ///
    /// # Errors
    /// Any [`EncryptionError`]; `None` in its place if the envelope is damaged.
    pub fn of_file(
        given: Option<&Encryption>,
        identity: FileIdentity,
        envelope: &[u8],
        file: &str,
    ) -> Result<Option<FileCipher>, Option<EncryptionError>> {
        if envelope.is_empty() {
            return match given {
                Some(given) if !given.adopts_plain => {
                    Err(Some(EncryptionError::NotEncrypted { file: file.to_owned() }))
                }
                _ => Ok(None),
            };
        }
        let decoded = Envelope::decode(envelope).ok_or(None)?;
        let Some(given) = given else {
            let key_id = key_id_of(envelope).unwrap_or_default().to_owned();
            return Err(Some(EncryptionError::NoProvider { file: file.to_owned(), key_id }));
        };
        Ok(Some(given.open_file(identity, &decoded, file).map_err(Some)?))
    }
}
