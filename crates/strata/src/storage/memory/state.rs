//! What a memory storage holds and which faults are due: everything here is under its one lock.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

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
}

/// Which operations are to fail.
#[derive(Debug)]
pub(super) struct Faults {
    /// How many operations were tried.
    pub(super) operations: u64,
    /// The count of operations from which on they fail.
    pub(super) fail_from: Option<u64>,
    /// Whether only one fails.
    pub(super) fail_once: bool,
    /// How many bytes fit.
    pub(super) capacity: Option<u64>,
    /// Blobs whose reads fail.
    pub(super) unreadable: Vec<String>,
    /// Whether blobs offer their bytes as mapped memory.
    pub(super) mapped: bool,
    /// Decides how far an operation got that fails half way.
    pub(super) random: Random,
}

impl State {
    pub(super) fn new(seed: u64) -> State {
        State {
            blobs: BTreeMap::new(),
            logs: BTreeMap::new(),
            deleted_blobs: BTreeMap::new(),
            deleted_logs: BTreeMap::new(),
            unsealed_bytes: 0,
            faults: Faults {
                operations: 0,
                fail_from: None,
                fail_once: false,
                capacity: None,
                unreadable: Vec::new(),
                mapped: true,
                random: Random::new(seed),
            },
        }
    }

    /// Counts an operation; an error if it is one that has to fail.
    pub(super) fn operation(&mut self, action: &'static str, name: &str) -> Result<(), StorageError> {
        let faults = &mut self.faults;
        faults.operations += 1;
        if faults.fail_from.is_none_or(|from| faults.operations <= from) {
            return Ok(());
        }
        if faults.fail_once {
            faults.fail_from = None;
        }
        let source = Arc::new(io::Error::other("a fault was injected"));
        Err(StorageError::Io { place: describe(name), action, source })
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
    pub(super) fn sync_folder_of(&mut self, name: &str) {
        let folder = folder_of(name);
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
            // The caller hears of a failure, but the name may be there all the same.
            if self.faults.random.below(2) == 1 {
                self.blobs.insert(name.to_owned(), stored);
            }
            return Err(error);
        }
        self.blobs.insert(name.to_owned(), stored);
        self.operation("sync the directory of", name)?;
        self.sync_folder_of(name);
        Ok(())
    }
}

pub(super) fn describe(name: &str) -> String {
    format!("memory:{name}")
}

/// A small seeded generator (SplitMix64), so that every fault can be repeated.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`; zero for a bound of zero.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }
}
