//! The database against a plain map: any sequence of operations, whatever is flushed, merged or reopened in
//! between, answers as a `BTreeMap` per keyspace would.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use the file system")]

#[path = "shared/cases.rs"]
mod cases;
#[path = "shared/small.rs"]
mod small;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use proptest::prelude::*;
use small::small;
use stroma_lsm::{Database, Keyspace, Options, Range, Snapshot};
use stroma_strata::storage::{LocalStorage, LogStorage, MemoryStorage};

const KEYSPACES: [&str; 2] = ["left", "right"];

/// One keyspace's entries.
type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// All keyspaces' entries.
type Model = [Map; 2];

#[derive(Debug, Clone)]
enum Change {
    Put { keyspace: usize, key: u8, length: u16 },
    Delete { keyspace: usize, key: u8 },
    DeleteRange { keyspace: usize, start: u8, end: u8 },
}

#[derive(Debug, Clone)]
enum Step {
    Change(Change),
    Batch(Vec<Change>),
    Transaction {
        changes: Vec<Change>,
        other: Vec<Change>,
        reads: Vec<(usize, u8)>,
        scan: Option<(usize, u8, u8)>,
    },
    Ingest {
        keyspace: usize,
        keys: BTreeSet<u8>,
        length: u16,
    },
    TakeSnapshot,
    DropSnapshot,
    DropKeyspace(usize),
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
    let keyspace = 0..KEYSPACES.len();
    prop_oneof![
        6 => (keyspace.clone(), 0_u8..40, 0_u16..600)
            .prop_map(|(keyspace, key, length)| Change::Put { keyspace, key, length }),
        2 => (keyspace.clone(), 0_u8..40).prop_map(|(keyspace, key)| Change::Delete { keyspace, key }),
        1 => (keyspace, 0_u8..40, 0_u8..42)
            .prop_map(|(keyspace, start, end)| Change::DeleteRange { keyspace, start, end }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let changes = |most| prop::collection::vec(change(), 0..most);
    let reads = prop::collection::vec((0..KEYSPACES.len(), 0_u8..40), 0..4);
    let scan = prop::option::of((0..KEYSPACES.len(), 0_u8..40, 0_u8..42));
    let keys = prop::collection::btree_set(0_u8..40, 0..20);
    prop_oneof![
        12 => change().prop_map(Step::Change),
        2 => (0..KEYSPACES.len(), keys, 0_u16..600)
            .prop_map(|(keyspace, keys, length)| Step::Ingest { keyspace, keys, length }),
        4 => changes(12).prop_map(Step::Batch),
        4 => (changes(5), changes(3), reads, scan)
            .prop_map(|(changes, other, reads, scan)| Step::Transaction { changes, other, reads, scan }),
        2 => Just(Step::TakeSnapshot),
        1 => Just(Step::DropSnapshot),
        1 => (0..KEYSPACES.len()).prop_map(Step::DropKeyspace),
        2 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        6 => (0..KEYSPACES.len(), 0_u8..40, 0_u8..42, any::<u32>())
            .prop_map(|(keyspace, start, end, from_back)| Step::Compare { keyspace, start, end, from_back }),
    ]
}

/// Keys of different lengths with shared beginnings, in the order of their numbers.
fn key_of(number: u8) -> Vec<u8> {
    let mut key = vec![b'k', number / 8];
    key.extend(std::iter::repeat_n(number % 8, usize::from(number % 8)));
    key
}

fn value_of(counter: &mut u64, length: u16) -> Vec<u8> {
    *counter += 1;
    let mut value = counter.to_le_bytes().to_vec();
    value.resize(8 + usize::from(length), *counter as u8);
    value
}

/// A database with its model.
struct Pair {
    storage: Arc<dyn LogStorage>,
    options: Options,
    database: Option<Database>,
    keyspaces: Vec<Keyspace>,
    model: Model,
    snapshots: Vec<(Snapshot, Model)>,
    counter: u64,
}

impl Pair {
    fn new(storage: Arc<dyn LogStorage>, options: Options) -> Pair {
        let mut pair = Pair {
            storage,
            options,
            database: None,
            keyspaces: Vec::new(),
            model: Model::default(),
            snapshots: Vec::new(),
            counter: 0,
        };
        pair.open();
        pair
    }

    fn open(&mut self) {
        let database = Database::open_storage(self.storage.clone(), self.options.clone()).unwrap();
        self.keyspaces = KEYSPACES.iter().map(|name| database.keyspace(name).unwrap()).collect();
        self.database = Some(database);
    }

    fn database(&self) -> &Database {
        self.database.as_ref().unwrap()
    }

    fn apply_to_model(&mut self, changes: &[Change], values: &[Vec<u8>]) {
        for (change, value) in changes.iter().zip(values) {
            apply(&mut self.model, change, value);
        }
    }

    fn values(&mut self, changes: &[Change]) -> Vec<Vec<u8>> {
        let mut counter = self.counter;
        let value = |change: &Change| match change {
            Change::Put { length, .. } => value_of(&mut counter, *length),
            _ => Vec::new(),
        };
        let values = changes.iter().map(value).collect();
        self.counter = counter;
        values
    }

    fn commit(&mut self, changes: &[Change]) {
        let values = self.values(changes);
        let mut batch = self.database().batch();
        for (change, value) in changes.iter().zip(&values) {
            match *change {
                Change::Put { keyspace, key, .. } => batch.put(&self.keyspaces[keyspace], key_of(key), value),
                Change::Delete { keyspace, key } => batch.delete(&self.keyspaces[keyspace], key_of(key)),
                Change::DeleteRange { keyspace, start, end } => {
                    batch.delete_range(&self.keyspaces[keyspace], key_of(start)..key_of(end))
                }
            };
        }
        batch.commit().unwrap();
        self.apply_to_model(changes, &values);
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Change(change) => self.commit_one(change),
            Step::Batch(changes) => self.commit(changes),
            Step::Transaction { changes, other, reads, scan } => self.transact(changes, other, reads, *scan),
            Step::Ingest { keyspace, keys, length } => self.ingest(*keyspace, keys, *length),
            Step::TakeSnapshot => {
                let snapshot = self.database().snapshot();
                self.snapshots.push((snapshot, self.model.clone()));
            }
            Step::DropSnapshot => drop(self.snapshots.pop()),
            Step::DropKeyspace(keyspace) => {
                assert!(self.database().drop_keyspace(KEYSPACES[*keyspace]).unwrap());
                self.model[*keyspace].clear();
                // Snapshots find the dropped one only through its old handle, which goes here.
                self.snapshots.clear();
                self.keyspaces[*keyspace] = self.database().keyspace(KEYSPACES[*keyspace]).unwrap();
            }
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

    fn ingest(&mut self, keyspace: usize, keys: &BTreeSet<u8>, length: u16) {
        // Keys of higher numbers are longer, and not greater by the order of bytes.
        let keys: BTreeSet<Vec<u8>> = keys.iter().map(|key| key_of(*key)).collect();
        let mut ingestion = self.keyspaces[keyspace].ingest().unwrap();
        let mut added = Map::new();
        for key in keys {
            let value = value_of(&mut self.counter, length);
            ingestion.add(&key, &value).unwrap();
            added.insert(key, value);
        }
        if self.counter.is_multiple_of(5) {
            return drop(ingestion);
        }
        ingestion.finish().unwrap();
        self.model[keyspace].extend(added);
    }

    fn commit_one(&mut self, change: &Change) {
        let values = self.values(std::slice::from_ref(change));
        match *change {
            Change::Put { keyspace, key, .. } => self.keyspaces[keyspace].put(key_of(key), &values[0]),
            Change::Delete { keyspace, key } => self.keyspaces[keyspace].delete(key_of(key)),
            Change::DeleteRange { keyspace, start, end } => {
                self.keyspaces[keyspace].delete_range(key_of(start)..key_of(end))
            }
        }
        .unwrap();
        self.apply_to_model(std::slice::from_ref(change), &values);
    }

    /// A transaction reads and writes; another commit comes in between. It must be refused just when that commit
    /// touched what it read.
    fn transact(
        &mut self,
        changes: &[Change],
        other: &[Change],
        reads: &[(usize, u8)],
        scan: Option<(usize, u8, u8)>,
    ) {
        let mut transaction = self.database().transaction();
        let mut own = self.model.clone();
        let values = self.values(changes);
        for (change, value) in changes.iter().zip(&values) {
            match *change {
                Change::Put { keyspace, key, .. } => {
                    transaction.put(&self.keyspaces[keyspace], key_of(key), value).unwrap();
                }
                Change::Delete { keyspace, key } => {
                    transaction.delete(&self.keyspaces[keyspace], key_of(key)).unwrap();
                }
                Change::DeleteRange { keyspace, start, end } => {
                    let range = key_of(start)..key_of(end);
                    transaction.delete_range(&self.keyspaces[keyspace], range).unwrap();
                }
            }
            apply(&mut own, change, value);
        }
        for &(keyspace, key) in reads {
            let found = transaction.get(&self.keyspaces[keyspace], key_of(key)).unwrap();
            assert_eq!(found.as_deref(), own[keyspace].get(&key_of(key)).map(Vec::as_slice));
        }
        if let Some((keyspace, start, end)) = scan {
            let bounds = (Bound::Included(key_of(start)), Bound::Excluded(key_of(end)));
            let found = transaction.range(&self.keyspaces[keyspace], bounds);
            assert_eq!(collect(found), expected(&own[keyspace], start, end));
        }
        let before = self.model.clone();
        self.commit(other);
        let may_conflict = reads.iter().any(|(keyspace, key)| touches(other, *keyspace, *key))
            || scan
                .is_some_and(|(keyspace, start, end)| (start..end).any(|key| touches(other, keyspace, key)));
        let writes = changes.iter().any(|change| !is_empty(change));
        match transaction.commit() {
            Ok(_) => {
                if writes {
                    let unseen = |&(keyspace, key): &(usize, u8)| {
                        before[keyspace].get(&key_of(key)) == self.model[keyspace].get(&key_of(key))
                            || changes
                                .iter()
                                .any(|change| touches(std::slice::from_ref(change), keyspace, key))
                    };
                    assert!(reads.iter().all(unseen), "a changed read went unnoticed");
                }
                self.apply_to_model(changes, &values);
            }
            Err(stroma_lsm::Error::Conflict { .. }) => assert!(may_conflict, "refused without reason"),
            Err(error) => panic!("{error}"),
        }
    }

    fn compare_range(&self, keyspace: usize, start: u8, end: u8, from_back: u32) {
        let bounds = || (Bound::Included(key_of(start)), Bound::Excluded(key_of(end)));
        let ranges = |snapshot: &Snapshot| snapshot.range(&self.keyspaces[keyspace], bounds());
        let mut pairs: Vec<(Range, &Model)> = vec![(self.keyspaces[keyspace].range(bounds()), &self.model)];
        pairs.extend(self.snapshots.iter().map(|(snapshot, model)| (ranges(snapshot), model)));
        for (mut range, model) in pairs {
            let mut expected: std::collections::VecDeque<_> = expected(&model[keyspace], start, end).into();
            for turn in 0.. {
                let (found, wanted) = if from_back >> (turn % 32) & 1 == 1 {
                    (range.next_back(), expected.pop_back())
                } else {
                    (range.next(), expected.pop_front())
                };
                let found = found.map(|entry| entry.map(|(key, value)| (key, value.into_vec())).unwrap());
                assert_eq!(found, wanted);
                if wanted.is_none() {
                    break;
                }
            }
        }
    }

    fn compare_all(&self) {
        for keyspace in 0..KEYSPACES.len() {
            self.compare_range(keyspace, 0, 255, 0);
            self.compare_range(keyspace, 0, 255, u32::MAX);
            for key in 0..41 {
                let found = self.keyspaces[keyspace].get(key_of(key)).unwrap();
                assert_eq!(found.as_deref(), self.model[keyspace].get(&key_of(key)).map(Vec::as_slice));
                for (snapshot, model) in &self.snapshots {
                    let found = snapshot.get(&self.keyspaces[keyspace], key_of(key)).unwrap();
                    assert_eq!(found.as_deref(), model[keyspace].get(&key_of(key)).map(Vec::as_slice));
                }
            }
        }
        let report = self.database().check();
        assert!(report.is_sound(), "{report:?}");
    }
}

fn apply(model: &mut Model, change: &Change, value: &[u8]) {
    match *change {
        Change::Put { keyspace, key, .. } => {
            model[keyspace].insert(key_of(key), value.to_vec());
        }
        Change::Delete { keyspace, key } => {
            model[keyspace].remove(&key_of(key));
        }
        Change::DeleteRange { keyspace, start, end } => {
            let (start, end) = (key_of(start), key_of(end));
            model[keyspace].retain(|key, _| !(start <= *key && *key < end));
        }
    }
}

fn touches(changes: &[Change], in_keyspace: usize, the_key: u8) -> bool {
    changes.iter().any(|change| match *change {
        Change::Put { keyspace, key, .. } | Change::Delete { keyspace, key } => {
            keyspace == in_keyspace && key == the_key
        }
        Change::DeleteRange { keyspace, start, end } => {
            keyspace == in_keyspace && (key_of(start)..key_of(end)).contains(&key_of(the_key))
        }
    })
}

fn is_empty(change: &Change) -> bool {
    matches!(change, Change::DeleteRange { start, end, .. } if key_of(*start) >= key_of(*end))
}

fn expected(map: &Map, start: u8, end: u8) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (start, end) = (key_of(start), key_of(end));
    let within = map.iter().filter(|(key, _)| start <= **key && **key < end);
    within.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn collect(range: Range) -> Vec<(Vec<u8>, Vec<u8>)> {
    range.map(|entry| entry.map(|(key, value)| (key, value.into_vec())).unwrap()).collect()
}

/// Small enough that a few dozen operations flush and merge.
fn options(memory_bytes: usize, background_threads: usize) -> Options {
    Options {
        memory_bytes,
        background_threads,
        block_bytes: 256,
        value_threshold: 250,
        // Some transactions spill.
        transaction_bytes: 1000,
        ..small(4 << 10)
    }
}

fn run(storage: Arc<dyn LogStorage>, options: Options, steps: &[Step]) {
    let mut pair = Pair::new(storage, options);
    for step in steps {
        pair.run(step);
    }
    pair.compare_all();
}

proptest! {
    #![proptest_config(cases::config(14, 150))]

    #[test]
    fn in_memory_without_threads(steps in prop::collection::vec(step(), 1..120)) {
        run(Arc::new(MemoryStorage::new()), options(64 << 10, 0), &steps);
    }
}

proptest! {
    #![proptest_config(cases::config(14, 30))]

    #[test]
    fn in_memory_with_threads(steps in prop::collection::vec(step(), 1..120)) {
        run(Arc::new(MemoryStorage::new()), options(64 << 10, 1), &steps);
    }

    #[test]
    fn in_a_directory(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let storage = LocalStorage::open(folder.path()).unwrap();
        run(Arc::new(storage), options(96 << 10, 1), &steps);
    }
}

/// Puts and a few deletes of mostly the same few keys, with everything else that may happen in between, though less
/// often: what is overwritten stays in memory, and leaves it piece by piece.
fn overwriting_step() -> impl Strategy<Value = Step> {
    let key = prop_oneof![4 => 0_u8..6, 1 => 0_u8..160];
    let change = || {
        let key = prop_oneof![4 => 0_u8..6, 1 => 0_u8..160];
        (0..KEYSPACES.len(), key, prop::option::weighted(0.9, 0_u16..600)).prop_map(
            |(keyspace, key, length)| match length {
                Some(length) => Change::Put { keyspace, key, length },
                None => Change::Delete { keyspace, key },
            },
        )
    };
    let changes = move |most| prop::collection::vec(change(), 0..most);
    let reads = prop::collection::vec((0..KEYSPACES.len(), key), 0..4);
    let scan = prop::option::of((0..KEYSPACES.len(), 0_u8..40, 0_u8..42));
    prop_oneof![
        400 => changes(12).prop_map(Step::Batch),
        40 => (changes(5), changes(3), reads, scan)
            .prop_map(|(changes, other, reads, scan)| Step::Transaction { changes, other, reads, scan }),
        12 => Just(Step::TakeSnapshot),
        10 => Just(Step::DropSnapshot),
        1 => (0..KEYSPACES.len(), 0_u8..40, 0_u8..42).prop_map(|(keyspace, start, end)| {
            Step::Change(Change::DeleteRange { keyspace, start, end })
        }),
        1 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        40 => (0..KEYSPACES.len(), 0_u8..40, 0_u8..42, any::<u32>())
            .prop_map(|(keyspace, start, end, from_back)| Step::Compare { keyspace, start, end, from_back }),
    ]
}

#[test]
fn what_stays_in_memory_answers_as_a_map_does() {
    let cases = 40;
    let mut runner = proptest::test_runner::TestRunner::new(cases::config(14, cases));
    let absorbed = std::sync::atomic::AtomicU64::new(0);
    let sheddings = std::sync::atomic::AtomicU64::new(0);
    let steps = prop::collection::vec(overwriting_step(), 100..500);
    let count = std::sync::atomic::Ordering::Relaxed;
    let outcome = runner.run(&(steps, 0_usize..2), |(steps, threads)| {
        let mut pair = Pair::new(Arc::new(MemoryStorage::new()), options(64 << 10, threads));
        for step in &steps {
            pair.run(step);
        }
        pair.compare_all();
        let statistics = pair.database().statistics();
        absorbed.fetch_add(statistics.absorbed_memtables, count);
        sheddings.fetch_add(statistics.sheddings, count);
        Ok(())
    });
    outcome.unwrap();
    let (absorbed, sheddings) = (absorbed.into_inner(), sheddings.into_inner());
    assert!(absorbed > 5 * u64::from(cases) && sheddings > 0, "{absorbed}, {sheddings}");
}
