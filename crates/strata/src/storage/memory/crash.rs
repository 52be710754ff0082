//! What is left of a memory storage when the process dies or the power goes.

use std::collections::BTreeMap;

use super::state::{Random, State, Stored, StoredLog};
use super::storage::MemoryStorage;

/// The unit in which a device writes.
const SECTOR_BYTES: usize = 512;

impl MemoryStorage {
    /// What a new process finds after this one was killed: everything handed to the operating system.
    pub fn kill(&self) -> MemoryStorage {
        let state = self.shared.state.lock();
        let mut left = State::new(0);
        left.blobs = state.blobs.clone();
        left.logs = state.logs.clone();
        left.deleted_blobs = state.deleted_blobs.clone();
        left.deleted_logs = state.deleted_logs.clone();
        MemoryStorage::from_state(left)
    }

    /// What a new process finds after a loss of power. Durable blobs are there, unsealed ones are not; blobs
    /// whose publishing failed half way, and deletions, may or may not have reached the device; each log is
    /// cut at some point after its last sync. `seed` decides; this storage goes on as it is.
    pub fn crash(&self, seed: u64) -> MemoryStorage {
        self.image(seed, false)
    }

    /// As [`crash`](MemoryStorage::crash), but the device also wrote out of order: of the unsynced part of a
    /// log whole sectors (512 bytes) may be missing and read as zeros, though later ones are there.
    pub fn crash_torn(&self, seed: u64) -> MemoryStorage {
        self.image(seed, true)
    }

    fn image(&self, seed: u64, torn: bool) -> MemoryStorage {
        let state = self.shared.state.lock();
        let mut random = Random::new(seed);
        let mut left = State::new(seed);
        for (name, stored) in &state.blobs {
            if stored.durable || random.below(2) == 1 {
                left.blobs.insert(name.clone(), Stored { bytes: stored.bytes.clone(), durable: true });
            }
        }
        for (name, bytes) in &state.deleted_blobs {
            if !left.blobs.contains_key(name) && random.below(2) == 1 {
                left.blobs.insert(name.clone(), Stored { bytes: bytes.clone(), durable: true });
            }
        }
        left.logs = surviving_logs(&state, &mut random, torn);
        MemoryStorage::from_state(left)
    }
}

fn surviving_logs(state: &State, random: &mut Random, torn: bool) -> BTreeMap<String, StoredLog> {
    let mut logs = BTreeMap::new();
    for (name, log) in &state.logs {
        logs.insert(name.clone(), cut(log, random, torn));
    }
    for (name, log) in &state.deleted_logs {
        if !logs.contains_key(name) && random.below(2) == 1 {
            logs.insert(name.clone(), cut(log, random, torn));
        }
    }
    logs
}

fn cut(log: &StoredLog, random: &mut Random, torn: bool) -> StoredLog {
    let unsynced = log.bytes.len() - log.synced;
    let length = log.synced + random.below(unsynced as u64 + 1) as usize;
    let mut bytes = log.bytes[..length].to_vec();
    if torn {
        let mut start = log.synced;
        while start < length {
            let end = ((start / SECTOR_BYTES + 1) * SECTOR_BYTES).min(length);
            if random.below(4) == 0 {
                bytes[start..end].fill(0);
            }
            start = end;
        }
    }
    StoredLog { synced: bytes.len(), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{LogStorage as _, Storage as _};

    #[test]
    fn a_crash_keeps_what_was_synced_and_no_unsealed_blob() {
        let storage = MemoryStorage::new();
        storage.put_if_absent("layers/1", b"kept").unwrap();
        let mut unsealed = storage.create("layers/2").unwrap();
        unsealed.write_all(b"lost").unwrap();
        let mut log = storage.create_log("logs/1").unwrap();
        log.append(&[1; 2000]).unwrap();
        log.sync().unwrap();
        log.append(&[2; 2000]).unwrap();
        log.flush().unwrap();
        log.append(&[3; 2000]).unwrap();
        let mut lengths = std::collections::BTreeSet::new();
        let mut torn_seen = false;
        for seed in 0..32 {
            let after = storage.crash(seed);
            assert_eq!(after.list("layers").unwrap().len(), 1);
            let bytes = after.contents("logs/1").unwrap();
            assert!((2000..=4000).contains(&bytes.len()));
            assert!(bytes[2000..].iter().all(|byte| *byte == 2));
            lengths.insert(bytes.len());
            let torn = storage.crash_torn(seed).contents("logs/1").unwrap();
            assert!(torn[..2000].iter().all(|byte| *byte == 1));
            torn_seen |= torn[2000..].contains(&0);
        }
        assert!(lengths.len() > 10 && torn_seen);
        assert_eq!(storage.kill().contents("logs/1").unwrap().len(), 4000);
    }

    #[test]
    fn a_deleted_blob_may_come_back_until_its_folder_is_synced() {
        let storage = MemoryStorage::new();
        storage.put_if_absent("a/1", b"x").unwrap();
        storage.delete("a/1").unwrap();
        let back = (0..32).filter(|seed| storage.crash(*seed).contents("a/1").is_some()).count();
        assert!((1..32).contains(&back));
        storage.put_if_absent("a/2", b"y").unwrap();
        assert!((0..32).all(|seed| storage.crash(seed).contents("a/1").is_none()));
    }

    #[test]
    fn a_blob_whose_publishing_failed_is_there_wholly_or_not_at_all() {
        let mut outcomes = std::collections::BTreeSet::new();
        for operations in 0..3 {
            for seed in 0..16 {
                let storage = MemoryStorage::new();
                storage.fail_after(operations, seed);
                storage.put_if_absent("a/1", b"bytes").unwrap_err();
                let left = storage.crash(seed).contents("a/1");
                assert!(left.as_ref().is_none_or(|bytes| bytes == b"bytes"));
                outcomes.insert((operations, left.is_some()));
            }
        }
        // Before the name is given it is certainly not there; afterwards nobody knows.
        assert_eq!(outcomes.len(), 5);
    }
}
