//! The ways to open a dictionary: mapped, which is unsafe, or read into memory.

#![allow(unsafe_code, reason = "mapping a file is a promise about others that only the caller can make")]
#![allow(
    clippy::disallowed_methods,
    reason = "this crate stands below the storage seam and owns these files"
)]

use std::io::Read as _;
use std::path::Path;

use super::container::Backing;
use super::error::show;
use super::lock::open_shared;
use super::{Dictionary, MappedError, MappedFile, Pod, StringDictionary};
use crate::Key;

/// How a dictionary is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// Whether a page's checksum is checked when the page is first touched; yes unless changed.
    ///
    /// Then a lookup in a damaged file gives an error instead of a wrong answer. It costs a bit of memory a
    /// page (32 bytes a mebibyte), XXH3-64 of 4096 bytes at a page's first touch, and a look at one or two bits
    /// at each later one; figures are in `docs/decisions/032-mapped-dictionary.md`.
    pub check_pages: bool,
    /// Whether a page that is not in memory is read alone, without its neighbours; no unless changed.
    ///
    /// Good for few lookups in a file that is much larger than memory; bad for walks, and for so many lookups
    /// that the neighbours will be wanted too.
    pub random_access: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { check_pages: true, random_access: false }
    }
}

impl OpenOptions {
    /// Maps the dictionary at `path`.
    ///
    /// # Safety
    /// As [`Dictionary::open`].
    ///
    /// # Errors
    /// As [`Dictionary::open`].
    pub unsafe fn open<K: Key, V: Pod>(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<Dictionary<K, V>, MappedError> {
        // SAFETY: the caller's promise is the one asked for.
        let backing = unsafe { self.map(path.as_ref()) }?;
        Dictionary::over(backing, show(path.as_ref()), self)
    }

    /// Reads the dictionary at `path` into memory.
    ///
    /// # Errors
    /// As [`Dictionary::read`].
    pub fn read<K: Key, V: Pod>(&self, path: impl AsRef<Path>) -> Result<Dictionary<K, V>, MappedError> {
        Dictionary::over(load(path.as_ref())?, show(path.as_ref()), self)
    }

    /// Takes the bytes of a dictionary file.
    ///
    /// # Errors
    /// As [`Dictionary::from_bytes`].
    pub fn from_bytes<K: Key, V: Pod>(&self, bytes: Vec<u8>) -> Result<Dictionary<K, V>, MappedError> {
        Dictionary::over(Backing::Owned(bytes), IN_MEMORY.to_owned(), self)
    }

    /// Maps the dictionary of byte strings at `path`.
    ///
    /// # Safety
    /// As [`Dictionary::open`].
    ///
    /// # Errors
    /// As [`Dictionary::open`].
    pub unsafe fn open_strings<V: Pod>(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<StringDictionary<V>, MappedError> {
        // SAFETY: the caller's promise is the one asked for.
        let backing = unsafe { self.map(path.as_ref()) }?;
        StringDictionary::over(backing, show(path.as_ref()), self)
    }

    /// Reads the dictionary of byte strings at `path` into memory.
    ///
    /// # Errors
    /// As [`Dictionary::read`].
    pub fn read_strings<V: Pod>(&self, path: impl AsRef<Path>) -> Result<StringDictionary<V>, MappedError> {
        StringDictionary::over(load(path.as_ref())?, show(path.as_ref()), self)
    }

    /// Takes the bytes of a file with a dictionary of byte strings.
    ///
    /// # Errors
    /// As [`Dictionary::from_bytes`].
    pub fn strings_from_bytes<V: Pod>(&self, bytes: Vec<u8>) -> Result<StringDictionary<V>, MappedError> {
        StringDictionary::over(Backing::Owned(bytes), IN_MEMORY.to_owned(), self)
    }

    /// # Safety
    /// As [`Dictionary::open`].
    unsafe fn map(&self, path: &Path) -> Result<Backing, MappedError> {
        // SAFETY: the caller's promise is the one asked for.
        let mut file = unsafe { MappedFile::open(path) }?;
        if self.random_access {
            file.expect_random_access();
        }
        Ok(Backing::Mapped(file))
    }
}

/// How errors call bytes that came without a path.
const IN_MEMORY: &str = "a dictionary in memory";

fn load(path: &Path) -> Result<Backing, MappedError> {
    let failed = |source| MappedError::io("read", path, source);
    let mut file = open_shared(path)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    usize::try_from(length)
        .ok()
        .and_then(|length| bytes.try_reserve_exact(length).ok())
        .ok_or_else(|| MappedError::TooLarge { place: show(path), length })?;
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(Backing::Owned(bytes))
}

impl<K: Key, V: Pod> Dictionary<K, V> {
    /// Maps the dictionary at `path`, reading its first page only, and keeps it locked until it is dropped.
    ///
    /// Any number of readers share the lock; who asks for it to write is refused meanwhile.
    ///
    /// # Safety
    /// Until the dictionary is dropped nobody changes or truncates the bytes of the file. A
    /// [`DictionaryBuilder`](super::DictionaryBuilder) never does: it puts another file under the name. The lock
    /// keeps out everybody who asks for one, and nobody else: an editor or a copy onto the file is not
    /// stopped. If somebody breaks the promise, answers may change from one call to the next, a page that was
    /// found whole is not checked again, and touching a page beyond a new, nearer end of the file ends the process
    /// (`SIGBUS` on Unix). Where that cannot be ruled out, [`read`](Self::read) the file instead.
    ///
    /// # Errors
    /// [`MappedError::Io`], [`MappedError::Locked`] while somebody writes the file, and whatever
    /// [`from_bytes`](Self::from_bytes) says.
    pub unsafe fn open(path: impl AsRef<Path>) -> Result<Self, MappedError> {
        // SAFETY: the caller's promise is the one asked for.
        unsafe { OpenOptions::default().open(path) }
    }

    /// Reads the dictionary at `path` into memory, O(file): what happens to the file later is of no concern.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, MappedError> {
        OpenOptions::default().read(path)
    }

    /// Takes the bytes of a dictionary file, wherever they came from.
    ///
    /// # Errors
    /// [`MappedError::NotADictionary`], [`MappedError::UnsupportedVersion`], [`MappedError::ForeignByteOrder`],
    /// [`MappedError::WrongType`], [`MappedError::WrongLength`], [`MappedError::Damaged`],
    /// [`MappedError::Inconsistent`] and [`MappedError::Index`]; never panics, whatever the bytes are.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, MappedError> {
        OpenOptions::default().from_bytes(bytes)
    }
}

impl<V: Pod> StringDictionary<V> {
    /// Maps the dictionary of byte strings at `path`, as [`Dictionary::open`] does.
    ///
    /// # Safety
    /// As [`Dictionary::open`].
    ///
    /// # Errors
    /// As [`Dictionary::open`].
    pub unsafe fn open(path: impl AsRef<Path>) -> Result<Self, MappedError> {
        // SAFETY: the caller's promise is the one asked for.
        unsafe { OpenOptions::default().open_strings(path) }
    }

    /// Reads the dictionary at `path` into memory, O(file): what happens to the file later is of no concern.
    ///
    /// # Errors
    /// As [`Dictionary::open`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, MappedError> {
        OpenOptions::default().read_strings(path)
    }

    /// Takes the bytes of a dictionary file, wherever they came from.
    ///
    /// # Errors
    /// As [`Dictionary::from_bytes`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, MappedError> {
        OpenOptions::default().strings_from_bytes(bytes)
    }
}
