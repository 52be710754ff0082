//! Walks over plain entries, against a map: they hand over what is there, and stop where cursors have to go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;
use stroma_strata::storage::MemoryStorage;

use super::plain::WalkEnd;
use crate::keyspace::{KeyRange, PREFIX_BYTES};
use crate::merging::Visibility;
use crate::{Compression, Database, Keyspace, Options, Snapshot};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn open() -> Database {
    let limits = Limits {
        level0_runs: 2,
        level1_bytes: 8 << 10,
        multiplier: 2,
        deepest_level: 3,
        table_bytes: 4 << 10,
    };
    let options = Options {
        memory_bytes: 128 << 10,
        block_bytes: 512,
        background_threads: 0,
        compression: Compression::None,
        merge_policy: MergePolicy::TieredThenLevelled(limits),
        ..Options::default()
    };
    Database::open_storage(Arc::new(MemoryStorage::new()), options).expect("an empty database")
}

/// What a walk hands over of the keys from `start` to `end`, at most so many, and how it ends.
fn walk(keyspace: &Keyspace, at: &Snapshot, (start, end): (u16, u16), most: usize) -> (Pairs, WalkEnd) {
    let range = KeyRange::new(keyspace.id(), &(key(start).as_slice()..key(end).as_slice()));
    let mut taken = Pairs::new();
    let view = keyspace.core().brief_view();
    let end = view.walk_plain(&range, Visibility::at(at.sequence()), |key, value| {
        taken.push((key[PREFIX_BYTES..].to_vec(), value.to_vec()));
        taken.len() < most
    });
    (taken, end.expect("no damage"))
}

fn key(number: u16) -> Vec<u8> {
    // Some share much, some nothing.
    let [high, low] = number.to_be_bytes();
    if number.is_multiple_of(3) { vec![high, low] } else { [&[high, low][..], &[b'k'; 17], &[low]].concat() }
}

fn expected(map: &BTreeMap<Vec<u8>, Vec<u8>>, (start, end): (u16, u16)) -> Pairs {
    let within = map.iter().filter(|(each, _)| key(start) <= **each && **each < key(end));
    within.map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[test]
fn walks_hand_over_what_a_snapshot_sees_of_memory_and_several_runs() {
    let database = open();
    let keyspace = database.keyspace("all").expect("a keyspace");
    database.keyspace("other").expect("a keyspace").put([0; 4], "not to be seen").expect("a put");
    let (mut state, mut map, mut moments) = (1_u64, BTreeMap::new(), Vec::new());
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % limit) as u16
    };
    let (mut whole, mut astray) = (0, 0);
    for turn in 0..40 {
        for _ in 0..100 {
            let key = key(below(600));
            if below(6) == 0 {
                keyspace.delete(&key).expect("a delete");
                map.remove(&key);
            } else {
                let value = vec![turn; usize::from(below(90))];
                keyspace.put(&key, &value).expect("a put");
                map.insert(key, value);
            }
        }
        match turn % 8 {
            0 => database.flush().expect("a flush"),
            3 => moments.push((database.snapshot(), map.clone())),
            _ => {}
        }
        moments.truncate(3);
        let present = (database.snapshot(), map.clone());
        for (snapshot, then) in moments.iter().chain([&present]) {
            for _ in 0..6 {
                let start = below(600);
                let (range, most) = ((start, start + below(700)), 1 + usize::from(below(90)));
                let all = expected(then, range);
                let (taken, end) = walk(&keyspace, snapshot, range, most);
                assert!(all.starts_with(&taken), "{taken:?} instead of {all:?}");
                match end {
                    WalkEnd::Out => assert_eq!(taken.len(), all.len()),
                    WalkEnd::Told => assert_eq!(taken.len(), most),
                    WalkEnd::Astray => {}
                }
                whole += usize::from(end != WalkEnd::Astray);
                astray += usize::from(end == WalkEnd::Astray);
            }
        }
    }
    assert!(whole > 300 && astray > 0, "{whole} walks went to the end and {astray} astray");
}

#[test]
fn walks_stop_before_what_is_not_plain() {
    let database = open();
    let keyspace = database.keyspace("all").expect("a keyspace");
    let put = |numbers: std::ops::Range<u16>| {
        numbers.for_each(|number| _ = keyspace.put(key(number), number.to_le_bytes()).expect("a put"));
    };
    let taken = || {
        let (taken, end) = walk(&keyspace, &database.snapshot(), (0, 600), usize::MAX);
        (taken.len(), end)
    };
    for flushes in [false, true] {
        let flush = || {
            if flushes {
                database.compact().expect("a merge")
            }
        };
        put(0..100);
        flush();
        assert_eq!(taken(), (100, WalkEnd::Out));
        let delete = |number: u16| _ = keyspace.delete(key(number)).expect("a delete");
        (40..43).for_each(delete);
        assert_eq!(taken(), (97, WalkEnd::Out));
        // Two versions each, so that too many follow each other.
        (43..46).for_each(delete);
        assert_eq!(taken(), (40, WalkEnd::Astray));
        put(40..46);
        let hour = std::time::Duration::from_secs(3600);
        keyspace.put_expiring(key(30), "until then", hour).expect("a put");
        flush();
        assert_eq!(taken(), (30, WalkEnd::Astray));
        put(30..31);
        keyspace.put(key(20), [7; 100_000]).expect("a put of a large value");
        flush();
        assert_eq!(taken(), (20, WalkEnd::Astray));
        put(20..21);
        let snapshot = database.snapshot();
        keyspace.delete_range(key(90)..key(95)).expect("a range delete");
        // One that is kept for the snapshot.
        flush();
        let (before, end) = walk(&keyspace, &database.snapshot(), (0, 600), usize::MAX);
        assert!(before.len() <= 90 && end == WalkEnd::Astray);
        drop(snapshot);
        database.compact().expect("a merge");
        assert_eq!(taken(), (95, WalkEnd::Out));
        put(90..95);
        flush();
    }
}
