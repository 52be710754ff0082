//! A memtable against a sorted map of all versions.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stroma_logmem::PoolOptions;

use super::super::MemtableCursor;
use super::*;
use crate::cursor::Cursor;

fn memtable() -> Arc<Memtable> {
    let pool = Pool::new(PoolOptions { capacity_bytes: 4 << 20, segment_bytes: 16 << 10 }).unwrap();
    Arc::new(Memtable::new(&MemtableOptions { pool, index_bytes: 1 << 20 }, 7, 0).unwrap())
}

fn commit(memtable: &Memtable, sequence: Sequence, payload: &[u8]) {
    let mut staged = Staged::default();
    memtable.stage(payload, &mut staged).unwrap();
    memtable.link(std::iter::once((sequence, payload)), &staged).unwrap();
}

fn put(key: u8, value: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    Operation::encode_put(&mut payload, b"", &[key], value);
    payload
}

#[test]
fn what_is_only_staged_is_not_seen() {
    let memtable = memtable();
    let mut staged = Staged::default();
    let payload = put(1, b"x");
    memtable.stage(&payload, &mut staged).unwrap();
    assert!(memtable.is_empty());
    assert!(memtable.newest(&[1], Visibility::at(9)).is_none());
    memtable.link(std::iter::once((3, payload.as_slice())), &staged).unwrap();
    assert_eq!(memtable.last_sequence(), 3);
    assert_eq!(memtable.newest(&[1], Visibility::at(9)).unwrap().value, b"x");
    assert!(memtable.newest(&[1], Visibility::at(2)).is_none());
}

#[test]
fn running_out_of_memory_is_an_error_that_leaves_the_rest_readable() {
    let pool = Pool::new(PoolOptions { capacity_bytes: 64 << 10, segment_bytes: 16 << 10 }).unwrap();
    let memtable = Memtable::new(&MemtableOptions { pool, index_bytes: 1 << 20 }, 1, 0).unwrap();
    let mut sequence = 0;
    let failed = loop {
        let mut staged = Staged::default();
        let payload = put((sequence % 250) as u8, &[9; 1000]);
        match memtable.stage(&payload, &mut staged) {
            Ok(()) => {
                sequence += 1;
                memtable.link(std::iter::once((sequence, payload.as_slice())), &staged).unwrap();
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(failed, Error::Memory(_)), "{failed}");
    assert!(sequence > 30);
    assert_eq!(memtable.newest(&[0], Visibility::at(sequence)).unwrap().value, [9; 1000]);
}

/// So many cases, the same in every run.
fn config(cases: u32) -> ProptestConfig {
    let rng_seed = proptest::test_runner::RngSeed::Fixed(14);
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn cursors_and_lookups_agree_with_a_map_of_versions(
        writes in prop::collection::vec((0_u8..20, any::<bool>()), 1..150), probe in 0_u8..22, snapshot in 0_u64..160,
    ) {
        let memtable = memtable();
        let mut model = BTreeMap::new();
        for (sequence, &(key, is_put)) in (1_u64..).zip(&writes) {
            let mut payload = Vec::new();
            if is_put {
                Operation::encode_put(&mut payload, b"", &[key], &sequence.to_le_bytes());
            } else {
                Operation::encode_delete(&mut payload, b"", &[key]);
            }
            commit(&memtable, sequence, &payload);
            model.insert((key, u64::MAX - sequence), (sequence, is_put));
        }
        let mut cursor = MemtableCursor::new(memtable.clone());
        let mut forward = Vec::new();
        let mut on = cursor.seek_first().unwrap();
        while on {
            forward.push((cursor.entry().user_key[0], cursor.entry().sequence));
            on = cursor.next().unwrap();
        }
        let expected: Vec<_> = model.iter().map(|(key, value)| (key.0, value.0)).collect();
        prop_assert_eq!(&forward, &expected);
        let mut backward = Vec::new();
        let mut on = cursor.seek_last().unwrap();
        while on {
            backward.push((cursor.entry().user_key[0], cursor.entry().sequence));
            on = cursor.previous().unwrap();
        }
        backward.reverse();
        prop_assert_eq!(&backward, &expected);
        let newest = model.range((probe, u64::MAX - snapshot)..).next().filter(|entry| entry.0.0 == probe);
        let found = memtable.newest(&[probe], Visibility::at(snapshot));
        prop_assert_eq!(found.map(|entry| entry.sequence), newest.map(|entry| entry.1.0));
    }

    #[test]
    fn changes_after_a_sequence_are_those_committed_after_it(
        writes in prop::collection::vec((0_u8..200, 0_u8..10), 1..400), since in 0_u64..400,
    ) {
        let memtable = memtable();
        for (sequence, &(key, kind)) in (1_u64..).zip(&writes) {
            let mut payload = Vec::new();
            match kind {
                0 => Operation::encode_delete_range(&mut payload, &[key], &[key.saturating_add(3)]),
                _ => Operation::encode_put(&mut payload, b"", &[key], b"v"),
            }
            commit(&memtable, sequence, &payload);
        }
        let mut found: Vec<(bool, u8)> = Vec::new();
        memtable.changes_after(since, |change| {
            found.push(match change {
                Change::Key(key) => (false, key[0]),
                Change::Range { start, .. } => (true, start[0]),
            });
            true
        });
        found.sort_unstable();
        let mut expected: Vec<(bool, u8)> =
            writes.iter().skip(since as usize).map(|&(key, kind)| (kind == 0, key)).collect();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
    }
}
