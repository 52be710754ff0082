//! A database from one opening to the next crash: random operations, every answer compared with the model.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stroma_lsm::{Database, Durability, Error, Keyspace};
use stroma_strata::storage::{MemoryStorage, PowerLoss};

use crate::beside::Follower;
use crate::extras::Archive;
use crate::model::{Bytes, Change, NAMES, State, Told, key_of};
use crate::random::{Random, fill, mix};
use crate::reading::{Held, Walk};
use crate::rules::Role;
use crate::setting::{Setting, one_of};
use crate::trace::trace;

/// Which errors are no surprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tolerance {
    /// None.
    Nothing,
    /// The storage may fail or be full.
    Storage,
    /// And its reads may bring bytes that were never written.
    Damage,
}

/// One life of a database.
pub(crate) struct Life<'a> {
    pub(crate) database: Database,
    pub(crate) told: &'a mut Told,
    pub(crate) setting: &'a Setting,
    pub(crate) storage: &'a MemoryStorage,
    /// Decides what is done, and nothing else: the same numbers, the same operations.
    pub(crate) choices: &'a mut Random,
    pub(crate) tolerance: Tolerance,
    /// How many of the 256 keys are used most.
    keys: u64,
    /// Whether those are overwritten again and again, so that they stay in memory, and others now and then.
    overwrites: bool,
    pub(crate) handles: BTreeMap<&'static str, Keyspace>,
    pub(crate) snapshots: Vec<Held>,
    pub(crate) walks: Vec<Walk>,
    pub(crate) follower: Option<Follower>,
    /// Moments that readers beside it took.
    pub(crate) followed: u64,
    /// Exports and repairs.
    pub(crate) copies: u64,
    pub(crate) poisoned: bool,
    pub(crate) errors: u32,
    /// What was answered where the model leaves a choice.
    pub(crate) transcript: u64,
    archive: Archive,
    /// Losses of power that were looked at beside this life.
    pub(crate) side_images: u64,
}

impl<'a> Life<'a> {
    /// Of a database that was opened in the present state of `told`.
    pub(crate) fn new(
        database: Database,
        told: &'a mut Told,
        setting: &'a Setting,
        storage: &'a MemoryStorage,
        choices: &'a mut Random,
        tolerance: Tolerance,
    ) -> Life<'a> {
        let keys = one_of(choices, &[6, 40, 40, 200]);
        let overwrites = keys == 6;
        Life {
            database,
            told,
            setting,
            storage,
            choices,
            tolerance,
            keys,
            overwrites,
            handles: BTreeMap::new(),
            snapshots: Vec::new(),
            walks: Vec::new(),
            follower: None,
            followed: 0,
            copies: 0,
            poisoned: false,
            errors: 0,
            transcript: 0,
            archive: Archive::new(),
            side_images: 0,
        }
    }

    /// Does one random thing.
    pub(crate) fn step(&mut self) {
        let synced = self.told.synced();
        match self.choices.below(40) {
            0 => self.follow(),
            1 => self.look_from_beside(),
            2..=9 => self.wait(),
            _ => {}
        }
        match self.choices.below(100) {
            0..=24 => self.change_one(),
            25 if self.overwrites => self.change_one(),
            25 => self.ingest(),
            26 => self.put_stream(),
            27 => self.lock(),
            // These flush what is to stay in memory.
            28..=29 if self.overwrites && self.choices.below(20) > 0 => self.change_one(),
            28 => self.checkpoint(),
            29 => {
                let mut archive = std::mem::replace(&mut self.archive, Archive::new());
                self.back_up(&mut archive);
                self.archive = archive;
            }
            30..=51 => self.commit_batch(),
            52..=61 if self.overwrites && self.choices.below(4) > 0 => self.commit_batch(),
            52..=61 => self.transact(),
            62..=66 => self.use_snapshots(),
            67..=71 => self.walk(),
            // What is overwritten is to stay in memory for a while.
            72 | 93..=97 if self.overwrites && self.choices.below(30) > 0 => self.change_one(),
            72 => self.drop_keyspace(),
            73..=78 => self.get(),
            79 => self.read_stream(),
            80..=81 => self.get_many(),
            82..=83 => self.compare_prefix(),
            84..=92 => self.compare_range(),
            93..=95 => self.flush(),
            96..=97 => self.compact(),
            98 => self.sync(),
            _ => self.verify(),
        }
        self.look_at_moments(synced);
    }

    fn look_from_beside(&mut self) {
        match self.choices.below(4) {
            0..=1 => self.follow(),
            // It flushes what is to stay in memory.
            2 if !self.overwrites => self.export(),
            _ => self.repair(),
        }
    }

    /// What who begins to read now sees.
    pub(crate) fn present(&self) -> State {
        self.told.present().alive(self.setting.now())
    }

    /// The answer, or nothing if it is an error that is no surprise.
    pub(crate) fn permit<T>(&mut self, answer: Result<T, Error>, what: &str) -> Option<T> {
        let error = match answer {
            Ok(answer) => return Some(answer),
            Err(error) => error,
        };
        self.errors += 1;
        trace(|| format!("{what}: {error}"));
        let is_damage = matches!(error, Error::Corrupt { .. } | Error::Unsupported { .. });
        let tolerated = match self.tolerance {
            Tolerance::Nothing => false,
            Tolerance::Storage => !is_damage,
            Tolerance::Damage => true,
        };
        assert!(tolerated, "{what} failed: {error}");
        None
    }

    /// The handle of a keyspace, made if it is not there.
    pub(crate) fn handle(&mut self, name: &'static str) -> Option<Keyspace> {
        if let Some(handle) = self.handles.get(name) {
            return Some(handle.clone());
        }
        let mut next = self.told.present().clone();
        let is_new = !next.keyspaces.contains_key(name);
        next.keyspaces.entry(name.to_owned()).or_default();
        let opened = self.database.keyspace(name);
        let handle = if is_new {
            self.settle(opened, next, self.setting.options.durability)?
        } else {
            self.permit(opened, "opening a keyspace")?
        };
        self.handles.insert(name, handle.clone());
        Some(handle)
    }

    /// Notes how a commit ended that leads to `next`.
    pub(crate) fn settle<T>(
        &mut self,
        outcome: Result<T, Error>,
        next: State,
        durability: Durability,
    ) -> Option<T> {
        let synced = self.told.synced();
        if self.poisoned {
            let error = outcome.err().expect("a poisoned database acknowledged a commit");
            assert!(matches!(error, Error::Poisoned { .. }), "{error}");
            assert!(error.to_string().contains("reopen the database"), "{error}");
            return None;
        }
        match &outcome {
            Ok(_) => {
                self.told.acknowledge(next, durability);
                trace(|| format!("acknowledged {durability:?}: {:?}", self.told));
            }
            Err(Error::Poisoned { .. }) => {
                self.poisoned = true;
                self.told.doubt(next);
            }
            // What was written in part is void from the next commit on.
            Err(Error::Storage(stroma_strata::storage::StorageError::Full { .. })) => self.told.doubt(next),
            Err(_) => {}
        }
        // Until the commit was in the log, what was in doubt before it still was.
        self.look_at_moments(synced);
        if outcome.is_ok() {
            self.told.end_doubts();
        }
        self.permit(outcome, "a commit")
    }

    pub(crate) fn durability(&mut self) -> Durability {
        match self.choices.below(8) {
            0 => Durability::Synced,
            1..=4 => Durability::Buffered,
            _ => Durability::None,
        }
    }

    pub(crate) fn name(&mut self) -> &'static str {
        // Mostly two of them, so that each is large enough to be of interest.
        NAMES[self.choices.below(2) as usize + 2 * usize::from(self.choices.below(12) == 0)]
    }

    pub(crate) fn key(&mut self) -> u8 {
        let keys = if self.overwrites && self.choices.below(3) == 0 { 250 } else { self.keys };
        self.choices.below(keys) as u8
    }

    pub(crate) fn value(&mut self) -> Bytes {
        let length = match self.choices.below(12) {
            0 => 0,
            // Ten of these are a batch that the smallest memory takes.
            1 => self.choices.below(1200),
            _ => self.choices.below(400),
        };
        let mut bytes = vec![0; length as usize];
        let number = self.choices.next();
        // Half of them can be compressed, all of it or half of it.
        match number % 4 {
            1 => bytes.fill(number as u8),
            3 => fill(&mut bytes[..length as usize / 2], number),
            _ => fill(&mut bytes, number),
        }
        bytes.into()
    }

    /// A value that no other is like.
    pub(crate) fn unique(&mut self) -> Bytes {
        let number = self.choices.next().to_le_bytes();
        [&number, &self.value()[..]].concat().into()
    }

    pub(crate) fn change(&mut self) -> Change {
        let (name, key) = (self.name(), self.key());
        let role = self.setting.rules.role(name);
        let number = self.choices.below(10);
        match number {
            0 if !self.overwrites => Change::DeleteRange { name, start: key, end: self.key() },
            1 | 2 => Change::Delete { name, key },
            // What has operands does not stay in memory.
            3..=7 if role == Role::Merging && !self.overwrites => {
                let mut operand = vec![0; self.choices.below(60) as usize];
                let number = self.choices.next();
                fill(&mut operand, number);
                // What may expire is like no other; drawn apart, so that the draws of a seed stay what they were.
                let after = number.is_multiple_of(3).then_some(mix(number) % 2000);
                operand.extend_from_slice(&number.to_le_bytes());
                Change::Merge { name, key, operand: operand.into(), after }
            }
            3 | 8 if (role == Role::Merging) == (number == 8) && !self.overwrites => {
                let after = self.choices.below(2000);
                Change::PutExpiring { name, key, value: self.unique(), after }
            }
            _ => Change::Put { name, key, value: self.unique() },
        }
    }

    /// So many changes, with their keyspaces made.
    pub(crate) fn changes(&mut self, count: u64) -> Option<Vec<Change>> {
        let changes: Vec<Change> = (0..count).map(|_| self.change()).collect();
        // What some of them want is made even if others cannot be.
        let made: Vec<bool> = changes.iter().map(|change| self.handle(change.name()).is_some()).collect();
        made.iter().all(|made| *made).then_some(changes)
    }

    pub(crate) fn after(&self, changes: &[Change]) -> State {
        let mut next = self.told.present().clone();
        next.apply(changes, self.setting.rules, self.setting.now());
        next
    }

    fn change_one(&mut self) {
        let Some(changes) = self.changes(1) else { return };
        let next = self.after(&changes);
        let handle = &self.handles[changes[0].name()];
        let outcome = match &changes[0] {
            Change::Put { key, value, .. } => handle.put(key_of(*key), value),
            Change::PutExpiring { key, value, after, .. } => {
                handle.put_expiring(key_of(*key), value, Duration::from_millis(*after))
            }
            Change::Merge { key, operand, after: None, .. } => handle.merge(key_of(*key), operand),
            Change::Merge { key, operand, after: Some(after), .. } => {
                handle.merge_expiring(key_of(*key), operand, Duration::from_millis(*after))
            }
            Change::Delete { key, .. } => handle.delete(key_of(*key)),
            Change::DeleteRange { start, end, .. } => handle.delete_range(key_of(*start)..key_of(*end)),
        };
        self.settle(outcome, next, self.setting.options.durability);
    }

    fn commit_batch(&mut self) {
        let count = 1 + self.choices.below(10);
        let durability = self.durability();
        if let Some(changes) = self.changes(count) {
            self.commit(&changes, durability);
        }
    }

    pub(crate) fn commit(&mut self, changes: &[Change], durability: Durability) -> bool {
        let next = self.after(changes);
        let mut batch = self.database.batch();
        for change in changes {
            let handle = &self.handles[change.name()];
            match change {
                Change::Put { key, value, .. } => batch.put(handle, key_of(*key), value),
                Change::PutExpiring { key, value, after, .. } => {
                    batch.put_expiring(handle, key_of(*key), value, Duration::from_millis(*after))
                }
                Change::Merge { key, operand, after: None, .. } => batch.merge(handle, key_of(*key), operand),
                Change::Merge { key, operand, after: Some(after), .. } => {
                    batch.merge_expiring(handle, key_of(*key), operand, Duration::from_millis(*after))
                }
                Change::Delete { key, .. } => batch.delete(handle, key_of(*key)),
                Change::DeleteRange { start, end, .. } => {
                    batch.delete_range(handle, key_of(*start)..key_of(*end))
                }
            };
        }
        let outcome = batch.commit_with(durability);
        self.settle(outcome, next, durability).is_some()
    }

    fn drop_keyspace(&mut self) {
        let name = self.name();
        let mut next = self.told.present().clone();
        if next.keyspaces.remove(name).is_none() {
            let dropped = self.database.drop_keyspace(name);
            if !self.poisoned
                && let Some(dropped) = self.permit(dropped, "dropping nothing")
            {
                assert!(!dropped, "a keyspace was dropped that was not there");
            }
            return;
        }
        let dropped = self.database.drop_keyspace(name);
        if self.settle(dropped, next, self.setting.options.durability).is_some() {
            self.handles.remove(name);
        }
    }

    fn flush(&mut self) {
        let outcome = self.database.flush();
        if self.permit(outcome, "a flush").is_some() {
            self.told.promise_all();
        }
    }

    fn compact(&mut self) {
        let (name, start, end) = (self.name(), self.key(), self.key());
        if let Some(handle) = self.handles.get(name)
            && start < end
        {
            let outcome = self.database.compact_range(handle, key_of(start)..key_of(end));
            self.permit(outcome, "a merge of a range");
            return;
        }
        let is_encrypted = self.setting.options.encryption.is_some();
        let outcome = if is_encrypted { self.database.rotate_keys() } else { self.database.compact() };
        if self.permit(outcome, "a merge of everything").is_some() {
            self.told.promise_all();
            if !is_encrypted && self.tolerance == Tolerance::Nothing {
                self.verify_filtered();
            }
        }
    }

    fn sync(&mut self) {
        let outcome = self.database.sync();
        if let Err(Error::Poisoned { .. }) = &outcome {
            self.poisoned = true;
        }
        assert!(outcome.is_err() || !self.poisoned, "a poisoned database says that it synced");
        if self.permit(outcome, "a sync").is_some() {
            self.told.promise_all();
        }
    }

    /// Loses power at the moments the storage has kept, and opens what is left.
    pub(crate) fn look_at_moments(&mut self, synced: usize) {
        for moment in self.storage.take_moments() {
            let seed = mix(moment.operation);
            let loss = PowerLoss::any(seed);
            let context = format!(
                "{loss:?} right before operation {} ({} {})",
                moment.operation, moment.action, moment.name
            );
            trace(|| format!("{} {} {}", moment.operation, moment.action, moment.name));
            check_image(&moment.storage.lose_power(loss), self.setting, self.told, synced, &context);
            self.side_images += 1;
        }
    }
}

/// Opens what a crash left, and compares it with what was promised.
pub(crate) fn check_image(
    image: &MemoryStorage,
    setting: &Setting,
    told: &Told,
    least: usize,
    context: &str,
) {
    let opened = Database::open_storage(Arc::new(image.clone()), setting.options.clone());
    let database = opened.unwrap_or_else(|error| panic!("{context}: cannot open: {error}"));
    let found =
        State::of(&database, setting.rules).unwrap_or_else(|error| panic!("{context}: cannot read: {error}"));
    told.check(&found, least, setting.now(), context);
    let report = database.check();
    assert!(report.is_sound(), "{context}: {report:?}");
}
