//! The value files of a database: making, finding and clearing them away.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use stroma_strata::encryption::Encryption;
use stroma_strata::storage::{Storage, StorageError};

use super::file::ValueFile;
use super::format::identity;
use super::writer::ValueFileWriter;
use crate::Error;
use crate::entry::Sequence;

/// The folder of value files.
const FOLDER: &str = "values";
/// Files that one opening of the database may write before their numbers would run into the next one's.
const FILES_PER_EPOCH: u64 = 10_000_000_000;

/// The name of the blob of file `number`: `values/` and the number in 20 digits.
pub(crate) fn blob_name(number: u64) -> String {
    format!("{FOLDER}/{number:020}")
}

/// What the value files come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ValueStatistics {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    pub(crate) live_bytes: u64,
    /// Since the database was opened.
    pub(crate) written_bytes: u64,
}

/// See the module. The lock is held while a file is opened, so that there is one [`ValueFile`] for each.
#[derive(Debug)]
pub(crate) struct ValueStore {
    storage: Arc<dyn Storage>,
    encryption: Option<Encryption>,
    /// Files of other keys than the present one are emptied by merges, too.
    rotating: AtomicBool,
    next_number: AtomicU64,
    written_bytes: AtomicU64,
    files: Mutex<Files>,
    streamed: Mutex<BTreeMap<u64, Streamed>>,
}

#[derive(Debug, Default)]
struct Files {
    open: HashMap<u64, Weak<ValueFile>>,
    /// Swept when there are this many, so that the sweep costs constant time a file.
    sweep_at: usize,
    /// Sealed and not yet opened: they go again if no table or commit comes to refer to them.
    new: BTreeSet<u64>,
}

/// A file that a commit refers to which is not yet in tables.
#[derive(Debug)]
struct Streamed {
    file: Arc<ValueFile>,
    live_bytes: u64,
    /// That of the commit; the largest until it is known.
    sequence: Sequence,
}

impl ValueStore {
    /// The value files in `storage`. [`ValueStore::start_epoch`] comes before the first is written.
    pub(crate) fn new(storage: Arc<dyn Storage>, encryption: Option<Encryption>) -> Self {
        ValueStore {
            storage,
            encryption,
            rotating: AtomicBool::new(false),
            next_number: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
            files: Mutex::default(),
            streamed: Mutex::default(),
        }
    }

    /// Gives files numbers that no earlier opening gave. Each opening that changed the manifest has an epoch of its
    /// own; one that did not may have left files behind.
    ///
    /// # Errors
    /// Failure of the storage.
    pub(crate) fn start_epoch(&self, epoch: u64) -> Result<(), Error> {
        let left = self.storage.list(FOLDER)?.iter().filter_map(|entry| number_of(&entry.name)).max();
        let first = epoch.saturating_mul(FILES_PER_EPOCH).max(left.map_or(0, |number| number + 1));
        self.next_number.store(first, Ordering::Release);
        Ok(())
    }

    /// Starts a file.
    ///
    /// # Errors
    /// Failure of the storage.
    pub(super) fn create(&self) -> Result<ValueFileWriter, Error> {
        let number = self.next_number.fetch_add(1, Ordering::AcqRel);
        let name = blob_name(number);
        let place = || self.storage.describe(&name);
        let key = crate::encryption::new_file_key(self.encryption.as_ref(), identity(number), place)?;
        ValueFileWriter::new(self.storage.create(&name)?, number, key)
    }

    /// Seals a file. Whoever opens it first keeps it alive.
    ///
    /// # Errors
    /// Failure of the storage; the file is not there then.
    pub(super) fn seal(&self, writer: ValueFileWriter) -> Result<u64, Error> {
        let number = writer.file();
        self.files.lock().new.insert(number);
        match writer.seal() {
            Ok(bytes) => {
                self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
                Ok(number)
            }
            Err(error) => {
                self.files.lock().new.remove(&number);
                // It may have its name all the same. What cannot be deleted now goes when the database is opened next.
                let _ = self.storage.delete(&blob_name(number));
                Err(error)
            }
        }
    }

    /// From now on, or no longer, merges that come by move what lies in files of other keys than the present one.
    pub(crate) fn set_rotating(&self, rotating: bool) {
        self.rotating.store(rotating, Ordering::Release);
    }

    /// Whether what a merge finds in `file` is to be moved.
    pub(super) fn is_to_be_emptied(&self, file: &ValueFile) -> bool {
        file.is_mostly_dead()
            || (self.rotating.load(Ordering::Acquire)
                && !crate::encryption::has_current_key(self.encryption.as_ref(), file.key_id()))
    }

    /// Deletes a sealed file that nobody has opened.
    pub(super) fn discard(&self, number: u64) {
        if self.files.lock().new.remove(&number) {
            // What cannot be deleted now goes when the database is opened next.
            let _ = self.storage.delete(&blob_name(number));
        }
    }

    /// A file that is in use, if it still is: whoever finds it gone looks its reference up anew.
    pub(crate) fn find(&self, number: u64) -> Option<Arc<ValueFile>> {
        self.files.lock().open.get(&number).and_then(Weak::upgrade)
    }

    /// A file that must be there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is missing or damaged.
    pub(crate) fn open(&self, number: u64) -> Result<Arc<ValueFile>, Error> {
        let mut files = self.files.lock();
        if let Some(file) = files.open.get(&number).and_then(Weak::upgrade) {
            return Ok(file);
        }
        let name = blob_name(number);
        let place = self.storage.describe(&name);
        let blob = match self.storage.open(&name) {
            Err(StorageError::NotFound { .. }) => {
                return Err(Error::corrupt(&place, 0, "a value file that is referred to is missing"));
            }
            blob => blob?,
        };
        let is_new = files.new.contains(&number);
        let file =
            Arc::new(ValueFile::open(blob, Some(self.storage.clone()), is_new, self.encryption.as_ref())?);
        if file.number() != number {
            return Err(Error::corrupt(&place, 0, "it is another value file than its name says"));
        }
        files.new.remove(&number);
        if files.open.len() >= files.sweep_at {
            files.open.retain(|_, file| file.strong_count() > 0);
            files.sweep_at = (2 * files.open.len()).max(64);
        }
        files.open.insert(number, Arc::downgrade(&file));
        Ok(file)
    }

    /// Keeps files for a commit that refers to them and is about to be made.
    pub(crate) fn keep_streamed(&self, files: &[(Arc<ValueFile>, u64)]) {
        let mut streamed = self.streamed.lock();
        for (file, live_bytes) in files {
            file.add_referrer(*live_bytes);
            let entry = Streamed { file: file.clone(), live_bytes: *live_bytes, sequence: Sequence::MAX };
            streamed.insert(file.number(), entry);
        }
    }

    /// The commit was made: once tables hold its sequence they keep the files.
    pub(crate) fn note_committed(&self, files: &[(Arc<ValueFile>, u64)], sequence: Sequence) {
        let mut streamed = self.streamed.lock();
        for (file, _) in files {
            if let Some(entry) = streamed.get_mut(&file.number()) {
                entry.sequence = sequence;
            }
        }
    }

    /// The commit was refused: nothing of it is in the log.
    pub(crate) fn release_refused(&self, files: &[(Arc<ValueFile>, u64)]) {
        for (file, _) in files {
            let entry = self.streamed.lock().remove(&file.number());
            release(entry);
        }
    }

    /// Tables hold every commit up to this sequence, and nobody looks for it elsewhere any more.
    pub(crate) fn release_flushed(&self, flushed_through: Sequence) {
        let mut streamed = self.streamed.lock();
        if streamed.is_empty() {
            return;
        }
        let (released, kept): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut *streamed)
            .into_iter()
            .partition(|(_, entry)| entry.sequence <= flushed_through);
        *streamed = kept;
        drop(streamed);
        released.into_values().for_each(|entry| release(Some(entry)));
    }

    /// The files in use.
    pub(crate) fn in_use(&self) -> Vec<Arc<ValueFile>> {
        let mut files: Vec<_> = self.files.lock().open.values().filter_map(Weak::upgrade).collect();
        files.sort_by_key(|file| file.number());
        files
    }

    pub(crate) fn statistics(&self) -> ValueStatistics {
        let files = self.in_use();
        ValueStatistics {
            files: files.len(),
            bytes: files.iter().map(|file| file.bytes()).sum(),
            live_bytes: files.iter().map(|file| file.live_bytes()).sum(),
            written_bytes: self.written_bytes.load(Ordering::Relaxed),
        }
    }

    /// Deletes files that nothing refers to, left by a crash; answers how many. Called once the log was replayed,
    /// before anybody writes.
    ///
    /// # Errors
    /// Failure of the storage.
    pub(crate) fn delete_orphans(&self) -> Result<usize, Error> {
        let files = self.files.lock();
        let mut deleted = 0;
        for entry in self.storage.list(FOLDER)? {
            let Some(number) = number_of(&entry.name) else { continue };
            if files.open.get(&number).is_none_or(|file| file.strong_count() == 0) {
                self.storage.delete(&entry.name)?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }
}

fn release(entry: Option<Streamed>) {
    if let Some(entry) = entry {
        entry.file.remove_referrer(entry.live_bytes);
    }
}

/// The number in a blob's name, if it is the name of a value file.
fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(FOLDER)?.strip_prefix('/')?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}
