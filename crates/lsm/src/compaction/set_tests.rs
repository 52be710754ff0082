//! Tables in a layered set: sealed, merged by every policy and reopened, they show what a map held.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use stroma_strata::picker::Limits;
use stroma_strata::storage::{MemoryStorage, Storage};
use stroma_strata::{LayeredSet, MergePolicy, SetOptions, Version};

use super::TableKind;
use super::forward::Forward;
use super::inputs::Inputs;
use crate::Compression;
use crate::block_cache::Caching;
use crate::cursor::{EntriesCursor, OwnedEntry};
use crate::entry::{Kind, Sequence};
use crate::merging::{MergingCursor, Visibility, VisibleCursor};
use crate::options::Options;
use crate::rules::Resolver;
use crate::table::{LevelCursor, Lookup, TableOptions};
use crate::tombstones::RangeTombstones;
use crate::values::{ValueRules, ValueStore};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// All values in tables.
fn no_value_files() -> ValueRules {
    ValueRules::new(&Options { value_threshold: usize::MAX, ..Options::default() })
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8),
    Delete(u8),
    DeleteRange(u8, u8),
    Snapshot,
    Release,
    Seal,
    Merge,
    MergeAll,
    Reopen,
}

/// Keys in the order of their numbers, eight of which have the same first sixteen bytes, or none but zeros behind what
/// is the same: heads do not tell them apart.
fn key_of(number: u8) -> Vec<u8> {
    let zeros = match number % 8 {
        0 => 0,
        1 => 1,
        2 => 15,
        3 => 16,
        rest => return [&[number / 8][..], &[0; 15], &[rest, 9, 9]].concat(),
    };
    [&[number / 8][..], &[0; 16][..zeros]].concat()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        40 => (0_u8..60).prop_map(Step::Put),
        10 => (0_u8..60).prop_map(Step::Delete),
        4 => (0_u8..60, 0_u8..64).prop_map(|(start, end)| Step::DeleteRange(start, end)),
        3 => Just(Step::Snapshot),
        2 => Just(Step::Release),
        8 => Just(Step::Seal),
        4 => Just(Step::Merge),
        1 => Just(Step::MergeAll),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..250)
}

fn policies() -> impl Strategy<Value = MergePolicy> {
    let limits =
        Limits { level0_runs: 2, level1_bytes: 3000, multiplier: 2, deepest_level: 3, table_bytes: 900 };
    prop::sample::select(vec![
        MergePolicy::Tiered { fanout: 2 },
        MergePolicy::Tiered { fanout: 3 },
        MergePolicy::TieredThenLevelled(limits),
    ])
}

struct Scene {
    storage: Arc<MemoryStorage>,
    policy: MergePolicy,
    set: Option<LayeredSet<TableKind>>,
    /// The present is the last.
    snapshots: Arc<Mutex<Vec<Sequence>>>,
    held: Vec<(Sequence, Map)>,
    sequence: Sequence,
    now: Map,
    entries: Vec<OwnedEntry>,
    tombstones: RangeTombstones,
    /// How often it was opened: every second time tables are compressed.
    opened: u32,
}

impl Scene {
    fn new(policy: MergePolicy) -> Self {
        let mut scene = Scene {
            storage: Arc::new(MemoryStorage::new()),
            policy,
            set: None,
            snapshots: Arc::default(),
            held: Vec::new(),
            sequence: 0,
            now: Map::new(),
            entries: Vec::new(),
            tombstones: RangeTombstones::default(),
            opened: 0,
        };
        scene.open();
        scene
    }

    fn open(&mut self) {
        self.set = None;
        let snapshots = self.snapshots.clone();
        self.opened += 1;
        let compression =
            if self.opened.is_multiple_of(2) { Compression::for_values() } else { Compression::None };
        let options = TableOptions { block_bytes: 100, compression, ..TableOptions::default() };
        let in_use = Arc::new(move || snapshots.lock().unwrap().clone());
        let values = Arc::new(ValueStore::new(self.storage.clone(), None));
        let kind = TableKind::new(options, in_use, Resolver::without_rules(values), no_value_files());
        let set_options = SetOptions { policy: self.policy.clone(), ..SetOptions::default() };
        self.set = Some(LayeredSet::open(self.storage.clone(), kind, set_options).unwrap().0);
    }

    fn set(&self) -> &LayeredSet<TableKind> {
        self.set.as_ref().unwrap()
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Put(key) => {
                self.sequence += 1;
                let value = self.sequence.to_le_bytes().repeat(1 + usize::from(key / 4 % 4));
                self.now.insert(key_of(key), value.clone());
                self.entries.push((key_of(key), self.sequence, Some(value)));
            }
            Step::Delete(key) => {
                self.sequence += 1;
                self.now.remove(&key_of(key));
                self.entries.push((key_of(key), self.sequence, None));
            }
            Step::DeleteRange(start, end) => {
                self.sequence += 1;
                let (start, end) = (key_of(start), key_of(end));
                self.now.retain(|key, _| !(start <= *key && *key < end));
                self.tombstones.insert(&start, &end, self.sequence);
            }
            Step::Snapshot => self.held.push((self.sequence, self.now.clone())),
            Step::Release => {
                if !self.held.is_empty() {
                    self.held.remove(0);
                }
            }
            Step::Seal => self.seal(),
            Step::Merge => {
                self.note_snapshots();
                self.set().merge_until_idle().unwrap();
            }
            Step::MergeAll => {
                self.note_snapshots();
                self.set().merge_all().unwrap();
            }
            Step::Reopen => self.open(),
        }
    }

    fn note_snapshots(&self) {
        let held = self.held.iter().map(|held| held.0);
        *self.snapshots.lock().unwrap() = held.chain([self.sequence]).collect();
    }

    fn seal(&mut self) {
        if self.entries.is_empty() && self.tombstones.is_empty() {
            return;
        }
        self.note_snapshots();
        let source = EntriesCursor::new(std::mem::take(&mut self.entries));
        let tombstones = Arc::new(std::mem::take(&mut self.tombstones));
        let set = self.set();
        let mut edit = set.edit();
        edit.write_layer(0, set.next_recency(), |writer| set.kind().seal(source, &tombstones, writer))
            .unwrap();
        edit.commit().unwrap();
    }

    fn check(&self) {
        let version = self.set().current();
        for (snapshot, map) in self.held.iter().chain([&(self.sequence, self.now.clone())]) {
            assert_eq!(&scan(&version, *snapshot), map, "at {snapshot}");
            for key in 0..61 {
                assert_eq!(
                    get(&version, &key_of(key), *snapshot).as_ref(),
                    map.get(&key_of(key)),
                    "{key} at {snapshot}"
                );
            }
        }
        check_inputs(&version);
        assert!(self.set().verify().iter().all(|layer| layer.outcome.is_ok()));
    }
}

/// What a merge of all layers reads is what cursors over each of them show.
fn check_inputs(version: &Version<TableKind>) {
    let layers: Vec<_> = version.layers().cloned().collect();
    let cursors = layers.iter().map(|layer| layer.layer().table().unwrap().cursor(Caching::Bypass)).collect();
    let (mut expected, mut inputs) = (MergingCursor::new(cursors), Inputs::new(&layers).unwrap());
    let mut ons = (expected.first().unwrap(), inputs.first().unwrap());
    for start in 0..61 {
        let mut left = if start == 0 { usize::MAX } else { 3 };
        while left > 0 && (ons.0 || ons.1) {
            assert_eq!(ons, (true, true), "from {start}");
            assert_eq!(expected.entry(), inputs.entry(), "from {start}");
            ons = (expected.next().unwrap(), inputs.next().unwrap());
            left -= 1;
        }
        let sequence = u64::from(start) * 3;
        let key = key_of(start);
        ons = (expected.seek(&key, sequence).unwrap(), inputs.seek(&key, sequence).unwrap());
    }
}

fn scan(version: &Version<TableKind>, snapshot: Sequence) -> Map {
    let cursors = version
        .runs()
        .map(|run| {
            LevelCursor::new(run.iter().map(|layer| layer.layer().handle().clone()).collect(), Caching::Use)
        })
        .collect();
    let tombstones = version.layers().map(|layer| Arc::clone(layer.layer().tombstones())).collect();
    let mut cursor = VisibleCursor::new(MergingCursor::new(cursors), tombstones, Visibility::at(snapshot));
    let mut map = Map::new();
    let mut on = cursor.seek_last().unwrap();
    while on {
        let (key, value) = cursor.pair();
        map.insert(key.to_vec(), value.to_vec());
        on = cursor.previous().unwrap();
    }
    map
}

fn get(version: &Version<TableKind>, key: &[u8], snapshot: Sequence) -> Option<Vec<u8>> {
    let lookup = Lookup::new(key, snapshot);
    let mut deleted = 0;
    for run in version.runs() {
        let Some(layer) = run.find(key) else { continue };
        let table = layer.layer().table().unwrap();
        deleted = table.tombstones().newest(key, Visibility::at(snapshot)).unwrap_or(0).max(deleted);
        let found = table
            .get(&lookup, |entry| {
                (entry.kind == Kind::Put && entry.sequence > deleted).then(|| entry.value.to_vec())
            })
            .unwrap();
        if let Some(found) = found {
            return found;
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_set_of_tables_shows_what_a_map_held(steps in steps(), policy in policies()) {
        let mut scene = Scene::new(policy);
        for step in &steps {
            scene.run(step);
            if matches!(step, Step::Merge | Step::MergeAll) {
                scene.seal();
                scene.check();
            }
        }
        scene.seal();
        scene.check();
    }
}

#[test]
fn a_table_in_anothers_place_is_refused() {
    let mut scene = Scene::new(MergePolicy::Tiered { fanout: 4 });
    for key in [4, 5] {
        scene.run(&Step::Put(key));
        scene.seal();
    }
    let version = scene.set().current();
    let names: Vec<String> = version.layers().map(|layer| layer.descriptor().blob_name()).collect();
    drop(version);
    scene.set = None;
    let other = scene.storage.contents(&names[0]).unwrap();
    scene.storage.replace(&names[1], other);
    let values = Arc::new(ValueStore::new(scene.storage.clone(), None));
    let resolver = Resolver::without_rules(values);
    let kind = TableKind::new(TableOptions::default(), Arc::new(Vec::new), resolver, no_value_files());
    let storage: Arc<dyn Storage> = scene.storage.clone();
    let error = LayeredSet::open(storage, kind, SetOptions::default()).unwrap_err();
    assert!(error.to_string().contains("not the table that the manifest means"), "{error}");
}
