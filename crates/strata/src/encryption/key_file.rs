//! Keys in a text file.

use std::path::{Path, PathBuf};

use parking_lot::RwLock;

use super::{DATA_KEY_BYTES, DataKey, KeyError, KeyProvider, StaticKeys};

/// Keys from a text file: a line for each, its name, a space and 64 hexadecimal digits. The last line is the key for
/// new files. Empty lines and lines that begin with `#` say nothing.
///
/// To change the key, add a line, then [reload](KeyFile::reload) or open the database anew, and rotate: the lines of
/// old keys can go when no file names them any more.
///
/// The file is as secret as the data: keep it on another device, readable for one user, and never beside the database.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    keys: RwLock<StaticKeys>,
}

impl KeyFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`KeyError::Failed`] if it cannot be read, [`KeyError::Malformed`] for anything but keys, or none.
    pub fn open(path: impl AsRef<Path>) -> Result<KeyFile, KeyError> {
        let path = path.as_ref().to_owned();
        let keys = RwLock::new(read(&path)?);
        Ok(KeyFile { path, keys })
    }

    /// Reads the file again. If that fails the keys stay as they were.
    ///
    /// # Errors
    /// As [`KeyFile::open`].
    pub fn reload(&self) -> Result<(), KeyError> {
        let keys = read(&self.path)?;
        *self.keys.write() = keys;
        Ok(())
    }

    /// A line for a new random key of this name, to be added to a file.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for a name that cannot stand in a line; [`KeyError::Failed`].
    pub fn new_line(key_id: &str) -> Result<String, KeyError> {
        let key = DataKey::random()?;
        let digits: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let line = format!("{key_id} {digits}\n");
        parse(&line, "the new line")?;
        Ok(line)
    }
}

#[allow(clippy::disallowed_methods, reason = "a key file lies outside of any storage")]
fn read(path: &Path) -> Result<StaticKeys, KeyError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| KeyError::Failed { cause: format!("cannot read {}: {error}", path.display()) })?;
    parse(&text, &path.display().to_string())
}

/// The keys in the text of a file; `place` names it in errors, which never tell what a line holds.
fn parse(text: &str, place: &str) -> Result<StaticKeys, KeyError> {
    let malformed = |what: String| KeyError::Malformed { place: place.to_owned(), what };
    let mut keys: Option<StaticKeys> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key_id, digits) = line
            .split_once(char::is_whitespace)
            .ok_or_else(|| malformed(format!("line {number} is not a name, a space and a key")))?;
        let key = from_hexadecimal(digits.trim())
            .ok_or_else(|| malformed(format!("the key in line {number} is not 64 hexadecimal digits")))?;
        let added = match keys.take() {
            Some(keys) => keys.with_current(key_id, key),
            None => StaticKeys::new(key_id, key),
        };
        keys = Some(added.map_err(|error| malformed(format!("line {number}: {error}")))?);
    }
    keys.ok_or_else(|| malformed("there is none".to_owned()))
}

fn from_hexadecimal(digits: &str) -> Option<DataKey> {
    let digits = digits.as_bytes();
    if digits.len() != 2 * DATA_KEY_BYTES {
        return None;
    }
    let mut bytes = [0; DATA_KEY_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
    }
    Some(DataKey::from(bytes))
}

impl KeyProvider for KeyFile {
    fn current_key_id(&self) -> Result<String, KeyError> {
        self.keys.read().current_key_id()
    }

    fn wrap(&self, key_id: &str, key: &DataKey) -> Result<Vec<u8>, KeyError> {
        self.keys.read().wrap(key_id, key)
    }

    fn unwrap(&self, key_id: &str, wrapped: &[u8]) -> Result<DataKey, KeyError> {
        self.keys.read().unwrap(key_id, wrapped)
    }
}
