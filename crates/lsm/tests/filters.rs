//! Compaction filters: what they take out or change is so for those who begin to read later, and for nobody else.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/cases.rs"]
mod cases;
#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use small::small;
use stroma_lsm::{
    Candidate, CompactionFilter, Compression, Database, Decision, Keyspace, KeyspaceOptions, Options,
    Snapshot,
};
use stroma_strata::runtime::{Clock as _, ManualClock};
use stroma_strata::storage::MemoryStorage;

/// By the first byte of the value: `-` goes, `~` becomes `=` and as many dots as it was long, all others stay.
struct ByFirstByte;

impl CompactionFilter for ByFirstByte {
    fn decide(&self, entry: &Candidate<'_>) -> Decision {
        assert!(entry.level() <= 3 && entry.key().starts_with(b"k"));
        match filtered(&entry.value().unwrap()) {
            None => Decision::Remove,
            Some(after) if *after == *entry.value().unwrap() => Decision::Keep,
            Some(after) => Decision::Change(after),
        }
    }
}

fn filtered(value: &[u8]) -> Option<Vec<u8>> {
    match value.first() {
        Some(b'-') => None,
        Some(b'~') => Some([b"=".to_vec(), vec![b'.'; value.len()]].concat()),
        _ => Some(value.to_vec()),
    }
}

fn options(clock: &Arc<ManualClock>, background_threads: usize, value_compression: Compression) -> Options {
    Options {
        memory_bytes: 64 << 10,
        background_threads,
        block_bytes: 256,
        value_threshold: 250,
        value_compression,
        clock: clock.clone(),
        ..small(4 << 10)
    }
    .with_keyspace("all", KeyspaceOptions::default().filtering(ByFirstByte))
}

#[derive(Debug, Clone)]
enum Step {
    Put { key: u8, first: u8, length: u16, expires: Option<u8> },
    Ingest { first: u8, keys: u8 },
    Delete(u8),
    Wait(u8),
    TakeSnapshot,
    DropSnapshot,
    Flush,
    Compact,
    Reopen,
    Compare,
}

fn step() -> impl Strategy<Value = Step> {
    let length = || prop_oneof![8 => 0_u16..90, 1 => 0_u16..600];
    let first = || prop::sample::select(vec![b'-', b'~', b'+']);
    let expires = prop::option::weighted(0.2, 0_u8..100);
    prop_oneof![
        20 => (0_u8..40, first(), length(), expires)
            .prop_map(|(key, first, length, expires)| Step::Put { key, first, length, expires }),
        2 => (first(), 0_u8..40).prop_map(|(first, keys)| Step::Ingest { first, keys }),
        3 => (0_u8..40).prop_map(Step::Delete),
        2 => (0_u8..50).prop_map(Step::Wait),
        3 => Just(Step::TakeSnapshot),
        2 => Just(Step::DropSnapshot),
        4 => Just(Step::Flush),
        2 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        4 => Just(Step::Compare),
    ]
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

struct Scene {
    storage: MemoryStorage,
    clock: Arc<ManualClock>,
    threads: usize,
    value_compression: Compression,
    open: Option<(Database, Keyspace)>,
    /// What was put last, and when it expires.
    model: BTreeMap<Vec<u8>, (Vec<u8>, Option<Duration>)>,
    /// What each saw when it was taken.
    snapshots: Vec<(Snapshot, Map)>,
    counter: u32,
}

impl Scene {
    fn new(threads: usize, value_compression: Compression) -> Scene {
        let clock = Arc::new(ManualClock::new());
        clock.advance(Duration::from_secs(5));
        let (storage, model) = (MemoryStorage::new(), BTreeMap::new());
        let mut scene = Scene {
            storage,
            clock,
            threads,
            value_compression,
            open: None,
            model,
            snapshots: Vec::new(),
            counter: 0,
        };
        scene.reopen();
        scene
    }

    fn reopen(&mut self) {
        self.snapshots.clear();
        self.open = None;
        let options = options(&self.clock, self.threads, self.value_compression);
        let database = Database::open_storage(Arc::new(self.storage.clone()), options).unwrap();
        let keyspace = database.keyspace("all").unwrap();
        self.open = Some((database, keyspace));
    }

    fn database(&self) -> &Database {
        &self.open.as_ref().unwrap().0
    }

    fn keyspace(&self) -> &Keyspace {
        &self.open.as_ref().unwrap().1
    }

    fn value(&mut self, first: u8, length: u16) -> Vec<u8> {
        self.counter += 1;
        let mut value = format!("{}{}", char::from(first), self.counter).into_bytes();
        match self.counter % 3 {
            // What nothing compresses.
            0 => value.extend((0..length).scan(self.counter, |state, _| {
                *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                Some((*state >> 24) as u8)
            })),
            _ => value.resize(value.len() + usize::from(length), b'x'),
        }
        value
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Put { key, first, length, expires } => {
                let value = self.value(first, length);
                let after = expires.map(|after| Duration::from_millis(u64::from(after)));
                match after {
                    Some(after) => self.keyspace().put_expiring(key_of(key), &value, after),
                    None => self.keyspace().put(key_of(key), &value),
                }
                .unwrap();
                self.model.insert(key_of(key), (value, after.map(|after| self.clock.now() + after)));
            }
            Step::Ingest { first, keys } => {
                let mut ingestion = self.keyspace().ingest().unwrap();
                for key in 0..keys {
                    let value = self.value(first, 5);
                    ingestion.add(key_of(key), &value).unwrap();
                    self.model.insert(key_of(key), (value, None));
                }
                ingestion.finish().unwrap();
            }
            Step::Delete(key) => {
                self.keyspace().delete(key_of(key)).unwrap();
                self.model.remove(&key_of(key));
            }
            Step::Wait(milliseconds) => self.clock.advance(Duration::from_millis(u64::from(milliseconds))),
            Step::TakeSnapshot => {
                let snapshot = self.database().snapshot();
                let seen = self.seen_by(&snapshot);
                self.check_present(&seen, false);
                self.snapshots.push((snapshot, seen));
            }
            Step::DropSnapshot => drop(self.snapshots.pop()),
            Step::Flush => self.database().flush().unwrap(),
            Step::Compact => {
                self.database().compact().unwrap();
                self.check_present(&self.present(), true);
            }
            Step::Reopen => self.reopen(),
            Step::Compare => self.compare(),
        }
    }

    fn seen_by(&self, snapshot: &Snapshot) -> Map {
        let entries = snapshot.range::<&[u8]>(self.keyspace(), ..);
        entries.map(|entry| entry.map(|(key, value)| (key, value.into_vec())).unwrap()).collect()
    }

    fn present(&self) -> Map {
        self.keyspace()
            .iter()
            .map(|entry| entry.map(|(key, value)| (key, value.into_vec())).unwrap())
            .collect()
    }

    /// Whether each entry is as it was put, or as the filter makes it; only the latter after everything was merged.
    fn check_present(&self, seen: &Map, is_merged: bool) {
        let now = self.clock.now();
        for (key, (value, expires)) in &self.model {
            let is_alive = expires.is_none_or(|expires| expires > now);
            let raw = Some(value).filter(|_| is_alive);
            let done = filtered(value).filter(|_| is_alive);
            let found = seen.get(key);
            assert!(
                found == done.as_ref() || (!is_merged && found == raw),
                "{key:?}: {found:?}, put {value:?}"
            );
        }
        assert!(seen.keys().all(|key| self.model.contains_key(key)));
    }

    fn compare(&self) {
        self.check_present(&self.present(), false);
        for (snapshot, seen) in &self.snapshots {
            assert_eq!(self.seen_by(snapshot), *seen);
            let backwards = snapshot.range::<&[u8]>(self.keyspace(), ..).rev();
            assert_eq!(backwards.filter(Result::is_ok).count(), seen.len());
            for key in (0..40).map(key_of) {
                let found = snapshot.get(self.keyspace(), &key).unwrap();
                assert_eq!(found.as_deref(), seen.get(&key).map(Vec::as_slice));
            }
        }
        let report = self.database().check();
        assert!(report.is_sound(), "{report:?}");
    }
}

fn key_of(number: u8) -> Vec<u8> {
    vec![b'k', number / 8, number % 8]
}

fn run(threads: usize, value_compression: Compression, steps: &[Step]) {
    let mut scene = Scene::new(threads, value_compression);
    for step in steps {
        scene.run(step);
    }
    scene.compare();
    scene.run(&Step::Compact);
    scene.compare();
    scene.snapshots.clear();
    scene.run(&Step::Compact);
    scene.run(&Step::Reopen);
    scene.check_present(&scene.present(), true);
}

proptest! {
    #![proptest_config(cases::config(36, 120))]

    #[test]
    fn snapshots_see_what_they_saw_without_threads(steps in prop::collection::vec(step(), 1..150)) {
        run(0, Compression::None, &steps);
    }

    #[test]
    fn snapshots_see_what_they_saw_of_packed_values(steps in prop::collection::vec(step(), 1..150)) {
        run(0, Options::default().value_compression, &steps);
    }
}

proptest! {
    #![proptest_config(cases::config(36, 30))]

    #[test]
    fn snapshots_see_what_they_saw_with_threads(steps in prop::collection::vec(step(), 1..150)) {
        run(2, Options::default().value_compression, &steps);
    }
}

#[test]
fn space_comes_back_when_the_last_reader_from_before_has_gone() {
    // How many bytes there are is looked at.
    let scene = Scene::new(0, Compression::None);
    for number in 0..30_u8 {
        scene.keyspace().put(key_of(number), [b"-".to_vec(), vec![number; 300]].concat()).unwrap();
    }
    scene.keyspace().put(key_of(35), "+stays").unwrap();
    let before = scene.database().snapshot();
    let scan = scene.keyspace().iter();
    for _ in 0..2 {
        scene.database().compact().unwrap();
        assert_eq!(scene.keyspace().iter().count(), 1);
        assert_eq!(scene.seen_by(&before).len(), 31);
        assert!(scene.database().statistics().live_value_bytes > 9000);
    }
    assert_eq!(scan.count(), 31);
    drop(before);
    scene.database().compact().unwrap();
    assert_eq!(scene.database().statistics().live_value_bytes, 0);
    assert_eq!(scene.keyspace().iter().count(), 1);
    assert!(scene.database().check().is_sound());
}

/// Readers that begin while merges end see each merge wholly or not at all, again and again the same.
#[test]
fn readers_beside_merges_see_the_same_twice() {
    let scene = Scene::new(2, Compression::None);
    let (database, keyspace) = (scene.database().clone(), scene.keyspace().clone());
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..150_u32 {
                for number in 0..30_u8 {
                    let first = [b'-', b'~', b'+'][usize::from(number) % 3];
                    let value = [vec![first], round.to_be_bytes().to_vec(), vec![b'x'; 40]].concat();
                    keyspace.put(key_of(number), value).unwrap();
                }
                if round % 10 == 9 {
                    database.compact().unwrap();
                }
            }
        });
        let mut looked = 0;
        while !writer.is_finished() || looked < 20 {
            let snapshot = database.snapshot();
            let first = scene.seen_by(&snapshot);
            std::thread::yield_now();
            assert_eq!(scene.seen_by(&snapshot), first);
            for key in (0..30).map(key_of) {
                let found = snapshot.get(&keyspace, &key).unwrap();
                assert_eq!(found.as_deref(), first.get(&key).map(Vec::as_slice));
            }
            looked += 1;
        }
    });
}
