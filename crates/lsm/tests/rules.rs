//! Merge operators and entries that expire, with ingestions between them: against a plain map, whatever is flushed,
//! merged or reopened in between, for the present and for snapshots.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/append.rs"]
mod append;
#[path = "shared/cases.rs"]
mod cases;
#[path = "shared/small.rs"]
mod small;
#[path = "shared/sums.rs"]
mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use append::Append;
use proptest::prelude::*;
use small::small;
use stroma_lsm::{
    Database, Error, Keyspace, KeyspaceOptions, MergeError, MergeOperator, Options, Range, Snapshot,
};
use stroma_strata::runtime::ManualClock;
use stroma_strata::storage::MemoryStorage;
use sums::{Sum, rounded_expiry};

/// Small enough that a few dozen operations flush and merge.
fn options(clock: &Arc<ManualClock>, background_threads: usize) -> Options {
    let append = |combines| KeyspaceOptions::default().merging(operator(combines));
    Options {
        memory_bytes: 64 << 10,
        background_threads,
        block_bytes: 256,
        value_threshold: 250,
        clock: clock.clone(),
        ..small(4 << 10)
    }
    .with_keyspace("combined", append(true))
    .with_keyspace("kept", append(false))
    .with_keyspace("fading", append(true).living_for(FADES))
    .with_keyspace("fading apart", append(false).living_for(FADES))
    .with_keyspace("brief", KeyspaceOptions::default().living_for(LIVES))
}

/// Fails on anything with an `!`.
fn operator(combines: bool) -> Append {
    Append::combining(combines).refusing(b'!')
}

const LIVES: Duration = Duration::from_millis(50);
/// How long what is put, or merged, into the keyspaces with an operator and a time to live lives.
const FADES: Duration = Duration::from_millis(200);

/// The first four have operators, the third to the fifth a time to live.
const KEYSPACES: [&str; 6] = ["combined", "kept", "fading", "fading apart", "brief", "plain"];
const WITH_OPERATORS: usize = 4;

/// How long what has no time of its own lives in a keyspace.
fn lives(keyspace: usize) -> Option<Duration> {
    [None, None, Some(FADES), Some(FADES), Some(LIVES), None][keyspace]
}

/// What each key holds over time.
type Model = [BTreeMap<Vec<u8>, Sum<Vec<u8>>>; KEYSPACES.len()];
/// What is seen of that at a moment.
type Seen = [BTreeMap<Vec<u8>, Vec<u8>>; KEYSPACES.len()];

#[derive(Debug, Clone)]
enum Change {
    Put { key: u8, length: u16 },
    PutExpiring { key: u8, length: u16, after: u8 },
    Merge { key: u8, length: u16 },
    MergeExpiring { key: u8, length: u16, after: u8 },
    Delete { key: u8 },
    DeleteRange { start: u8, end: u8 },
}

#[derive(Debug, Clone)]
enum Step {
    /// Changes of keyspaces, in one batch.
    Batch(Vec<(usize, Change)>),
    One(usize, Change),
    Ingest {
        keyspace: usize,
        keys: BTreeSet<u8>,
        length: u16,
    },
    Transact {
        keyspace: usize,
        key: u8,
        length: u16,
    },
    Wait(u8),
    TakeSnapshot,
    DropSnapshot,
    Flush,
    Compact,
    Reopen,
    Compare {
        keyspace: usize,
        start: u8,
        end: u8,
        from_back: u32,
    },
}

fn change() -> impl Strategy<Value = Change> {
    let length = prop_oneof![8 => 0_u16..40, 1 => 0_u16..600];
    let key = || prop_oneof![2 => 0_u8..4, 1 => 0_u8..30];
    prop_oneof![
        3 => (key(), length.clone()).prop_map(|(key, length)| Change::Put { key, length }),
        3 => (key(), length.clone(), 0_u8..100)
            .prop_map(|(key, length, after)| Change::PutExpiring { key, length, after }),
        8 => (key(), length.clone()).prop_map(|(key, length)| Change::Merge { key, length }),
        4 => (key(), length, 0_u8..100)
            .prop_map(|(key, length, after)| Change::MergeExpiring { key, length, after }),
        2 => key().prop_map(|key| Change::Delete { key }),
        1 => (0_u8..30, 0_u8..32).prop_map(|(start, end)| Change::DeleteRange { start, end }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let keyspace = || 0..KEYSPACES.len();
    let keys = prop::collection::btree_set(0_u8..30, 0..12);
    prop_oneof![
        10 => prop::collection::vec((keyspace(), change()), 0..12).prop_map(Step::Batch),
        8 => (keyspace(), change()).prop_map(|(keyspace, change)| Step::One(keyspace, change)),
        2 => (keyspace(), keys, 0_u16..300)
            .prop_map(|(keyspace, keys, length)| Step::Ingest { keyspace, keys, length }),
        2 => (keyspace(), 0_u8..6, 0_u16..40)
            .prop_map(|(keyspace, key, length)| Step::Transact { keyspace, key, length }),
        4 => (0_u8..40).prop_map(Step::Wait),
        2 => Just(Step::TakeSnapshot),
        1 => Just(Step::DropSnapshot),
        2 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        6 => (keyspace(), 0_u8..30, 0_u8..32, any::<u32>())
            .prop_map(|(keyspace, start, end, from_back)| Step::Compare { keyspace, start, end, from_back }),
    ]
}

fn key_of(number: u8) -> Vec<u8> {
    vec![b'k', number / 8, number % 8]
}

struct Pair {
    storage: MemoryStorage,
    clock: Arc<ManualClock>,
    threads: usize,
    database: Option<Database>,
    keyspaces: Vec<Keyspace>,
    model: Model,
    snapshots: Vec<(Snapshot, Seen)>,
    counter: u64,
}

impl Pair {
    fn new(threads: usize) -> Pair {
        let mut pair = Pair {
            storage: MemoryStorage::new(),
            clock: Arc::new(ManualClock::new()),
            threads,
            database: None,
            keyspaces: Vec::new(),
            model: Model::default(),
            snapshots: Vec::new(),
            counter: 0,
        };
        pair.clock.advance(Duration::from_secs(1));
        pair.open();
        pair
    }

    fn open(&mut self) {
        let options = options(&self.clock, self.threads);
        let database = Database::open_storage(Arc::new(self.storage.clone()), options).unwrap();
        self.keyspaces = KEYSPACES.iter().map(|name| database.keyspace(name).unwrap()).collect();
        self.database = Some(database);
    }

    fn database(&self) -> &Database {
        self.database.as_ref().unwrap()
    }

    /// In milliseconds of the calendar.
    fn now(&self) -> u64 {
        use stroma_strata::runtime::Clock as _;
        self.clock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64
    }

    fn value(&mut self, length: u16) -> Vec<u8> {
        self.counter += 1;
        let mut value = format!("<{}>", self.counter).into_bytes();
        match self.counter % 3 {
            0 => value.extend(noise(usize::from(length).saturating_sub(value.len()))),
            _ => value.resize(value.len().max(usize::from(length)), b'.'),
        }
        value
    }

    /// What a change becomes in a keyspace, those without operators know no operands; and the value it needs.
    fn prepare(&mut self, keyspace: usize, change: &Change) -> (Change, Vec<u8>) {
        let has_operator = keyspace < WITH_OPERATORS;
        let change = match *change {
            Change::Merge { key, length } if !has_operator => Change::Put { key, length },
            Change::MergeExpiring { key, length, after } if !has_operator => {
                Change::PutExpiring { key, length, after }
            }
            ref other => other.clone(),
        };
        let value = match change {
            Change::Put { length, .. }
            | Change::PutExpiring { length, .. }
            | Change::Merge { length, .. }
            | Change::MergeExpiring { length, .. } => self.value(length),
            Change::Delete { .. } | Change::DeleteRange { .. } => Vec::new(),
        };
        (change, value)
    }

    fn apply(&mut self, keyspace: usize, change: &Change, value: &[u8]) {
        let now = self.now();
        let expiry = |after: u64| {
            if keyspace < WITH_OPERATORS { rounded_expiry(now, after) } else { now + after }
        };
        let by_rule = lives(keyspace).map(|lives| expiry(lives.as_millis() as u64));
        let map = &mut self.model[keyspace];
        match *change {
            Change::Put { key, .. } => drop(map.insert(key_of(key), Sum::put(value.to_vec(), by_rule))),
            Change::PutExpiring { key, after, .. } => {
                map.insert(key_of(key), Sum::put(value.to_vec(), Some(expiry(after.into()))));
            }
            Change::Merge { key, .. } => {
                map.entry(key_of(key)).or_insert_with(Sum::nothing).merge(value.to_vec(), by_rule);
            }
            Change::MergeExpiring { key, after, .. } => {
                let sum = map.entry(key_of(key)).or_insert_with(Sum::nothing);
                sum.merge(value.to_vec(), Some(expiry(after.into())));
            }
            Change::Delete { key } => drop(map.remove(&key_of(key))),
            Change::DeleteRange { start, end } => {
                let (start, end) = (key_of(start), key_of(end));
                map.retain(|key, _| !(start <= *key && *key < end));
            }
        }
    }

    fn commit(&mut self, changes: &[(usize, Change)]) {
        let mut batch = self.database().batch();
        let mut applied = Vec::new();
        for (number, change) in changes {
            let (change, value) = self.prepare(*number, change);
            let keyspace = self.keyspaces[*number].clone();
            match change {
                Change::Put { key, .. } => batch.put(&keyspace, key_of(key), &value),
                Change::PutExpiring { key, after, .. } => {
                    let after = Duration::from_millis(u64::from(after));
                    batch.put_expiring(&keyspace, key_of(key), &value, after)
                }
                Change::Merge { key, .. } => batch.merge(&keyspace, key_of(key), &value),
                Change::MergeExpiring { key, after, .. } => {
                    let after = Duration::from_millis(u64::from(after));
                    batch.merge_expiring(&keyspace, key_of(key), &value, after)
                }
                Change::Delete { key } => batch.delete(&keyspace, key_of(key)),
                Change::DeleteRange { start, end } => {
                    batch.delete_range(&keyspace, key_of(start)..key_of(end))
                }
            };
            applied.push((*number, change, value));
        }
        batch.commit().unwrap();
        applied.iter().for_each(|(number, change, value)| self.apply(*number, change, value));
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Batch(changes) => self.commit(changes),
            Step::One(keyspace, change) => self.commit_one(*keyspace, change),
            Step::Ingest { keyspace, keys, length } => {
                let mut ingestion = self.keyspaces[*keyspace].ingest().unwrap();
                let mut applied = Vec::new();
                for key in keys {
                    let value = self.value(*length);
                    ingestion.add(key_of(*key), &value).unwrap();
                    applied.push((*key, value));
                }
                ingestion.finish().unwrap();
                for (key, value) in applied {
                    self.apply(*keyspace, &Change::Put { key, length: 0 }, &value);
                }
            }
            Step::Transact { keyspace, key, length } => {
                let (change, value) = self.prepare(*keyspace, &Change::Merge { key: *key, length: *length });
                let mut transaction = self.database().transaction();
                let handle = &self.keyspaces[*keyspace];
                let put = match change {
                    // What it merges is read, and put.
                    Change::Merge { .. } => {
                        transaction.merge(handle, key_of(*key), &value).unwrap();
                        let before = self.alive()[*keyspace].remove(&key_of(*key));
                        [before.unwrap_or_default(), value].concat()
                    }
                    _ => {
                        transaction.put(handle, key_of(*key), &value).unwrap();
                        value
                    }
                };
                transaction.commit().unwrap();
                self.apply(*keyspace, &Change::Put { key: *key, length: *length }, &put);
            }
            Step::Wait(milliseconds) => self.clock.advance(Duration::from_millis(u64::from(*milliseconds))),
            Step::TakeSnapshot => {
                let snapshot = self.database().snapshot();
                self.snapshots.push((snapshot, self.alive()));
            }
            Step::DropSnapshot => drop(self.snapshots.pop()),
            Step::Flush => self.database().flush().unwrap(),
            Step::Compact => self.database().compact().unwrap(),
            Step::Reopen => {
                self.snapshots.clear();
                let database = self.database.take().unwrap();
                if self.counter.is_multiple_of(2) {
                    database.close().unwrap();
                } else {
                    drop(database);
                }
                self.keyspaces.clear();
                self.open();
            }
            Step::Compare { keyspace, start, end, from_back } => {
                self.compare_range(*keyspace, *start, *end, *from_back);
            }
        }
    }

    fn commit_one(&mut self, number: usize, change: &Change) {
        let (change, value) = self.prepare(number, change);
        let keyspace = self.keyspaces[number].clone();
        match change {
            Change::Put { key, .. } => keyspace.put(key_of(key), &value),
            Change::PutExpiring { key, after, .. } => {
                keyspace.put_expiring(key_of(key), &value, Duration::from_millis(u64::from(after)))
            }
            Change::Merge { key, .. } => keyspace.merge(key_of(key), &value),
            Change::MergeExpiring { key, after, .. } => {
                keyspace.merge_expiring(key_of(key), &value, Duration::from_millis(u64::from(after)))
            }
            Change::Delete { key } => keyspace.delete(key_of(key)),
            Change::DeleteRange { start, end } => keyspace.delete_range(key_of(start)..key_of(end)),
        }
        .unwrap();
        self.apply(number, &change, &value);
    }

    /// The model without what has expired by now: what a reader who begins now sees, however long he reads.
    fn alive(&self) -> Seen {
        let now = self.now();
        let append = |base: Option<&[u8]>, operands: &[&[u8]]| Append::APART.appended(base, operands);
        self.model.each_ref().map(|map| {
            let seen = map.iter().filter_map(|(key, sum)| Some((key.clone(), sum.at(now, append)?)));
            seen.collect()
        })
    }

    fn compare_range(&self, keyspace: usize, start: u8, end: u8, from_back: u32) {
        let bounds = || key_of(start)..key_of(end).max(key_of(start));
        let present = self.alive();
        let mut pairs: Vec<(Range, &Seen)> = vec![(self.keyspaces[keyspace].range(bounds()), &present)];
        for (snapshot, model) in &self.snapshots {
            pairs.push((snapshot.range(&self.keyspaces[keyspace], bounds()), model));
        }
        for (mut range, model) in pairs {
            let within = model[keyspace].range(bounds()).map(|(key, value)| (key.clone(), value.clone()));
            let mut expected: std::collections::VecDeque<_> = within.collect();
            for turn in 0.. {
                let (found, wanted) = if from_back >> (turn % 32) & 1 == 1 {
                    (range.next_back(), expected.pop_back())
                } else {
                    (range.next(), expected.pop_front())
                };
                let found = found.map(|entry| entry.map(|(key, value)| (key, value.into_vec())).unwrap());
                assert_eq!(found, wanted, "keyspace {keyspace}");
                if wanted.is_none() {
                    break;
                }
            }
        }
    }

    fn compare_all(&self) {
        let present = self.alive();
        for keyspace in 0..KEYSPACES.len() {
            self.compare_range(keyspace, 0, 255, 0);
            self.compare_range(keyspace, 0, 255, u32::MAX);
            let keys: Vec<_> = (0..31).map(key_of).collect();
            let expected = |model: &Seen| -> Vec<Option<Vec<u8>>> {
                keys.iter().map(|key| model[keyspace].get(key).cloned()).collect()
            };
            let own = |values: Vec<Option<stroma_lsm::Value>>| -> Vec<Option<Vec<u8>>> {
                values.into_iter().map(|value| value.map(|value| value.into_vec())).collect()
            };
            let one_by_one = keys.iter().map(|key| self.keyspaces[keyspace].get(key).unwrap()).collect();
            assert_eq!(own(one_by_one), expected(&present));
            assert_eq!(own(self.keyspaces[keyspace].get_many(&keys).unwrap()), expected(&present));
            for (snapshot, model) in &self.snapshots {
                let space = &self.keyspaces[keyspace];
                let one_by_one = keys.iter().map(|key| snapshot.get(space, key).unwrap()).collect();
                assert_eq!(own(one_by_one), expected(model));
                assert_eq!(own(snapshot.get_many(space, &keys).unwrap()), expected(model));
            }
        }
        let report = self.database().check();
        assert!(report.is_sound(), "{report:?}");
    }
}

fn run(threads: usize, steps: &[Step]) {
    let mut pair = Pair::new(threads);
    for step in steps {
        pair.run(step);
    }
    pair.compare_all();
    pair.database().compact().unwrap();
    pair.compare_all();
    pair.run(&Step::Reopen);
    pair.compare_all();
}

proptest! {
    #![proptest_config(cases::config(35, 120))]

    #[test]
    fn everything_together_without_threads(steps in prop::collection::vec(step(), 1..120)) {
        run(0, &steps);
    }
}

proptest! {
    #![proptest_config(cases::config(35, 30))]

    #[test]
    fn everything_together_with_threads(steps in prop::collection::vec(step(), 1..120)) {
        run(1, &steps);
    }
}

fn open(storage: &MemoryStorage, clock: &Arc<ManualClock>) -> Database {
    Database::open_storage(Arc::new(storage.clone()), options(clock, 0)).unwrap()
}

#[test]
fn operands_become_values_when_they_meet_one_or_nothing() {
    let (storage, clock) = (MemoryStorage::new(), Arc::new(ManualClock::new()));
    let database = open(&storage, &clock);
    for (name, after_flushes) in [("combined", 3), ("kept", 30)] {
        let keyspace = database.keyspace(name).unwrap();
        for round in 0..3 {
            for number in 0..10 {
                keyspace.merge("key", [b'a' + round, b'0' + number]).unwrap();
            }
            database.flush().unwrap();
        }
        let tables = || database.tables().iter().map(|table| table.entries).sum::<u64>();
        let before = tables();
        assert!(before >= after_flushes, "{name}: {before}");
        database.compact().unwrap();
        let found = keyspace.get("key").unwrap().unwrap();
        assert!(found.starts_with(b"a0a1a2") && found.ends_with(b"c8c9") && found.len() == 60);
        // The catalog has entries of its own.
        assert!(tables() < before, "{name}: {}", tables());
    }
}

#[test]
fn an_operator_that_fails_is_told_by_the_read_and_nothing_is_lost() {
    let (storage, clock) = (MemoryStorage::new(), Arc::new(ManualClock::new()));
    let database = open(&storage, &clock);
    let keyspace = database.keyspace("combined").unwrap();
    keyspace.put("bad", "a").unwrap();
    keyspace.merge("bad", "b!").unwrap();
    keyspace.merge("bad", "c").unwrap();
    keyspace.merge("good", "d").unwrap();
    for _ in 0..2 {
        match keyspace.get("bad") {
            Err(Error::Merge { keyspace, key, operator, cause }) => {
                assert_eq!((&*keyspace, &*key, &*operator), ("combined", "bad", "append"));
                assert_eq!(cause.to_string(), "it exclaims");
            }
            other => panic!("{other:?}"),
        }
        assert!(keyspace.iter().next().unwrap().is_err());
        assert_eq!(keyspace.get("good").unwrap().as_deref(), Some(&b"d"[..]));
        database.compact().unwrap();
    }
    keyspace.put("bad", "mended").unwrap();
    keyspace.merge("bad", "?").unwrap();
    assert_eq!(keyspace.get("bad").unwrap().as_deref(), Some(&b"mended?"[..]));
}

#[test]
fn another_operator_or_none_is_refused_and_operands_stay() {
    struct Other;
    impl MergeOperator for Other {
        fn name(&self) -> &str {
            "other"
        }
        fn merge(&self, _: &[u8], _: Option<&[u8]>, _: &[&[u8]]) -> Result<Vec<u8>, MergeError> {
            Ok(b"other".to_vec())
        }
    }
    let (storage, clock) = (MemoryStorage::new(), Arc::new(ManualClock::new()));
    let database = open(&storage, &clock);
    database.keyspace("combined").unwrap().put("key", "base").unwrap();
    database.flush().unwrap();
    database.keyspace("combined").unwrap().merge("key", " and more").unwrap();
    drop(database);
    let with = |options: KeyspaceOptions| Options {
        keyspaces: BTreeMap::from([("combined".to_owned(), options)]),
        ..options_without_keyspaces(&clock)
    };
    for (given, options) in
        [("other", with(KeyspaceOptions::default().merging(Other))), ("", with(KeyspaceOptions::default()))]
    {
        let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
        match database.keyspace("combined") {
            Err(Error::OtherMergeOperator { stored, given: told, .. }) => {
                assert_eq!((&*stored, &*told), ("append", given));
            }
            other => panic!("{other:?}"),
        }
        database.compact().unwrap();
    }
    let database = open(&storage, &clock);
    let found = database.keyspace("combined").unwrap().get("key").unwrap();
    assert_eq!(found.as_deref(), Some(&b"base and more"[..]));
    // One without operands may get one.
    let plain = database.keyspace("plain").unwrap();
    plain.put("key", "base").unwrap();
    assert!(matches!(plain.merge("key", "x"), Err(Error::NoMergeOperator { .. })));
    let mut batch = database.batch();
    batch.merge(&plain, "key", "x");
    assert!(matches!(batch.commit(), Err(Error::NoMergeOperator { .. })));
    drop((plain, database));
    let options =
        options(&clock, 0).with_keyspace("plain", KeyspaceOptions::default().merging(Append::COMBINED));
    let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
    let plain = database.keyspace("plain").unwrap();
    plain.merge("key", "+").unwrap();
    assert_eq!(plain.get("key").unwrap().as_deref(), Some(&b"base+"[..]));
}

fn options_without_keyspaces(clock: &Arc<ManualClock>) -> Options {
    Options { keyspaces: BTreeMap::new(), ..options(clock, 0) }
}

#[test]
fn an_operator_without_a_name_is_refused() {
    struct Nameless;
    impl MergeOperator for Nameless {
        fn name(&self) -> &str {
            ""
        }
        fn merge(&self, _: &[u8], _: Option<&[u8]>, _: &[&[u8]]) -> Result<Vec<u8>, MergeError> {
            Ok(Vec::new())
        }
    }
    let nameless = KeyspaceOptions::default().merging(Nameless);
    let options = options(&Arc::new(ManualClock::new()), 0).with_keyspace("nameless", nameless);
    let refused = Database::open_storage(Arc::new(MemoryStorage::new()), options);
    assert!(matches!(refused, Err(Error::InvalidOptions { .. })));
}

#[test]
fn each_operand_counts_until_its_own_time_whatever_was_merged() {
    for merged in [false, true] {
        let (storage, clock) = (MemoryStorage::new(), Arc::new(ManualClock::new()));
        clock.advance(Duration::from_secs(1000));
        let database = open(&storage, &clock);
        let keyspace = database.keyspace("combined").unwrap();
        let seconds = Duration::from_secs;
        keyspace.put_expiring("key", "base ", seconds(1)).unwrap();
        keyspace.merge_expiring("key", "one ", seconds(3)).unwrap();
        keyspace.merge_expiring("key", "two ", seconds(2)).unwrap();
        keyspace.merge("key", "always ").unwrap();
        let early = database.snapshot();
        for left in ["base one two always ", "one two always ", "one always ", "always "] {
            if merged {
                database.flush().unwrap();
                database.compact().unwrap();
            }
            let seen = keyspace.get("key").unwrap();
            assert_eq!(seen.as_deref(), Some(left.as_bytes()), "merged: {merged}");
            assert_eq!(keyspace.first().unwrap().unwrap().1.into_vec(), left.as_bytes());
            let held = early.get(&keyspace, "key").unwrap();
            assert_eq!(held.as_deref(), Some(&b"base one two always "[..]), "merged: {merged}");
            // A little late: times are rounded up, to a 64th of each.
            clock.advance(seconds(1) + Duration::from_millis(50));
        }
        drop(early);
        database.compact().unwrap();
        database.compact().unwrap();
        let entries: u64 = database.tables().iter().map(|table| table.entries).sum();
        // The key, and the two of the catalog.
        assert_eq!((keyspace.iter().count(), entries), (1, 3), "merged: {merged}");
    }
}

#[test]
fn operands_of_about_one_time_become_one_however_many_there_are() {
    let (storage, clock) = (MemoryStorage::new(), Arc::new(ManualClock::new()));
    let options = options(&clock, 0)
        .with_keyspace("recent", KeyspaceOptions::default().merging(Append::COMBINED).living_for(MINUTE));
    const MINUTE: Duration = Duration::from_secs(60);
    clock.advance(Duration::from_secs(1000));
    let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
    let recent = database.keyspace("recent").unwrap();
    // Two minutes, ten operands a second.
    for _ in 0..1200 {
        recent.merge("key", "x").unwrap();
        clock.advance(Duration::from_millis(100));
    }
    database.compact().unwrap();
    let entries: u64 = database.tables().iter().map(|table| table.entries).sum();
    assert!((60..=65 + 2).contains(&entries), "{entries}");
    let seen = recent.get("key").unwrap().unwrap().len();
    assert!((600..=610).contains(&seen), "{seen}");
    clock.advance(MINUTE);
    assert!(recent.get("key").unwrap().is_some(), "what is rounded up lives a little longer");
    clock.advance(MINUTE / 60);
    assert!(recent.get("key").unwrap().is_none());
    // What nobody sees any more is merged away by itself.
    let longest = || database.tables().iter().map(|table| table.entries).max();
    assert!(longest() > Some(60));
    fill(&database);
    assert!(longest() < Some(60));
}

/// What nothing compresses, and no operator refuses.
fn noise(length: usize) -> impl Iterator<Item = u8> {
    (0..length).scan(1_u32, |state, _| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*state >> 24) as u8 | 0x80)
    })
}

#[test]
fn operands_that_meet_a_large_value_and_become_one() {
    for value in [vec![b'a'; 1000], noise(1000).collect()] {
        operands_meet(&value, true);
        operands_meet(&value, false);
    }
}

/// A large value in a value file, or only in memory.
fn operands_meet(value: &[u8], is_flushed: bool) {
    let (storage, clock) = (MemoryStorage::new(), Arc::new(ManualClock::new()));
    let database = open(&storage, &clock);
    let keyspace = database.keyspace("combined").unwrap();
    keyspace.put("key", value).unwrap();
    if is_flushed {
        database.flush().unwrap();
        assert_eq!(database.statistics().value_files, 1);
    }
    keyspace.merge("key", vec![b'b'; 1000]).unwrap();
    let expected = [value, &[b'b'; 1000]].concat();
    for _ in 0..2 {
        assert_eq!(keyspace.get("key").unwrap().unwrap(), expected);
        assert_eq!(keyspace.first().unwrap().unwrap().1, expected);
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut keyspace.reader("key").unwrap().unwrap(), &mut bytes).unwrap();
        assert_eq!(bytes, expected);
        database.compact().unwrap();
        database.compact().unwrap();
    }
    assert!(database.check().is_sound());
}

#[test]
fn blind_merges_of_transactions_conflict_as_reads_do() {
    let (storage, clock) = (MemoryStorage::new(), Arc::new(ManualClock::new()));
    let database = open(&storage, &clock);
    let keyspace = database.keyspace("combined").unwrap();
    keyspace.merge("key", "a").unwrap();
    let mut transaction = database.transaction();
    transaction.merge(&keyspace, "key", "b").unwrap();
    transaction.merge(&keyspace, "key", "c").unwrap();
    assert_eq!(transaction.get(&keyspace, "key").unwrap().as_deref(), Some(&b"abc"[..]));
    keyspace.merge("key", "x").unwrap();
    assert!(matches!(transaction.commit(), Err(Error::Conflict { .. })));
    assert_eq!(keyspace.get("key").unwrap().as_deref(), Some(&b"ax"[..]));
}

#[test]
fn what_expired_is_gone_at_once_and_its_space_with_the_next_merge() {
    let (storage, clock) = (MemoryStorage::new(), Arc::new(ManualClock::new()));
    clock.advance(Duration::from_secs(1000));
    let database = open(&storage, &clock);
    let (brief, plain) = (database.keyspace("brief").unwrap(), database.keyspace("plain").unwrap());
    for number in 0..200_u32 {
        brief.put(number.to_be_bytes(), [7; 100]).unwrap();
        plain.put_expiring(number.to_be_bytes(), vec![8; 300], LIVES * 2).unwrap();
    }
    database.flush().unwrap();
    clock.advance(LIVES / 2);
    let early = database.snapshot();
    assert_eq!((brief.iter().count(), plain.iter().count()), (200, 200));
    clock.advance(LIVES / 2);
    assert_eq!((brief.iter().count(), plain.iter().count()), (0, 200));
    assert_eq!(brief.get(7_u32.to_be_bytes()).unwrap(), None);
    assert_eq!(brief.get_many([7_u32.to_be_bytes()]).unwrap(), [None]);
    // Who began before sees it as long as he likes.
    database.compact().unwrap();
    assert_eq!(early.range::<&[u8]>(&brief, ..).count(), 200);
    assert_eq!(early.get(&brief, 7_u32.to_be_bytes()).unwrap().unwrap(), vec![7; 100]);
    drop(early);
    clock.advance(LIVES);
    assert_eq!((brief.iter().count(), plain.iter().count()), (0, 0));
    let merges = database.statistics().merges;
    fill(&database);
    assert!(database.statistics().merges > merges);
    let bytes = database.statistics().table_bytes();
    assert!(bytes < 60_000, "{bytes}");
    assert_eq!(database.statistics().live_value_bytes, 0);
    assert!(database.check().is_sound());
}

#[test]
fn a_table_that_mostly_expired_is_merged_though_no_size_asks_for_it() {
    let (storage, clock) = (MemoryStorage::new(), Arc::new(ManualClock::new()));
    clock.advance(Duration::from_secs(1000));
    let database = open(&storage, &clock);
    let brief = database.keyspace("brief").unwrap();
    let mut ingestion = brief.ingest().unwrap();
    for number in 0..2000_u32 {
        ingestion.add(number.to_be_bytes(), "ingested").unwrap();
    }
    ingestion.finish().unwrap();
    assert_eq!(brief.iter().count(), 2000);
    let reader = database.snapshot();
    clock.advance(LIVES);
    assert_eq!(brief.iter().count(), 0);
    // As long as somebody reads them nothing is gained.
    let entries = || database.tables().iter().map(|table| table.entries).sum::<u64>();
    fill(&database);
    assert!(entries() >= 2000);
    assert_eq!(reader.range::<&[u8]>(&brief, ..).count(), 2000);
    drop(reader);
    fill(&database);
    assert!(entries() < 500, "{}", entries());
}

/// Writes until memory was full several times: whoever finds that merges what is due.
fn fill(database: &Database) {
    let keyspace = database.keyspace("filler").unwrap();
    for number in 0..400_u32 {
        keyspace.put((number % 100).to_be_bytes(), noise(200).collect::<Vec<u8>>()).unwrap();
    }
}

#[test]
fn times_survive_the_log_and_a_clock_that_is_set_back() {
    let (storage, clock) = (MemoryStorage::new(), Arc::new(ManualClock::new()));
    clock.advance(Duration::from_secs(1000));
    let database = open(&storage, &clock);
    let plain = database.keyspace("plain").unwrap();
    plain.put_expiring("short", "1", Duration::from_secs(1)).unwrap();
    plain.put_expiring("long", "2", Duration::from_secs(100)).unwrap();
    plain.put_expiring("always", "3", Duration::MAX).unwrap();
    drop((plain, database));
    clock.advance(Duration::from_secs(2));
    let database = open(&storage, &clock);
    let plain = database.keyspace("plain").unwrap();
    let there = || plain.iter().map(|entry| entry.unwrap().0).collect::<Vec<_>>();
    assert_eq!(there(), [b"always".to_vec(), b"long".to_vec()]);
    // A put takes the place of one that expires.
    plain.put("long", "kept").unwrap();
    clock.advance(Duration::from_secs(1000));
    database.compact().unwrap();
    assert_eq!(there(), [b"always".to_vec(), b"long".to_vec()]);
}
