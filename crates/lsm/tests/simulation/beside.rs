//! Who looks at a life's database from beside: readers that follow it, exports of it into one file, and repairs of what
//! a kill leaves.

use std::sync::Arc;

use stroma_lsm::{Database, Error, Keyspace, Snapshot};
use stroma_strata::storage::{MemoryStorage, PackedStorage, PackedWriter, Storage as _};

use crate::life::{Life, Tolerance};
use crate::model::State;
use crate::setting::one_of;

/// A reader beside the writer, and the state of the model that it has seen at least.
pub(crate) struct Follower {
    database: Database,
    least: usize,
    /// What an earlier moment of it showed, which does not change.
    before: Option<Earlier>,
}

/// An earlier moment of a reader.
type Earlier = (Snapshot, Vec<(String, Keyspace)>, State);

impl Life<'_> {
    /// A reader takes a moment, or the next one: whole commits, at least those that were handed to the operating
    /// system, and never fewer than before.
    pub(crate) fn follow(&mut self) {
        let least = self.told.buffered();
        let follower = match self.follower.take() {
            None => {
                let opened =
                    Database::open_storage_read_only(Arc::new(self.storage.clone()), self.setting.reading());
                opened.map(|database| Follower { database, least: 0, before: None })
            }
            Some(mut follower) => follower.database.refresh().map(|_| follower),
        };
        let Some(mut follower) = self.permit(follower, "a reader beside the writer") else { return };
        let found = State::of(&follower.database, self.setting.rules);
        let Some(found) = self.permit(found, "what a reader reads") else { return };
        self.followed += 1;
        if self.tolerance != Tolerance::Damage {
            let (least, now) = (least.max(follower.least), self.setting.now());
            match self.told.position(&found, least, now) {
                Some(number) => follower.least = number,
                None => drop(self.told.check(&found, least, now, "a reader beside the writer")),
            }
        }
        self.look_back(&mut follower, &found);
        if self.choices.below(8) > 0 {
            self.follower = Some(follower);
        }
    }

    /// An earlier moment of a reader shows what it showed.
    fn look_back(&mut self, follower: &mut Follower, found: &State) {
        if let Some((snapshot, handles, state)) = &follower.before {
            for (name, handle) in handles {
                let entries = snapshot.range::<&[u8]>(handle, ..);
                let rules = self.setting.rules;
                let entries = entries.filter_map(|entry| match entry {
                    Ok((key, value)) => Some(Ok((key, rules.settled(name, &value)?))),
                    Err(error) => Some(Err(error)),
                });
                let entries: Result<Vec<_>, Error> = entries.collect();
                let Some(entries) = self.permit(entries, "an earlier moment of a reader") else { return };
                let map = state.map(name);
                let wanted = map.iter().filter_map(|(key, sum)| Some((&key[..], sum.value()?)));
                let same = wanted.eq(entries.iter().map(|(key, value)| (&key[..], value)));
                assert!(same, "{name} changed in an earlier moment of a reader");
            }
            if self.choices.below(3) > 0 {
                return;
            }
        }
        let database = &follower.database;
        let handles: Result<Vec<_>, Error> = database
            .keyspaces()
            .into_iter()
            .map(|name| Ok((name.clone(), database.keyspace(&name)?)))
            .collect();
        if let Some(handles) = self.permit(handles, "the keyspaces of a reader") {
            follower.before = Some((database.snapshot(), handles, found.clone()));
        }
    }

    /// One file holds what is there, and a folder made of it as well.
    pub(crate) fn export(&mut self) {
        let target = MemoryStorage::new();
        let file = PackedWriter::new(target.create("file").expect("memory"), "the file").expect("memory");
        let outcome = self.database.export_into_storage(&file);
        if self.permit(outcome, "an export").is_none() {
            return;
        }
        file.finish().expect("memory");
        let blob = target.open("file").expect("what was sealed");
        let packed = PackedStorage::open(blob).map_err(Error::from);
        let opened =
            packed.and_then(|file| Database::open_storage_read_only(Arc::new(file), self.setting.reading()));
        let wanted = self.present();
        let Some(exported) = self.compare_copy(opened, &wanted, "an export") else { return };
        let again = MemoryStorage::new();
        if self.choices.below(2) == 0 {
            exported.export_into_storage(&again).expect("a file that is well");
            self.open_copy(&again, &wanted, "an export of an export");
        }
        self.copies += 1;
    }

    /// What a kill leaves is wholly there after a repair.
    pub(crate) fn repair(&mut self) {
        let image = self.storage.kill();
        let target = MemoryStorage::new();
        let report = Database::repair_storage(Arc::new(image), &target, self.setting.reading());
        let report = report.unwrap_or_else(|error| panic!("a repair: {error}"));
        let is_torn = !report.lost_log.is_empty();
        assert!(report.is_whole() || is_torn && report.lost_values.is_empty(), "{report:?}");
        let repaired = Database::open_storage(Arc::new(target), self.setting.options.clone());
        let repaired = repaired.unwrap_or_else(|error| panic!("a repaired database: {error}, {report:?}"));
        let found = State::of(&repaired, self.setting.rules).expect("a storage without faults");
        self.told.check(&found, self.told.buffered(), self.setting.now(), "a repair");
        assert!(repaired.check().is_sound(), "a repaired database, {report:?}");
        self.copies += 1;
    }

    /// Time goes by.
    pub(crate) fn wait(&mut self) {
        let longest = one_of(self.choices, &[10, 300, 1500]);
        let by = self.choices.below(longest);
        self.setting.clock.advance(std::time::Duration::from_millis(by));
    }
}
