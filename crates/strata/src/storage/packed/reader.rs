//! A packed file as a storage that can only be read.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::format::{Directory, Entry, FOOTER_BYTES, HEAD_BYTES, decode_directory, decode_ends};
use crate::storage::name::folder_of;
use crate::storage::{
    Blob, BlobEntry, BlobWriter, LogReader, LogStorage, LogWriter, Storage, StorageError, StorageLock,
};

/// Bytes that are read at once where a whole blob is verified.
const READ_AT_ONCE: u64 = 1 << 20;

/// The blobs in a packed file, or in a folder of it. Opening it reads its ends and its directory, however long the
/// file; a blob of a mapped file is a part of the mapping. Clones are handles to the same file.
#[derive(Debug, Clone)]
pub struct PackedStorage {
    file: Arc<dyn Blob>,
    directory: Arc<Directory>,
    /// Where the blobs end and the directory begins.
    data_end: u64,
    /// What stands before the names of its blobs in the file.
    prefix: String,
}

impl PackedStorage {
    /// Opens a packed file. Its bytes are untrusted.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] for anything but a packed file, as far as its ends and its directory tell;
    /// [`StorageError::NewerFormat`]; failure of reading.
    pub fn open(file: Arc<dyn Blob>) -> Result<PackedStorage, StorageError> {
        let (place, bytes) = (file.describe(), file.len());
        if bytes < (HEAD_BYTES + FOOTER_BYTES) as u64 {
            return Err(StorageError::damaged(&place, bytes, "it is too short for a database in one file"));
        }
        let (mut head, mut foot) = ([0; HEAD_BYTES], [0; FOOTER_BYTES]);
        file.read_exact_at(0, &mut head)?;
        file.read_exact_at(bytes - FOOTER_BYTES as u64, &mut foot)?;
        let footer = decode_ends(&head, &foot, &place, bytes)?;
        let mut stored = vec![0; footer.length as usize];
        file.read_exact_at(footer.offset, &mut stored)?;
        let directory = Arc::new(decode_directory(footer, &stored, &place)?);
        Ok(PackedStorage { file, directory, data_end: footer.offset, prefix: String::new() })
    }

    /// The blobs of a folder under their names in it.
    #[must_use]
    pub fn folder(&self, name: &str) -> PackedStorage {
        PackedStorage { prefix: format!("{}{name}/", self.prefix), ..self.clone() }
    }

    /// The whole names and lengths of all blobs of the file, ascending.
    pub fn blobs(&self) -> impl Iterator<Item = (&str, u64)> {
        self.directory.iter().map(|(name, entry)| (name.as_str(), entry.length))
    }

    fn verify_zeros(&self, from: u64, to: u64) -> Result<(), StorageError> {
        self.read_pieces(from, to, |offset, piece| match piece.iter().position(|byte| *byte != 0) {
            None => Ok(()),
            Some(at) => {
                let what = "something stands between the blobs";
                Err(StorageError::damaged(&self.file.describe(), offset + at as u64, what))
            }
        })
    }

    fn verify_blob(&self, name: &str, entry: &Entry) -> Result<(), StorageError> {
        let mut hash = Xxh3::new();
        self.read_pieces(entry.offset, entry.end(), |_, piece| {
            hash.update(piece);
            Ok(())
        })?;
        if hash.digest() == entry.checksum {
            return Ok(());
        }
        Err(StorageError::damaged(&self.place_of(name), 0, "its bytes do not have their checksum"))
    }

    fn read_pieces(
        &self,
        from: u64,
        to: u64,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let mut piece = Vec::new();
        let mut at = from;
        while at < to {
            piece.resize((to - at).min(READ_AT_ONCE) as usize, 0);
            self.file.read_exact_at(at, &mut piece)?;
            each(at, &piece)?;
            at += piece.len() as u64;
        }
        Ok(())
    }

    fn whole_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn place_of(&self, whole_name: &str) -> String {
        format!("{}:{whole_name}", self.file.describe())
    }

    fn refuse<T>(&self, name: &str) -> Result<T, StorageError> {
        Err(StorageError::ReadOnly { place: self.describe(name) })
    }
}

/// The blobs of `directory` that are directly in `folder` of `prefix`, by their names without that.
pub(super) fn list(directory: &Directory, prefix: &str, folder: &str) -> Vec<BlobEntry> {
    let whole = format!("{prefix}{folder}");
    let whole = whole.trim_end_matches('/');
    let blobs = directory.range(whole.to_owned()..).take_while(|(name, _)| name.starts_with(whole));
    let direct = blobs.filter(|(name, _)| folder_of(name) == whole);
    let listed = |(name, entry): (&String, &Entry)| {
        let name = name.strip_prefix(prefix).unwrap_or(name).to_owned();
        BlobEntry { name, bytes: entry.length }
    };
    direct.map(listed).collect()
}

/// A part of the file.
#[derive(Debug)]
struct PackedBlob {
    file: Arc<dyn Blob>,
    name: String,
    place: String,
    entry: Entry,
}

impl Blob for PackedBlob {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.entry.length
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> Result<(), StorageError> {
        let wanted = into.len() as u64;
        if offset.checked_add(wanted).is_none_or(|end| end > self.entry.length) {
            let place = self.place.clone();
            return Err(StorageError::OutOfBounds { place, offset, wanted, length: self.entry.length });
        }
        self.file.read_exact_at(self.entry.offset + offset, into)
    }

    #[inline]
    fn mapped(&self) -> Option<&[u8]> {
        self.file.mapped()?.get(self.entry.offset as usize..self.entry.end() as usize)
    }

    fn prefetch(&self, offset: u64, count: u64) {
        let count = count.min(self.entry.length.saturating_sub(offset));
        self.file.prefetch(self.entry.offset.saturating_add(offset), count);
    }

    fn describe(&self) -> String {
        self.place.clone()
    }
}

impl Storage for PackedStorage {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, StorageError> {
        self.refuse(name)
    }

    fn put_if_absent(&self, name: &str, _: &[u8]) -> Result<(), StorageError> {
        self.refuse(name)
    }

    fn open(&self, name: &str) -> Result<Arc<dyn Blob>, StorageError> {
        let whole = self.whole_name(name);
        let place = self.place_of(&whole);
        match self.directory.get(&whole) {
            Some(entry) => {
                let (file, name) = (self.file.clone(), name.to_owned());
                Ok(Arc::new(PackedBlob { file, name, place, entry: *entry }))
            }
            None => Err(StorageError::NotFound { place }),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        Ok(list(&self.directory, &self.prefix, folder))
    }

    fn sync_names(&self, _: &str) -> Result<(), StorageError> {
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        self.refuse(name)
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        self.refuse("")
    }

    fn copy_from(&self, _: &dyn Storage, name: &str) -> Result<u64, StorageError> {
        self.refuse(name)
    }

    /// Reads the file from end to end, whichever folder of it this is, and compares the checksum of every blob; what
    /// lies between them must be zeros. The first part is the file itself.
    fn verify(&self) -> Vec<(String, Option<StorageError>)> {
        let mut by_offset: Vec<(&String, &Entry)> = self.directory.iter().collect();
        by_offset.sort_unstable_by_key(|(_, entry)| entry.offset);
        let mut found = Vec::with_capacity(by_offset.len() + 1);
        let mut between = Ok(());
        let mut at = HEAD_BYTES as u64;
        for (_, entry) in &by_offset {
            between = between.and_then(|()| self.verify_zeros(at, entry.offset));
            at = entry.end();
        }
        between = between.and_then(|()| self.verify_zeros(at, self.data_end));
        found.push((self.file.describe(), between.err()));
        for (name, entry) in by_offset {
            found.push((self.place_of(name), self.verify_blob(name, entry).err()));
        }
        found
    }

    fn describe(&self, name: &str) -> String {
        if name.is_empty() && self.prefix.is_empty() {
            self.file.describe()
        } else {
            self.place_of(self.whole_name(name).trim_end_matches('/'))
        }
    }
}

/// Without any logs: what is sealed has none.
impl LogStorage for PackedStorage {
    fn create_log(&self, name: &str) -> Result<Box<dyn LogWriter>, StorageError> {
        self.refuse(name)
    }

    fn read_log(&self, name: &str) -> Result<Box<dyn LogReader>, StorageError> {
        Err(StorageError::NotFound { place: self.describe(name) })
    }

    fn list_logs(&self, _: &str) -> Result<Vec<BlobEntry>, StorageError> {
        Ok(Vec::new())
    }

    fn delete_log(&self, name: &str) -> Result<(), StorageError> {
        self.refuse(name)
    }
}
