//! What a memory storage holds and which faults are due: everything here is under its one lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::faults::{Effect, Faults, SYNC_DIRECTORY};
use super::moment::Watched;
use crate::storage::StorageError;
use crate::storage::name::folder_of;

/// A published blob.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) bytes: Arc<Vec<u8>>,
    /// Whether its name survives a loss of power.
    pub(super) durable: bool,
}

/// A log, as the operating system sees it.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredLog {
    /// What was handed to the operating system.
    pub(super) bytes: Vec<u8>,
    /// How much of it is on the device.
    pub(super) synced: usize,
}

/// Everything, under one lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) blobs: BTreeMap<String, Stored>,
    pub(super) logs: BTreeMap<String, StoredLog>,
    /// Deleted, but the deletion is not on the device: a crash may bring these back.
    pub(super) deleted_blobs: BTreeMap<String, Arc<Vec<u8>>>,
    /// As `deleted_blobs`, for logs.
    pub(super) deleted_logs: BTreeMap<String, StoredLog>,
    /// Bytes of blobs that are being written.
    pub(super) unsealed_bytes: u64,
    pub(super) faults: Faults,
    pub(super) watched: Watched,
}

impl State {
    pub(super) fn new(seed: u64) -> State {
        State {
            blobs: BTreeMap::new(),
            logs: BTreeMap::new(),
            deleted_blobs: BTreeMap::new(),
            deleted_logs: BTreeMap::new(),
            unsealed_bytes: 0,
            faults: Faults::new(seed),
            watched: Watched::default(),
        }
    }

    /// Counts an operation; an error if it is one that has to fail, else what is to happen to it.
    pub(super) fn operation(&mut self, action: &'static str, name: &str) -> Result<Effect, StorageError> {
        let number = self.faults.operations;
        if self.watched.wants(number, action) {
            let moment = self.clone_stored();
            self.watched.keep(number, action, name, moment);
        }
        self.faults.decide(action, || describe(name))
    }

    /// What is stored, with what of it is durable, and no faults.
    pub(super) fn clone_stored(&self) -> State {
        let mut clone = State::new(0);
        clone.blobs = self.blobs.clone();
        clone.logs = self.logs.clone();
        clone.deleted_blobs = self.deleted_blobs.clone();
        clone.deleted_logs = self.deleted_logs.clone();
        clone
    }

    /// An error if `more` bytes do not fit.
    pub(super) fn reserve(&self, action: &'static str, name: &str, more: u64) -> Result<(), StorageError> {
        let fits = self.faults.capacity.is_none_or(|capacity| self.used_bytes() + more <= capacity);
        if fits { Ok(()) } else { Err(StorageError::Full { place: describe(name), action }) }
    }

    pub(super) fn used_bytes(&self) -> u64 {
        let blobs: usize = self.blobs.values().map(|stored| stored.bytes.len()).sum();
        let logs: usize = self.logs.values().map(|log| log.bytes.len()).sum();
        (blobs + logs) as u64 + self.unsealed_bytes
    }

    /// Syncing a directory makes all of its names durable, and its deletions too.
    pub(super) fn sync_folder(&mut self, folder: &str) {
        for (_, stored) in self.blobs.iter_mut().filter(|(other, _)| folder_of(other) == folder) {
            stored.durable = true;
        }
        self.deleted_blobs.retain(|other, _| folder_of(other) != folder);
        self.deleted_logs.retain(|other, _| folder_of(other) != folder);
    }

    /// Publishes a blob in the two steps of a real device: name it, then sync the directory.
    pub(super) fn publish(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), StorageError> {
        if self.blobs.contains_key(name) || self.logs.contains_key(name) {
            return Err(StorageError::AlreadyExists { place: describe(name) });
        }
        let stored = Stored { bytes: Arc::new(bytes), durable: false };
        if let Err(error) = self.operation("publish", name) {
            // The caller hears of a failure, but the name may be there all the same, unless the error says not.
            if !error.published_nothing() && self.faults.random.below(2) == 1 {
                self.blobs.insert(name.to_owned(), stored);
            }
            return Err(error);
        }
        self.blobs.insert(name.to_owned(), stored);
        if self.operation(SYNC_DIRECTORY, name)? != Effect::NotDone {
            self.sync_folder(folder_of(name));
        }
        Ok(())
    }
}

pub(super) fn describe(name: &str) -> String {
    format!("memory:{name}")
}
