//! What a life does now and then beside commits and plain reads: streams, ingestions, checkpoints and backups.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use stroma_lsm::{Backups, Database, Durability, Error};
use stroma_strata::storage::MemoryStorage;

use crate::life::{Life, Tolerance};
use crate::model::{Bytes, Change, State, key_of};
use crate::random::fill;

/// A backup, and what it has to hold.
pub(crate) struct Backup {
    number: u64,
    state: State,
}

/// Where a life puts its backups, and those it has made.
pub(crate) struct Archive {
    storage: MemoryStorage,
    backups: Vec<Backup>,
}

impl Archive {
    pub(crate) fn new() -> Archive {
        Archive { storage: MemoryStorage::new(), backups: Vec::new() }
    }
}

impl Life<'_> {
    /// A value of a few pieces, longer than the smallest memory, comes as a stream.
    pub(crate) fn put_stream(&mut self) {
        let (name, key) = (self.name(), self.key());
        let mut value = vec![0; (60 << 10) + self.choices.below(80 << 10) as usize];
        fill(&mut value, self.choices.next());
        let Some(handle) = self.handle(name) else { return };
        let change = Change::Put { name, key, value: Bytes::from(value.clone()) };
        let next = self.after(std::slice::from_ref(&change));
        let (durability, outcome) = if self.choices.below(2) == 0 {
            (self.setting.options.durability, handle.put_stream(key_of(key), value.as_slice()))
        } else {
            let durability = Durability::Buffered;
            let mut batch = self.database.batch();
            let streamed = batch.put_stream(&handle, key_of(key), value.as_slice()).map(drop);
            (durability, streamed.and_then(|()| batch.commit_with(durability)))
        };
        self.settle(outcome, next, durability);
    }

    /// Sorted entries become tables at once.
    pub(crate) fn ingest(&mut self) {
        let name = self.name();
        let mut entries: BTreeMap<Vec<u8>, (u8, Bytes)> = BTreeMap::new();
        for _ in 0..1 + self.choices.below(30) {
            let (key, value) = (self.key(), self.unique());
            entries.insert(key_of(key), (key, value));
        }
        let Some(handle) = self.handle(name) else { return };
        let changes: Vec<Change> = entries
            .values()
            .map(|(key, value)| Change::Put { name, key: *key, value: value.clone() })
            .collect();
        let next = self.after(&changes);
        let outcome = handle.ingest().and_then(|mut ingestion| {
            for (key, (_, value)) in &entries {
                ingestion.add(key, value)?;
            }
            ingestion.finish()
        });
        self.settle(outcome, next, Durability::Synced);
    }

    /// Reads a value a part at a time.
    pub(crate) fn read_stream(&mut self) {
        let (name, key) = (self.name(), self.key());
        let Some(handle) = self.handle(name) else { return };
        let reader = handle.reader(key_of(key));
        let Some(reader) = self.permit(reader, "opening a stream") else { return };
        let wanted = self.present().get(name, key);
        let Some(mut reader) = reader else {
            assert!(wanted.is_none(), "{name} {key} is gone");
            return;
        };
        let mut found = Vec::new();
        let outcome = reader.read_to_end(&mut found);
        match outcome {
            Ok(_) => {
                let found = self.setting.rules.settled(name, &found);
                assert_eq!(found, wanted, "{name} {key} as a stream");
            }
            Err(error) => assert!(self.tolerance != Tolerance::Nothing, "a stream failed: {error}"),
        }
    }

    /// A copy holds what is there, by itself.
    pub(crate) fn checkpoint(&mut self) {
        let copy = MemoryStorage::new();
        let outcome = self.database.checkpoint_into(&copy);
        if self.permit(outcome, "a checkpoint").is_some() {
            let present = self.present();
            self.open_copy(&copy, &present, "a checkpoint");
        }
    }

    /// Makes a backup, restores one, or deletes one.
    pub(crate) fn back_up(&mut self, archive: &mut Archive) {
        let backups = Backups::open_storage(Arc::new(archive.storage.clone()));
        let backups = match &self.setting.options.encryption {
            Some(keys) => backups.with_encryption(keys.clone()),
            None => backups,
        };
        let made = archive.backups.len() as u64;
        match self.choices.below(4) {
            0 if made > 0 => {
                let backup = &archive.backups[self.choices.below(made) as usize];
                let copy = MemoryStorage::new();
                // The archive is on another device, which is well; what it holds may not be.
                let restored = backups.restore_into(backup.number, &copy);
                if self.permit(restored, "restoring a backup").is_some() {
                    let wanted = backup.state.alive(self.setting.now());
                    self.open_copy(&copy, &wanted, "a backup");
                }
            }
            1 if made > 2 => {
                let gone = archive.backups.swap_remove(self.choices.below(made) as usize);
                backups.delete(gone.number).expect("a backup that was made");
            }
            _ => {
                let outcome = self.database.back_up(&backups);
                if let Some(report) = self.permit(outcome, "a backup") {
                    let state = self.told.present().clone();
                    archive.backups.push(Backup { number: report.number, state });
                }
            }
        }
    }

    pub(crate) fn open_copy(&mut self, copy: &MemoryStorage, wanted: &State, what: &str) {
        let opened = Database::open_storage(Arc::new(copy.clone()), self.setting.options.clone());
        self.compare_copy(opened, wanted, what);
    }

    /// Compares all that a copy holds; answers it if it could be read.
    pub(crate) fn compare_copy(
        &mut self,
        opened: Result<Database, Error>,
        wanted: &State,
        what: &str,
    ) -> Option<Database> {
        let rules = self.setting.rules;
        let found = opened.and_then(|copy| Ok((State::of(&copy, rules)?, copy.check(), copy)));
        // What was read wrongly while it was copied is found, here at the latest.
        let (found, report, copy) = self.permit(found, what)?;
        let is_well = found == *wanted && report.is_sound();
        assert!(
            is_well || self.tolerance == Tolerance::Damage,
            "{what} differs: {}, {report:?}",
            found.difference(wanted)
        );
        is_well.then_some(copy)
    }
}
