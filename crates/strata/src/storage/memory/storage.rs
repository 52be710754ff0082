//! The memory storage, the traits it implements and the faults a test may ask of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::faults::{Effect, FaultPlan, Random, SYNC_DIRECTORY};
use super::file::{MemoryBlob, MemoryBlobWriter};
use super::log::{MemoryLogReader, MemoryLogWriter};
use super::state::{State, Stored, describe};
use crate::storage::name::{check_name, folder_of};
use crate::storage::{
    Blob, BlobEntry, BlobWriter, LogReader, LogStorage, LogWriter, Storage, StorageError, StorageLock,
};

/// Blobs and logs in memory, for tests and for databases that need not last. Clones are handles to the same
/// storage. It remembers what a device would have kept, so that [`crash`](MemoryStorage::crash) can tell what
/// a loss of power leaves, and it fails on demand.
///
/// ```
/// use stroma_strata::storage::{LogStorage, MemoryStorage, Storage};
/// # fn main() -> Result<(), stroma_strata::storage::StorageError> {
/// let storage = MemoryStorage::new();
/// let mut log = storage.create_log("logs/1")?;
/// log.append(b"kept")?;
/// log.sync()?;
/// log.append(b" perhaps")?;
/// log.flush()?;
/// let after = storage.crash(7);
/// let bytes = after.contents("logs/1").unwrap_or_default();
/// assert!(bytes.starts_with(b"kept") && b"kept perhaps".starts_with(&bytes));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct MemoryStorage {
    pub(super) shared: Arc<Shared>,
}

/// What the handles, writers and readers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    locked: AtomicBool,
}

impl Default for MemoryStorage {
    fn default() -> Self {
        MemoryStorage::new()
    }
}

impl MemoryStorage {
    /// An empty storage that never fails.
    pub fn new() -> MemoryStorage {
        MemoryStorage::from_state(State::new(0))
    }

    pub(super) fn from_state(state: State) -> MemoryStorage {
        let shared = Shared { state: Mutex::new(state), locked: AtomicBool::new(false) };
        MemoryStorage { shared: Arc::new(shared) }
    }

    /// How many operations were tried; each step of a real device that can fail counts as one.
    pub fn operations(&self) -> u64 {
        self.shared.state.lock().faults.operations
    }

    /// How many operations a fault struck; want of space is not counted.
    pub fn faults_struck(&self) -> u64 {
        self.shared.state.lock().faults.struck
    }

    /// Lets `operations` more operations succeed and all later ones fail, as a dead device would. A failing
    /// write may have had a part of its effect (`seed` decides which).
    pub fn fail_after(&self, operations: u64, seed: u64) {
        let faults = &mut self.shared.state.lock().faults;
        faults.fail_from = Some(faults.operations + operations);
        faults.fail_once = false;
        faults.random = Random::new(seed);
    }

    /// Lets `operations` more operations succeed and the one after them fail.
    pub fn fail_once_after(&self, operations: u64, seed: u64) {
        self.fail_after(operations, seed);
        self.shared.state.lock().faults.fail_once = true;
    }

    /// Lets each fault of `plan` strike its operation; takes the place of an earlier plan.
    pub fn plan(&self, plan: FaultPlan) {
        self.shared.state.lock().faults.plan = plan;
    }

    /// Makes reads of the blob `name` fail, also through blobs that are open; mapped memory is not offered
    /// for blobs opened from now on.
    pub fn fail_reads_of(&self, name: &str) {
        self.shared.state.lock().faults.unreadable.push(name.to_owned());
    }

    /// Ends all faults but the capacity.
    pub fn heal(&self) {
        let faults = &mut self.shared.state.lock().faults;
        faults.fail_from = None;
        faults.unreadable.clear();
        faults.plan = FaultPlan::new();
    }

    /// How many bytes fit from now on, blobs and logs together; a write past that fails with
    /// [`StorageError::Full`]. `None` for no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.shared.state.lock().faults.capacity = bytes;
    }

    /// Bytes in blobs and logs, unsealed ones too.
    pub fn used_bytes(&self) -> u64 {
        self.shared.state.lock().used_bytes()
    }

    /// Whether blobs opened from now on offer [`Blob::mapped`] (they do unless told otherwise).
    pub fn set_mapped(&self, mapped: bool) {
        self.shared.state.lock().faults.mapped = mapped;
    }

    /// The bytes of a blob, or of a log as the operating system sees it.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.shared.state.lock();
        let blob = state.blobs.get(name).map(|stored| stored.bytes.to_vec());
        blob.or_else(|| state.logs.get(name).map(|log| log.bytes.clone()))
    }

    /// Puts other bytes in the place of a blob or log, as a faulty device or a person might. Blobs that are
    /// open keep the old bytes. A log keeps its synced length where it is not cut below it.
    pub fn replace(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.shared.state.lock();
        if let Some(log) = state.logs.get_mut(name) {
            log.synced = log.synced.min(bytes.len());
            log.bytes = bytes;
        } else {
            state.blobs.insert(name.to_owned(), Stored { bytes: Arc::new(bytes), durable: true });
        }
    }

    /// Flips one bit of a blob or log (bit 0 is the lowest of the first byte); false if there is no such bit.
    pub fn flip_bit(&self, name: &str, bit: u64) -> bool {
        let Some(mut bytes) = self.contents(name) else { return false };
        let Some(byte) = bytes.get_mut((bit / 8) as usize) else { return false };
        *byte ^= 1 << (bit % 8);
        self.replace(name, bytes);
        true
    }

    fn list_from(&self, folder: &str, logs: bool) -> Result<Vec<BlobEntry>, StorageError> {
        if !folder.is_empty() {
            check_name(folder)?;
        }
        let mut state = self.shared.state.lock();
        state.operation("list", folder)?;
        let entry = |name: &String, bytes: usize| BlobEntry { name: name.clone(), bytes: bytes as u64 };
        let mut found: Vec<BlobEntry> = if logs {
            state.logs.iter().map(|(name, log)| entry(name, log.bytes.len())).collect()
        } else {
            state.blobs.iter().map(|(name, stored)| entry(name, stored.bytes.len())).collect()
        };
        found.retain(|entry| folder_of(&entry.name) == folder);
        Ok(found)
    }
}

impl Storage for MemoryStorage {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, StorageError> {
        check_name(name)?;
        self.shared.state.lock().operation("create", name)?;
        Ok(Box::new(MemoryBlobWriter::new(self.shared.clone(), name)))
    }

    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        check_name(name)?;
        let mut state = self.shared.state.lock();
        state.operation("write", name).map_err(StorageError::before_publishing)?;
        state.reserve("write", name, bytes.len() as u64)?;
        state.publish(name, bytes.to_vec())
    }

    fn open(&self, name: &str) -> Result<Arc<dyn Blob>, StorageError> {
        check_name(name)?;
        let mut state = self.shared.state.lock();
        state.operation("open", name)?;
        let Some(stored) = state.blobs.get(name) else {
            return Err(StorageError::NotFound { place: describe(name) });
        };
        let mapped = state.faults.mapped && !state.faults.unreadable.iter().any(|other| other == name);
        Ok(Arc::new(MemoryBlob::new(self.shared.clone(), name, stored.bytes.clone(), mapped)))
    }

    fn list(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        self.list_from(folder, false)
    }

    fn sync_names(&self, folder: &str) -> Result<(), StorageError> {
        let mut state = self.shared.state.lock();
        if state.operation(SYNC_DIRECTORY, folder)? != Effect::NotDone {
            state.sync_folder(folder);
        }
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        check_name(name)?;
        let mut state = self.shared.state.lock();
        state.operation("delete", name)?;
        if let Some(stored) = state.blobs.remove(name)
            && stored.durable
        {
            state.deleted_blobs.insert(name.to_owned(), stored.bytes);
        }
        Ok(())
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        self.shared.state.lock().operation("lock", "")?;
        if self.shared.locked.swap(true, Ordering::AcqRel) {
            let holder = Some(std::process::id());
            return Err(StorageError::Locked { place: describe(""), holder });
        }
        Ok(Box::new(MemoryLock { shared: self.shared.clone() }))
    }

    fn describe(&self, name: &str) -> String {
        describe(name)
    }
}

impl LogStorage for MemoryStorage {
    fn create_log(&self, name: &str) -> Result<Box<dyn LogWriter>, StorageError> {
        check_name(name)?;
        let mut state = self.shared.state.lock();
        state.operation("create the log", name)?;
        if state.logs.contains_key(name) || state.blobs.contains_key(name) {
            return Err(StorageError::AlreadyExists { place: describe(name) });
        }
        state.logs.insert(name.to_owned(), Default::default());
        if state.operation(SYNC_DIRECTORY, name)? != Effect::NotDone {
            state.sync_folder(folder_of(name));
        }
        Ok(Box::new(MemoryLogWriter::new(self.shared.clone(), name)))
    }

    fn read_log(&self, name: &str) -> Result<Box<dyn LogReader>, StorageError> {
        check_name(name)?;
        let mut state = self.shared.state.lock();
        state.operation("open", name)?;
        match state.logs.get(name) {
            Some(log) => Ok(Box::new(MemoryLogReader::new(self.shared.clone(), name, log.bytes.clone()))),
            None => Err(StorageError::NotFound { place: describe(name) }),
        }
    }

    fn list_logs(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        self.list_from(folder, true)
    }

    fn delete_log(&self, name: &str) -> Result<(), StorageError> {
        check_name(name)?;
        let mut state = self.shared.state.lock();
        state.operation("delete", name)?;
        if let Some(log) = state.logs.remove(name) {
            state.deleted_logs.insert(name.to_owned(), log);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryLock {
    shared: Arc<Shared>,
}

impl StorageLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.shared.locked.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::conformance;

    #[test]
    fn conforms() {
        conformance::run(|| Arc::new(MemoryStorage::new()));
    }

    #[test]
    fn a_full_disk_publishes_nothing_and_keeps_what_was_there() {
        let storage = MemoryStorage::new();
        storage.put_if_absent("a", &[1; 60]).unwrap();
        storage.set_capacity(Some(100));
        let error = storage.put_if_absent("b", &[2; 60]).unwrap_err();
        assert!(error.published_nothing(), "{error}");
        let mut writer = storage.create("c").unwrap();
        writer.write_all(&[3; 40]).unwrap();
        assert!(matches!(writer.write_all(&[3; 1]), Err(StorageError::Full { .. })));
        drop(writer);
        assert_eq!(storage.used_bytes(), 60);
        storage.put_if_absent("d", &[4; 40]).unwrap();
        assert_eq!(storage.list("").unwrap().len(), 2);
    }

    #[test]
    fn faults_come_when_asked_and_go_when_healed() {
        let storage = MemoryStorage::new();
        storage.put_if_absent("a", b"x").unwrap();
        storage.fail_once_after(1, 0);
        storage.list("").unwrap();
        assert!(storage.list("").is_err());
        storage.list("").unwrap();
        storage.fail_after(0, 0);
        assert!(storage.list("").is_err() && storage.open("a").is_err());
        storage.heal();
        let blob = storage.open("a").unwrap();
        storage.fail_reads_of("a");
        assert!(blob.read_all().is_err());
        assert!(storage.open("a").unwrap().mapped().is_none());
        assert!(storage.flip_bit("a", 0) && !storage.flip_bit("a", 8));
        assert_eq!(storage.contents("a").unwrap(), b"y");
    }
}
