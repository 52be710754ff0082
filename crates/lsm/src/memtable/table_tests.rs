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

/// Keys in an order that is hard on the index: key `number` of so many.
fn key_in(order: u32, number: u64, count: u64) -> u64 {
    match order {
        0 => number,
        1 => u64::MAX - number,
        // From both ends.
        2 if number.is_multiple_of(2) => number,
        2 => u64::MAX - number,
        // A leaf but for one entry ascending, and then all descending towards that.
        3 if number < 14 => number,
        3 => u64::MAX - number,
        // The same again and again.
        4 if number % 15 < 14 => ((number / 15) << 32) | (number % 15),
        4 => ((number / 15) << 32) | (1 << 31),
        // All runs of 14 first, and then in turn one behind each, descending.
        5 if number < count / 2 => ((number / 14) << 32) | (number % 14),
        5 => {
            let runs = count / 2 / 14;
            ((number % runs) << 32) | (u64::from(u32::MAX) - number / runs)
        }
        _ => number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    }
}

#[test]
fn what_was_reserved_can_be_linked_whatever_the_order_of_the_keys() {
    for index_bytes in [15 << 10, 100 << 10, 1 << 20] {
        for order in 0..7 {
            for batches in [1, 2, 50] {
                link_as_much_as_is_reserved(index_bytes, order, batches);
            }
        }
    }
}

/// Links so many batches of equal size, the largest for which the index has room.
fn link_as_much_as_is_reserved(index_bytes: usize, order: u32, batches: u64) {
    let case = format!("an index of {index_bytes}, order {order}, {batches} batches");
    let pool = Pool::new(PoolOptions { capacity_bytes: 8 << 20, segment_bytes: 4 << 10 }).unwrap();
    let memtable = Memtable::new(&MemtableOptions { pool: pool.clone(), index_bytes }, 1, 0).unwrap();
    let count = (1..).take_while(|count| Memtable::index_bytes_for(*count) <= index_bytes).last().unwrap();
    let each = u64::from(count).div_ceil(batches);
    let mut sequence = 0;
    let mut charged = 0;
    while sequence < u64::from(count) {
        if memtable.reserve_index(index_bytes, each as u32, sequence + each).is_err() {
            break;
        }
        charged = pool.statistics().charged_bytes;
        let mut payload = Vec::new();
        for number in sequence..sequence + each {
            let key = key_in(order, number, u64::from(count)).to_be_bytes();
            Operation::encode_put(&mut payload, b"", &key, b"");
        }
        commit(&memtable, sequence + 1, &payload);
        sequence += each;
    }
    assert!(sequence > 0 && memtable.len() as u64 == sequence, "{case}");
    let taken = memtable.index_bytes();
    assert!(taken <= charged + charged * 3 / 8, "{case}: {taken} bytes of index, {charged} charged");
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
