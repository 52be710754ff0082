//! What is left of a memory storage when the process dies or the power goes.

use std::collections::BTreeMap;

use super::faults::Random;
use super::state::{State, Stored, StoredLog};
use super::storage::MemoryStorage;

/// How a device loses power: what becomes of the writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerLoss {
    /// Decides what survives.
    pub seed: u64,
    /// The unit in which the device writes, in bytes, such as 512 or 4096: of each unit everything that was written
    /// is kept, or nothing. 0 for a device that writes in order, byte by byte.
    pub sector_bytes: usize,
    /// Of ten sectors, as many are lost, each whichever others are: so the device wrote out of order. A lost sector
    /// reads as zeros.
    pub lost_tenths: u64,
}

impl PowerLoss {
    /// The device writes in order: of what was not synced, a beginning survives, which may end anywhere.
    pub fn in_order(seed: u64) -> PowerLoss {
        PowerLoss { seed, sector_bytes: 0, lost_tenths: 0 }
    }

    /// One of the ways in which devices lose power, chosen by the seed: in order or not, small sectors or large, few
    /// of them lost or most.
    pub fn any(seed: u64) -> PowerLoss {
        let mut random = Random::new(seed ^ 0x5EC7);
        let sector_bytes = [0, 512, 512, 4096][random.below(4) as usize];
        PowerLoss { seed, sector_bytes, lost_tenths: [1, 3, 5, 9][random.below(4) as usize] }
    }
}

impl MemoryStorage {
    /// What a new process finds after this one was killed: everything handed to the operating system.
    pub fn kill(&self) -> MemoryStorage {
        MemoryStorage::from_state(self.shared.state.lock().clone_stored())
    }

    /// What a new process finds after a loss of power. Durable blobs are there, unsealed ones are not; blobs
    /// whose publishing failed half way, and deletions, may or may not have reached the device; each log is
    /// cut at some point after its last sync. `seed` decides; this storage goes on as it is.
    pub fn crash(&self, seed: u64) -> MemoryStorage {
        self.lose_power(PowerLoss::in_order(seed))
    }

    /// As [`crash`](MemoryStorage::crash), but the device also wrote out of order: of the unsynced part of a
    /// log whole sectors (512 bytes) may be missing and read as zeros, though later ones are there.
    pub fn crash_torn(&self, seed: u64) -> MemoryStorage {
        self.lose_power(PowerLoss { seed, sector_bytes: 512, lost_tenths: 3 })
    }

    /// As [`crash`](MemoryStorage::crash), on a device that loses power as `loss` says.
    pub fn lose_power(&self, loss: PowerLoss) -> MemoryStorage {
        let state = self.shared.state.lock();
        let mut random = Random::new(loss.seed);
        let mut left = State::new(loss.seed);
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
        left.logs = surviving_logs(&state, &mut random, loss);
        MemoryStorage::from_state(left)
    }
}

fn surviving_logs(state: &State, random: &mut Random, loss: PowerLoss) -> BTreeMap<String, StoredLog> {
    let mut logs = BTreeMap::new();
    for (name, log) in &state.logs {
        logs.insert(name.clone(), cut(log, random, loss));
    }
    for (name, log) in &state.deleted_logs {
        if !logs.contains_key(name) && random.below(2) == 1 {
            logs.insert(name.clone(), cut(log, random, loss));
        }
    }
    logs
}

fn cut(log: &StoredLog, random: &mut Random, loss: PowerLoss) -> StoredLog {
    let unsynced = log.bytes.len() - log.synced;
    let length = log.synced + random.below(unsynced as u64 + 1) as usize;
    let mut bytes = log.bytes[..length].to_vec();
    let mut start = log.synced;
    while loss.sector_bytes > 0 && start < length {
        let end = ((start / loss.sector_bytes + 1) * loss.sector_bytes).min(length);
        if random.below(10) < loss.lost_tenths {
            bytes[start..end].fill(0);
        }
        start = end;
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
    fn any_sectors_of_what_was_not_synced_may_be_lost() {
        let storage = MemoryStorage::new();
        let mut log = storage.create_log("logs/1").unwrap();
        log.append(&[1; 5000]).unwrap();
        log.sync().unwrap();
        log.append(&[2; 12_000]).unwrap();
        log.flush().unwrap();
        let mut lost_in_the_middle = 0;
        for seed in 0..64 {
            let loss = PowerLoss { sector_bytes: 4096, ..PowerLoss::any(seed) };
            let bytes = storage.lose_power(loss).contents("logs/1").unwrap();
            assert!(bytes.len() >= 5000 && bytes[..5000].iter().all(|byte| *byte == 1));
            let sectors: Vec<&[u8]> = std::iter::once(&bytes[5000..bytes.len().min(8192)])
                .chain(bytes.chunks(4096).skip(2))
                .collect();
            let is_lost = |sector: &&[u8]| sector.first() == Some(&0);
            for sector in &sectors {
                assert!(sector.iter().all(|byte| *byte == if is_lost(sector) { 0 } else { 2 }));
            }
            let first_lost = sectors.iter().position(is_lost);
            let kept_behind = |at: usize| sectors[at..].iter().any(|sector| sector.first() == Some(&2));
            lost_in_the_middle += u32::from(first_lost.is_some_and(kept_behind));
        }
        assert!(lost_in_the_middle > 5, "{lost_in_the_middle}");
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
    fn a_name_that_a_killed_process_gave_is_durable_once_its_folder_is_synced() {
        let storage = MemoryStorage::new();
        storage.fail_after(2, 0);
        storage.put_if_absent("a/1", b"x").unwrap_err();
        let next = storage.kill();
        assert!(next.contents("a/1").is_some());
        let lost = |seed: &u64| next.crash(*seed).contents("a/1").is_none();
        assert!((0..32).any(|seed| lost(&seed)));
        next.sync_names("b").unwrap();
        assert!((0..32).any(|seed| lost(&seed)));
        next.sync_names("a").unwrap();
        assert!(!(0..32).any(|seed| lost(&seed)));
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
