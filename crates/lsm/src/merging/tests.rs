//! The merging and the visible cursor against sorted vectors and maps, both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::{MergingCursor, OWN_WRITES, Taker, Visibility, VisibleCursor};
use crate::Error;
use crate::cursor::{Cursor, EntriesCursor, OwnedEntry};
use crate::entry::{EntryRef, Sequence};
use crate::tombstones::RangeTombstones;

/// What happens to the store: each has the next sequence and goes to one of the sources.
#[derive(Clone, Debug)]
enum Write {
    Put(u8),
    Delete(u8),
    DeleteRange(u8, u8),
}

fn writes(keys: u8) -> impl Strategy<Value = Vec<(usize, Write)>> {
    let write = prop_oneof![
        6 => (0..keys).prop_map(Write::Put),
        2 => (0..keys).prop_map(Write::Delete),
        1 => (0..keys, 0..keys).prop_map(|(start, end)| Write::DeleteRange(start, end)),
    ];
    prop::collection::vec((0_usize..4, write), 0..80)
}

/// One step of a walk: see the `match` in each test.
fn steps() -> impl Strategy<Value = Vec<(u8, u8, u64)>> {
    prop::collection::vec((0_u8..11, 0_u8..24, 0_u64..90), 0..60)
}

/// Walks on over a few entries; answers those, and the one that was refused.
fn walk(cursor: &mut impl Cursor, steps: u64) -> (Result<bool, Error>, Vec<OwnedEntry>) {
    let mut walked = Vec::new();
    let on = cursor.next_while(&mut |entry| {
        let value = entry.kind.is_present().then(|| entry.value.to_vec());
        walked.push((entry.user_key.to_vec(), entry.sequence, value));
        walked.len() as u64 <= steps % 12
    });
    (on, walked)
}

/// Takes so many keys and values.
#[derive(Default)]
struct Taken {
    most: usize,
    before: Vec<u8>,
    passed: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Taker for Taken {
    fn begin(&mut self, key: &[u8]) {
        self.before = key.to_vec();
    }

    fn last_key(&self) -> &[u8] {
        self.passed.last().map_or(&self.before, |(key, _)| key)
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> bool {
        let takes = self.passed.len() < self.most;
        if takes {
            self.passed.push((key.to_vec(), value.to_vec()));
        }
        takes
    }
}

struct Scene {
    sources: Vec<Vec<OwnedEntry>>,
    tombstones: Vec<RangeTombstones>,
}

/// A key of varying length whose order is that of its number.
fn key(number: u8) -> Vec<u8> {
    let mut key = vec![b'z'; usize::from(number / 4)];
    key.push(b'a' + number % 4);
    if number == 0 { Vec::new() } else { key }
}

fn scene(writes: &[(usize, Write)]) -> Scene {
    let mut scene = Scene { sources: vec![Vec::new(); 4], tombstones: vec![RangeTombstones::default(); 4] };
    for (index, (source, write)) in writes.iter().enumerate() {
        let sequence = index as u64 + 1;
        match write {
            Write::Put(number) => {
                scene.sources[*source].push((key(*number), sequence, Some(sequence.to_le_bytes().to_vec())));
            }
            Write::Delete(number) => scene.sources[*source].push((key(*number), sequence, None)),
            Write::DeleteRange(start, end) => {
                scene.tombstones[*source].insert(&key(*start), &key(*end), sequence);
            }
        }
    }
    scene
}

fn seen_at(writes: &[(usize, Write)], snapshot: u64) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut map = BTreeMap::new();
    for ((_, write), sequence) in writes.iter().zip(1..=snapshot) {
        match write {
            Write::Put(number) => {
                map.insert(key(*number), sequence.to_le_bytes().to_vec());
            }
            Write::Delete(number) => {
                map.remove(&key(*number));
            }
            Write::DeleteRange(start, end) => {
                map.retain(|k, _| !(key(*start) <= *k && *k < key(*end)));
            }
        }
    }
    map
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn merged_sources_walk_as_one_sorted_vector(writes in writes(24), steps in steps()) {
        let scene = scene(&writes);
        let mut model = EntriesCursor::new(scene.sources.concat());
        let mut merged =
            MergingCursor::new(scene.sources.into_iter().map(EntriesCursor::new).collect::<Vec<_>>());
        for (step, number, sequence) in steps {
            let (on, expected) = match step {
                0 => (merged.seek_first(), model.seek_first()),
                1 => (merged.seek_last(), model.seek_last()),
                2 => (merged.seek(&key(number), sequence), model.seek(&key(number), sequence)),
                3 => (merged.seek_before(&key(number), sequence), model.seek_before(&key(number), sequence)),
                4..7 => (merged.next(), model.next()),
                7..10 => (merged.previous(), model.previous()),
                _ => {
                    let (walked, alike) = (walk(&mut merged, sequence), walk(&mut model, sequence));
                    prop_assert_eq!(walked.1, alike.1);
                    (walked.0, alike.0)
                }
            };
            prop_assert_eq!(on.unwrap(), expected.clone().unwrap());
            if expected.unwrap() {
                prop_assert_eq!(merged.entry(), model.entry());
            }
        }
    }

    #[test]
    fn a_snapshot_sees_what_a_map_held_then(
        // Few keys make long runs of versions, which are sought past.
        writes in prop_oneof![writes(24), writes(3)], snapshot in 0_u64..90, steps in steps(),
    ) {
        let scene = scene(&writes);
        let map = seen_at(&writes, snapshot);
        let keys: Vec<&Vec<u8>> = map.keys().collect();
        let merged =
            MergingCursor::new(scene.sources.into_iter().map(EntriesCursor::new).collect::<Vec<_>>());
        let tombstones = scene.tombstones.into_iter().map(Arc::new).collect();
        let mut cursor = VisibleCursor::new(merged, tombstones, Visibility::at(snapshot));
        let mut at: Option<usize> = None;
        for (step, number, _) in steps {
            let on = match step {
                0 => { at = Some(0); cursor.seek_first() }
                1 => { at = keys.len().checked_sub(1); cursor.seek_last() }
                2 => { at = Some(keys.partition_point(|k| **k < key(number))); cursor.seek(&key(number)) }
                3 => {
                    at = keys.partition_point(|k| **k < key(number)).checked_sub(1);
                    cursor.seek_before(&key(number))
                }
                4..7 => { at = at.map(|at| at + 1); cursor.next() }
                7..10 => { at = at.and_then(|at| at.checked_sub(1)); cursor.previous() }
                _ => {
                    let mut taken = Taken { most: usize::from(number) % 5, ..Taken::default() };
                    cursor.pass_plain(&mut taken).unwrap();
                    let passed = taken.passed;
                    if let Some(start) = at {
                        for (number, (key, value)) in passed.iter().enumerate() {
                            prop_assert_eq!((key, value), (keys[start + 1 + number], &map[keys[start + 1 + number]]));
                        }
                        at = Some(start + passed.len() + 1);
                    }
                    cursor.next()
                }
            };
            at = at.filter(|&at| at < keys.len());
            prop_assert_eq!(on.unwrap(), at.is_some());
            if let Some(at) = at {
                prop_assert_eq!(cursor.pair(), (&keys[at][..], &map[keys[at]][..]));
            }
        }
    }
}

#[test]
fn own_writes_come_before_what_the_snapshot_holds() {
    let committed: Vec<OwnedEntry> = (1..30).map(|s| (b"a".to_vec(), s, Some(vec![s as u8]))).collect();
    let own: Vec<OwnedEntry> = vec![
        (b"a".to_vec(), OWN_WRITES, Some(b"own".to_vec())),
        (b"b".to_vec(), OWN_WRITES + 1, Some(b"own".to_vec())),
        (b"c".to_vec(), OWN_WRITES + 3, Some(b"own".to_vec())),
    ];
    let mut own_deletes = RangeTombstones::default();
    own_deletes.insert(b"b", b"d", OWN_WRITES + 2);
    let inner = MergingCursor::new(vec![EntriesCursor::new(own), EntriesCursor::new(committed)]);
    let visibility = Visibility::with_own_writes(10);
    let mut cursor = VisibleCursor::new(inner, vec![Arc::new(own_deletes)], visibility);
    assert!(cursor.seek_first().unwrap());
    assert_eq!(cursor.pair(), (&b"a"[..], &b"own"[..]));
    assert!(cursor.next().unwrap());
    assert_eq!(cursor.pair(), (&b"c"[..], &b"own"[..]));
    assert!(cursor.previous().unwrap());
    assert_eq!(cursor.pair(), (&b"a"[..], &b"own"[..]));
    assert!(!cursor.previous().unwrap());
}

#[test]
fn an_error_of_a_source_sticks() {
    struct Failing;
    impl Cursor for Failing {
        fn seek_first(&mut self) -> Result<bool, Error> {
            Err(Error::corrupt("x", 0, "made for the test"))
        }
        fn seek_last(&mut self) -> Result<bool, Error> {
            Ok(false)
        }
        fn seek(&mut self, _: &[u8], _: Sequence) -> Result<bool, Error> {
            Ok(false)
        }
        fn seek_before(&mut self, _: &[u8], _: Sequence) -> Result<bool, Error> {
            Ok(false)
        }
        fn next(&mut self) -> Result<bool, Error> {
            Ok(false)
        }
        fn previous(&mut self) -> Result<bool, Error> {
            Ok(false)
        }
        fn entry(&self) -> EntryRef<'_> {
            unreachable!("never stands on an entry")
        }
    }
    let good: Box<dyn Cursor> = Box::new(EntriesCursor::new(vec![(b"a".to_vec(), 1, None)]));
    let mut merged = MergingCursor::new(vec![good, Box::new(Failing)]);
    assert!(merged.seek_last().unwrap());
    assert!(merged.seek_first().is_err());
    assert!(merged.seek_last().is_err());
    assert!(merged.next().is_err());
}

#[test]
fn keys_of_the_tests_ascend() {
    let keys: Vec<Vec<u8>> = (0..24).map(key).collect();
    assert!(keys.is_sorted());
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
}
