//! The traits everything durable stands on, drawn so that a directory, memory and an object store all fit.
//!
//! A blob is written once, published whole and never changed: there is no rename, no append and no overwrite.
//! That is what an object store offers (a put, or the completion of a multipart upload, on the condition that
//! the name is free), and it is what makes a crash harmless: a blob is there wholly or not at all. Append
//! logs are a trait of their own, [`LogStorage`], which only local backends have.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::StorageError;

/// Bytes that are read and written at once where a blob is copied.
const COPIED_AT_ONCE: usize = 1 << 20;

/// A store of immutable blobs with names such as `layers/00000000000000000042` (rules:
/// [`check_name`](super::check_name)). Folders are parts of names; they need not be made and an empty one is
/// the same as none.
pub trait Storage: Send + Sync + Debug + 'static {
    /// Starts a blob that nobody sees until [`BlobWriter::seal`]. Many may be written at once.
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, StorageError>;

    /// Publishes a small blob at once. When this returns, the blob survives a loss of power.
    ///
    /// # Errors
    /// [`StorageError::AlreadyExists`] if the name is taken; of several who race for a name exactly one wins.
    /// After an error for which [`StorageError::published_nothing`] is false, the blob may or may not be
    /// there, but never in part.
    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError>;

    /// Opens a published blob for reading.
    fn open(&self, name: &str) -> Result<Arc<dyn Blob>, StorageError>;

    /// The blobs directly in a folder (`""` is the root), ascending by name. Unsealed ones are not among
    /// them.
    fn list(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError>;

    /// Waits until the names in a folder and their deletions survive a loss of power, whoever gave them: a process
    /// that was killed may have named a blob and not lived to wait for it. Costs little if there is nothing to wait
    /// for; where names are durable as soon as they can be seen (an object store) there never is.
    fn sync_names(&self, folder: &str) -> Result<(), StorageError>;

    /// Removes a blob; removing what is not there succeeds. A crash soon afterwards may bring it back.
    /// Whether an open [`Blob`] stays readable depends on the backend: delete only what nobody reads.
    fn delete(&self, name: &str) -> Result<(), StorageError>;

    /// Keeps other writers out until the lock is dropped. To be taken before anything else is done. A backend
    /// that cannot lock (an object store) gives a lock that excludes nobody; its writers exclude each other
    /// through [`put_if_absent`](Storage::put_if_absent) alone.
    ///
    /// # Errors
    /// [`StorageError::Locked`] if someone else holds it.
    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError>;

    /// Publishes, under the same name, a copy of a blob of another storage, and answers its length. When this
    /// returns, it survives a loss of power.
    ///
    /// # Errors
    /// As [`Storage::put_if_absent`], and those of reading it there.
    fn copy_from(&self, other: &dyn Storage, name: &str) -> Result<u64, StorageError> {
        let blob = other.open(name)?;
        let mut writer = self.create(name)?;
        let mut part = vec![0; (blob.len() as usize).min(COPIED_AT_ONCE)];
        let mut offset = 0;
        while offset < blob.len() {
            part.truncate((blob.len() - offset).min(COPIED_AT_ONCE as u64) as usize);
            blob.read_exact_at(offset, &mut part)?;
            writer.write_all(&part)?;
            offset += part.len() as u64;
        }
        writer.seal()
    }

    /// The same, but shares the bytes with the other storage where that is possible: both can be deleted without
    /// harm to the other, but damage to one is damage to both.
    ///
    /// # Errors
    /// As [`Storage::copy_from`].
    fn share_from(&self, other: &dyn Storage, name: &str) -> Result<u64, StorageError> {
        self.copy_from(other, name)
    }

    /// Checks what the storage itself has checksums of, beside what blobs have in them: each part with what is wrong
    /// with it, if anything. Reads everything then. Most storages have none.
    fn verify(&self) -> Vec<(String, Option<StorageError>)> {
        Vec::new()
    }

    /// The file in which a blob lies, if it is one of the local file system.
    fn local_path(&self, name: &str) -> Option<PathBuf> {
        let _ = name;
        None
    }

    /// Where a blob is, for people: a path or an address. `""` describes the store itself.
    fn describe(&self, name: &str) -> String;
}

/// Held while one process writes to a [`Storage`]; dropping it lets the next one in.
pub trait StorageLock: Send + Sync + Debug {
    /// Whether nobody else can write while this is held. If not, a writer must claim its place in the
    /// manifest before it relies on anything.
    fn excludes_others(&self) -> bool {
        true
    }
}

/// A name in a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobEntry {
    /// The whole name, folder included.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// A blob being written. Dropping it unsealed discards what was written.
pub trait BlobWriter: Send + Debug {
    /// Adds bytes at the end. After an error the writer can only be dropped.
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), StorageError>;

    /// How many bytes were written so far.
    fn position(&self) -> u64;

    /// Publishes the blob under its name and returns its length. When this returns, it survives a loss of
    /// power.
    ///
    /// # Errors
    /// As [`Storage::put_if_absent`].
    fn seal(self: Box<Self>) -> Result<u64, StorageError>;
}

/// A published blob, open for reading by many threads at once.
pub trait Blob: Send + Sync + Debug {
    /// Its name in the storage.
    fn name(&self) -> &str;

    /// Its length in bytes; never changes.
    fn len(&self) -> u64;

    /// Whether it has no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `into` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`StorageError::OutOfBounds`] if the blob ends before; nothing of `into` is to be used then.
    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> Result<(), StorageError>;

    /// The whole blob as memory, where the backend can offer that without reading it.
    fn mapped(&self) -> Option<&[u8]>;

    /// Tells that `count` bytes from `offset` on will be read soon, so that several such reads can be under way at
    /// once. Returns at once; where the backend cannot, nothing happens.
    fn prefetch(&self, offset: u64, count: u64) {
        let _ = (offset, count);
    }

    /// Where it is, for error messages.
    fn describe(&self) -> String {
        self.name().to_owned()
    }

    /// Reads the whole blob into memory of its own: for small ones.
    fn read_all(&self) -> Result<Vec<u8>, StorageError> {
        let mut bytes = vec![0; self.len() as usize];
        self.read_exact_at(0, &mut bytes)?;
        Ok(bytes)
    }
}

/// A storage that also has append logs. They live beside the blobs: keep them in a folder of their own.
pub trait LogStorage: Storage {
    /// Makes an empty log. When this returns its name survives a loss of power; its content does so from
    /// [`LogWriter::sync`] to [`LogWriter::sync`]. A log cannot be reopened for appending: after a restart,
    /// read the old one and start a new one.
    ///
    /// # Errors
    /// [`StorageError::AlreadyExists`] if the name is taken. After any other error it may be taken, too: the file was
    /// made, and the directory could not be synced.
    fn create_log(&self, name: &str) -> Result<Box<dyn LogWriter>, StorageError>;

    /// Opens a log for reading from its start. After a crash its tail may be cut anywhere past the last sync,
    /// or hold zeros or garbage there: check every record. While it is written, and after the death of who wrote it,
    /// zeros may stand behind what was appended.
    fn read_log(&self, name: &str) -> Result<Box<dyn LogReader>, StorageError>;

    /// The logs directly in a folder, ascending by name.
    fn list_logs(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError>;

    /// Removes a log; removing what is not there succeeds. A crash may bring it back until
    /// [`sync_names`](Storage::sync_names) of its folder.
    fn delete_log(&self, name: &str) -> Result<(), StorageError>;
}

/// The only writer of an append log. After an error it takes no more writes ([`StorageError::Poisoned`]):
/// nobody knows what reached the disk, and a later sync that succeeds would prove nothing about the earlier
/// bytes. Dropping it does not flush.
pub trait LogWriter: Send + Debug {
    /// Adds bytes at the end, possibly only in this process's memory.
    ///
    /// # Errors
    /// Nothing of them may be in the log then, a part or all, and what is there may survive a loss of power. Who wants
    /// a log that begins with them or does not exist deletes it, and waits for that to be durable
    /// ([`Storage::sync_names`]).
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError>;

    /// Hands everything appended to the operating system: it survives the death of this process. Behind it there may
    /// be zeros then, which are gone when the writer is dropped.
    fn flush(&mut self) -> Result<(), StorageError>;

    /// Flushes and waits for the device: everything appended survives a loss of power.
    fn sync(&mut self) -> Result<(), StorageError>;

    /// How many bytes were appended.
    fn len(&self) -> u64;

    /// Whether nothing was appended.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A log open for reading, from its start to the end it had when opened (or later). Errors of reading come as
/// [`io::Error`], with the place in the message.
pub trait LogReader: io::Read + Send + Debug {
    /// How many bytes the log had when it was opened.
    fn len(&self) -> u64;

    /// Whether the log had no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
