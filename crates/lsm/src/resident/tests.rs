//! The resident layer against a map of all versions, over random memtables, snapshots and sheddings.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use stroma_logmem::{Pool, PoolOptions};

use super::*;
use crate::compaction::Retention;
use crate::cursor::Cursor;
use crate::entry::{MAX_SEQUENCE, Sequence};
use crate::log::Operation;
use crate::memtable::{Memtable, MemtableOptions, Staged};
use crate::merging::Visibility;

type Versions = BTreeMap<(Vec<u8>, Reverse<Sequence>), Option<Vec<u8>>>;

/// One memtable's operations, the snapshots in use when it is absorbed, and whether something is shed before.
type Round = (Vec<(u8, Option<u16>)>, Vec<u8>, u8);

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let operation = (0_u8..50, prop::option::weighted(0.8, 0_u16..700));
    let round = (prop::collection::vec(operation, 1..80), prop::collection::vec(0_u8..100, 0..3), 0_u8..10);
    prop::collection::vec(round, 1..8)
}

/// Some keys differ in their heads, some only after them, some are shorter than a head.
fn key_of(number: u8) -> Vec<u8> {
    match number % 3 {
        0 => vec![number],
        1 => [b"a head of twelve and more ".as_slice(), &[number]].concat(),
        _ => vec![number; 12 + usize::from(number % 4)],
    }
}

fn pool(capacity_bytes: usize) -> Pool {
    Pool::new(PoolOptions { capacity_bytes, segment_bytes: 512 }).unwrap()
}

struct Harness {
    pool: Pool,
    room: CleaningRoom,
    sequence: Sequence,
    log_number: u64,
    resident: Resident,
    model: Versions,
}

impl Harness {
    fn new(capacity_bytes: usize) -> Self {
        let pool = pool(capacity_bytes);
        let room = CleaningRoom {
            pool: pool.clone(),
            log_bytes: 4096,
            copy_bytes: 8192,
            all_copies_bytes: 16 << 10,
        };
        let (sequence, log_number) = (0, 0);
        Harness { pool, room, sequence, log_number, resident: Resident::default(), model: Versions::new() }
    }

    fn memtable(&mut self, operations: &[(u8, Option<u16>)]) -> Memtable {
        self.log_number += 1;
        let options = MemtableOptions { pool: self.pool.clone(), index_bytes: 64 << 10 };
        let memtable = Memtable::new(&options, self.log_number, 0).unwrap();
        for &(key, length) in operations {
            self.sequence += 1;
            let key = key_of(key);
            let value = length.map(|length| vec![self.sequence as u8; usize::from(length)]);
            let mut payload = Vec::new();
            match &value {
                Some(value) => Operation::encode_put(&mut payload, b"", &key, value),
                None => Operation::encode_delete(&mut payload, b"", &key),
            }
            let mut staged = Staged::default();
            if memtable.stage(&payload, &mut staged).is_err() {
                // Memory ran out: the memtable is full.
                self.sequence -= 1;
                break;
            }
            memtable.link(std::iter::once((self.sequence, payload.as_slice())), &staged).unwrap();
            self.model.insert((key, Reverse(self.sequence)), value);
        }
        memtable.note_log(1000, false);
        memtable
    }

    fn absorb(&mut self, memtable: &Memtable, snapshots: &[Sequence]) {
        let retention = Retention::new([snapshots, &[self.sequence]].concat(), false);
        let absorbed = absorb(&self.resident, memtable, &retention, &self.room);
        self.resident = absorbed.resident;
    }

    /// Lets the oldest segments go; what they held is no longer in the layer.
    fn shed(&mut self, segments: usize) {
        let Some(last) = self.resident.segments()[..segments].last().copied() else { return };
        let (leaving, staying) = self.resident.split(last.last_sequence);
        assert_eq!(leaving.len() + staying.len(), self.resident.len());
        assert_eq!(leaving.live_bytes() + staying.live_bytes(), self.resident.live_bytes());
        assert!(entries_of(&leaving).iter().all(|entry| entry.0.1.0 <= last.last_sequence));
        assert!(entries_of(&staying).iter().all(|entry| entry.0.1.0 > last.last_sequence));
        self.model.retain(|(_, Reverse(sequence)), _| *sequence > last.last_sequence);
        self.resident = staying;
    }

    fn check(&self, snapshots: &[Sequence]) {
        let entries = entries_of(&self.resident);
        let live: usize =
            entries.iter().map(|((key, _), value)| 8 + key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        assert_eq!(self.resident.live_bytes(), live, "live bytes are exact");
        assert!(
            entries.iter().all(|(place, value)| self.model.get(place) == Some(value)),
            "nothing invented"
        );
        for snapshot in snapshots.iter().copied().chain([self.sequence]) {
            for key in (0..50).map(key_of) {
                let place = (key.clone(), Reverse(snapshot));
                let expected = self.model.range(place..).next().filter(|(place, _)| place.0 == key);
                let found = self.resident.newest(&key, Visibility::at(snapshot));
                let found = found.map(|entry| (entry.sequence, entry.value.to_vec()));
                let expected = expected
                    .map(|((_, Reverse(sequence)), value)| (*sequence, value.clone().unwrap_or_default()));
                assert_eq!(found, expected, "{key:?} at {snapshot}");
            }
        }
    }
}

type Entries = Vec<((Vec<u8>, Reverse<Sequence>), Option<Vec<u8>>)>;

fn entries_of(resident: &Resident) -> Entries {
    let numbers = 0..resident.len();
    let entries: Entries = numbers
        .map(|number| {
            let entry = resident.entry(number).unwrap();
            let value = (entry.kind == crate::entry::Kind::Put).then(|| entry.value.to_vec());
            ((entry.user_key.to_vec(), Reverse(entry.sequence)), value)
        })
        .collect();
    assert!(entries.is_sorted_by(|one, other| one.0 < other.0));
    entries
}

/// So many cases, the same in every run.
fn config(cases: u32) -> ProptestConfig {
    let rng_seed = proptest::test_runner::RngSeed::Fixed(14);
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(120))]

    /// With little memory copying stops half-way now and then, which changes nothing that is seen.
    #[test]
    fn every_snapshot_sees_what_it_would_see_of_all_versions(rounds in rounds(), capacity in 200_usize..1000) {
        let mut harness = Harness::new(capacity << 10);
        let mut snapshots: Vec<Sequence> = Vec::new();
        for (operations, kept, shed) in rounds {
            let segments = harness.resident.segments().len();
            if shed == 0 {
                harness.shed(segments / 2);
                snapshots.clear();
            }
            // Some snapshots are let go of, others taken while the memtable is filled.
            snapshots.truncate(kept.len());
            let before = harness.sequence;
            let memtable = harness.memtable(&operations);
            let filled = harness.sequence - before;
            snapshots.extend(kept.iter().map(|share| before + filled * u64::from(*share) / 100));
            harness.absorb(&memtable, &snapshots);
            drop(memtable);
            harness.check(&snapshots);
            prop_assert!(harness.resident.len() <= harness.model.len());
        }
    }

    #[test]
    fn a_cursor_walks_both_ways_and_seeks_as_over_a_map(
        rounds in rounds(),
        seeks in prop::collection::vec((0_u8..50, 0_u64..500), 10),
    ) {
        let mut harness = Harness::new(4 << 20);
        for (operations, ..) in rounds {
            let memtable = harness.memtable(&operations);
            harness.absorb(&memtable, &[]);
        }
        let entries = entries_of(&harness.resident);
        let keys: std::collections::BTreeSet<_> = entries.iter().map(|entry| entry.0.0.clone()).collect();
        prop_assert_eq!(entries.len(), keys.len(), "without snapshots one version of each key stays");
        let mut cursor = ResidentCursor::new(Arc::new(harness.resident));
        let mut on = cursor.seek_first().unwrap();
        for ((key, Reverse(sequence)), _) in &entries {
            prop_assert!(on && cursor.entry().user_key == key && cursor.entry().sequence == *sequence);
            on = cursor.next().unwrap();
        }
        prop_assert!(!on && !cursor.next().unwrap());
        let mut on = cursor.seek_last().unwrap();
        for ((key, _), _) in entries.iter().rev() {
            prop_assert!(on && cursor.entry().user_key == key);
            on = cursor.previous().unwrap();
        }
        prop_assert!(!on);
        for (key, sequence) in seeks {
            let place = (key_of(key), Reverse(sequence));
            let at = entries.partition_point(|entry| entry.0 < place);
            prop_assert_eq!(cursor.seek(&place.0, sequence).unwrap(), at < entries.len());
            if at < entries.len() {
                prop_assert_eq!(cursor.entry().user_key, &entries[at].0.0);
            }
            prop_assert_eq!(cursor.seek_before(&place.0, sequence).unwrap(), at > 0);
            if at > 0 {
                prop_assert_eq!(cursor.entry().sequence, entries[at - 1].0.1.0);
            }
        }
    }
}

#[test]
fn versions_that_snapshots_see_stay_until_they_are_let_go() {
    let mut harness = Harness::new(1 << 20);
    let first = harness.memtable(&[(1, Some(10)), (1, Some(11)), (2, Some(5))]);
    harness.absorb(&first, &[1]);
    assert_eq!(harness.resident.len(), 3, "the version that snapshot 1 sees, the newest, and another key");
    harness.check(&[1]);
    let second = harness.memtable(&[(1, None)]);
    harness.absorb(&second, &[1]);
    harness.check(&[1]);
    assert_eq!(harness.resident.len(), 3, "the version in between went");
    let third = harness.memtable(&[(1, Some(1))]);
    harness.absorb(&third, &[]);
    harness.check(&[]);
    assert_eq!(harness.resident.len(), 2);
}

#[test]
fn overwriting_the_same_keys_for_ever_takes_no_more_memory() {
    let mut harness = Harness::new(256 << 10);
    for round in 0_u32..200 {
        let operations: Vec<_> =
            (0_u32..100).map(|turn| (((turn * 7 + round) % 50) as u8, Some(200))).collect();
        let memtable = harness.memtable(&operations);
        harness.absorb(&memtable, &[]);
        drop(memtable);
        harness.model.retain(|(_, Reverse(sequence)), _| *sequence + 200 > harness.sequence);
        assert!(harness.resident.entry_bytes() < 40 << 10, "{}", harness.resident.entry_bytes());
        if round % 5 == 0 {
            harness.shed(harness.resident.segments().len() / 2);
        }
    }
    harness.check(&[]);
    assert_eq!(harness.resident.newest(&key_of(99), Visibility::at(MAX_SEQUENCE)), None);
}

#[test]
fn shedding_keeps_the_newest_segments_within_both_limits() {
    let mut harness = Harness::new(1 << 20);
    for start in 0..5 {
        let operations: Vec<_> = (start * 10..start * 10 + 10).map(|key| (key, Some(20))).collect();
        let memtable = harness.memtable(&operations);
        harness.absorb(&memtable, &[]);
    }
    let shed = |entries, bytes| harness.resident.segments_to_shed(entries, bytes);
    assert_eq!(shed(50, 5000), 0);
    assert_eq!(shed(49, 5000), 1);
    assert_eq!(shed(50, 2500), 3);
    assert_eq!(shed(0, 5000), 5);
}
