//! Walks over plain entries, against a map: they hand over what is there, and stop where cursors have to go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use stroma_strata::picker::Limits;
use stroma_strata::storage::MemoryStorage;
use stroma_strata::{MergePolicy, PaidByReads};

use super::plain::WalkEnd;
use crate::keyspace::{KeyRange, PREFIX_BYTES};
use crate::merging::Visibility;
use crate::{Compression, Database, Keyspace, Options, Snapshot};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// What is in a keyspace.
type Map = BTreeMap<Vec<u8>, Vec<u8>>;

fn open() -> Database {
    open_with(128 << 10)
}

fn open_with(memory_bytes: usize) -> Database {
    let limits = Limits {
        level0_runs: 2,
        level1_bytes: 8 << 10,
        multiplier: 2,
        deepest_level: 3,
        table_bytes: 4 << 10,
    };
    let options = Options {
        memory_bytes,
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
    let end = view.walk_plain(&range, Visibility::at(at.sequence()), keyspace.core(), |key, value| {
        taken.push((key[PREFIX_BYTES..].to_vec(), value.to_vec()));
        taken.len() < most
    });
    (taken, end.expect("no damage"))
}

fn key(number: u16) -> Vec<u8> {
    // Some share much, some nothing, and some all that is compared as a number.
    let [high, low] = number.to_be_bytes();
    if high == 1 {
        return [&[high; 8][..], &[low]].concat();
    }
    if number.is_multiple_of(3) { vec![high, low] } else { [&[high, low][..], &[b'k'; 17], &[low]].concat() }
}

fn expected(map: &Map, (start, end): (u16, u16)) -> Pairs {
    let within = map.iter().filter(|(each, _)| key(start) <= **each && **each < key(end));
    within.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Repeatable choices.
struct Choices(u64);

impl Choices {
    fn below(&mut self, limit: u64) -> u16 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit) as u16
    }
}

/// A keyspace, what is in it, and what was at some moments.
struct Walked {
    keyspace: Keyspace,
    map: Map,
    moments: Vec<(Snapshot, Map)>,
}

impl Walked {
    /// Puts and deletes, some of a few keys again and again, and now and then a range delete.
    fn change(&mut self, choices: &mut Choices, turn: u8) {
        for _ in 0..100 {
            let is_popular = choices.below(4) == 0;
            let number = choices.below(if is_popular { 3 } else { 600 });
            let key = key(number);
            match choices.below(100) {
                0 => {
                    let end = self::key(number + choices.below(60));
                    self.keyspace.delete_range(key.as_slice()..end.as_slice()).expect("a range delete");
                    self.map.retain(|each, _| *each < key || *each >= end);
                }
                1..16 => {
                    self.keyspace.delete(&key).expect("a delete");
                    self.map.remove(&key);
                }
                _ => {
                    let value = vec![turn; usize::from(choices.below(90))];
                    self.keyspace.put(&key, &value).expect("a put");
                    self.map.insert(key, value);
                }
            }
        }
    }

    /// Walks over ranges at some moments, and compares what is handed over.
    fn check(&self, choices: &mut Choices, database: &Database) {
        let present = (database.snapshot(), self.map.clone());
        for (snapshot, then) in self.moments.iter().chain([&present]) {
            for _ in 0..6 {
                let start = choices.below(600);
                let (range, most) = ((start, start + choices.below(700)), 1 + usize::from(choices.below(90)));
                let all = expected(then, range);
                let (taken, end) = walk(&self.keyspace, snapshot, range, most);
                assert!(all.starts_with(&taken), "{taken:?} instead of {all:?}");
                match end {
                    WalkEnd::Out => assert_eq!(taken.len(), all.len()),
                    WalkEnd::Told => assert_eq!(taken.len(), most),
                    WalkEnd::Astray => panic!("all of it is plain"),
                }
            }
        }
    }
}

#[test]
fn walks_hand_over_what_a_snapshot_sees_of_memory_and_several_runs() {
    for seed in 1..4 {
        let database = open();
        let keyspace = database.keyspace("all").expect("a keyspace");
        database.keyspace("other").expect("a keyspace").put([0; 4], "not to be seen").expect("a put");
        let mut walked = Walked { keyspace, map: BTreeMap::new(), moments: Vec::new() };
        let mut choices = Choices(seed);
        for turn in 0..40 {
            walked.change(&mut choices, turn);
            match turn % 8 {
                0 => database.flush().expect("a flush"),
                3 => {
                    // One stays, the others go.
                    walked.moments.truncate(2);
                    walked.moments.push((database.snapshot(), walked.map.clone()));
                }
                _ => {}
            }
            walked.check(&mut choices, &database);
        }
    }
}

#[test]
fn deleted_keys_are_passed_once_and_then_known() {
    let database = open_with(4 << 20);
    let keyspace = database.keyspace("all").expect("a keyspace");
    (0..200_u32).for_each(|number| _ = keyspace.put(number.to_be_bytes(), "value").expect("a put"));
    (0..190_u32).for_each(|number| _ = keyspace.delete(number.to_be_bytes()).expect("a delete"));
    let snapshot = database.snapshot();
    let passed = || {
        let before = database.statistics().deleted_keys_passed;
        let mut found = 0;
        let range = KeyRange::new::<&[u8]>(keyspace.id(), &(..));
        let view = keyspace.core().brief_view();
        let core = keyspace.core();
        let end = view.walk_plain(&range, Visibility::at(snapshot.sequence()), core, |_, _| {
            found += 1;
            true
        });
        assert_eq!((found, end.expect("no damage")), (10, WalkEnd::Out));
        database.statistics().deleted_keys_passed - before
    };
    assert_eq!(passed(), 190);
    assert_eq!(passed(), 0);
    // A few more, as who takes from a queue leaves: they make what is known longer.
    (190..198_u32).for_each(|number| _ = keyspace.delete(number.to_be_bytes()).expect("a delete"));
    let before = database.statistics().deleted_keys_passed;
    assert!((0..3).all(|_| keyspace.iter().count() == 2));
    assert_eq!(database.statistics().deleted_keys_passed - before, 8);
    keyspace.delete_range::<&[u8]>(..).expect("a range delete");
    // What is known by now holds for later snapshots.
    assert_eq!(passed(), 190);
}

#[test]
fn a_walk_gives_up_where_nothing_is_to_be_seen_of_very_many() {
    let database = open();
    let keyspace = database.keyspace("all").expect("a keyspace");
    let before = database.snapshot();
    // More than a walk passes over, of which none is deleted: they are newer than the snapshot.
    let mut batch = database.batch();
    for number in 0..17_000_u32 {
        batch.put(&keyspace, number.to_be_bytes(), "");
        if number % 200 == 199 {
            std::mem::replace(&mut batch, database.batch()).commit().expect("a commit");
        }
    }
    let range = KeyRange::new::<&[u8]>(keyspace.id(), &(..));
    let (view, core) = (keyspace.core().brief_view(), keyspace.core());
    let end = view.walk_plain(&range, Visibility::at(before.sequence()), core, |_, _| true);
    assert_eq!(end.expect("no damage"), WalkEnd::Astray);
    drop(view);
    assert_eq!(before.range::<&[u8]>(&keyspace, ..).count(), 0);
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
        (40..46).for_each(delete);
        assert_eq!(taken(), (94, WalkEnd::Out));
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
        assert_eq!(taken(), (95, WalkEnd::Out));
        drop(snapshot);
        database.compact().expect("a merge");
        assert_eq!(taken(), (95, WalkEnd::Out));
        put(90..95);
        flush();
    }
}

#[test]
fn reads_pay_for_what_a_merge_would_spare_them() {
    let database = open();
    let keyspaces = ["first", "second"].map(|name| database.keyspace(name).expect("a keyspace"));
    for keyspace in &keyspaces {
        (0..50).for_each(|number| _ = keyspace.put(key(number), "value").expect("a put"));
    }
    let [first, second] = keyspaces;
    database.compact().expect("no damage");
    let snapshot = database.snapshot();
    (0..50).step_by(2).for_each(|number| _ = first.put(key(number), "later").expect("a put"));
    database.flush().expect("no damage");
    let paid = || first.core().layers.view().read_costs().paid();
    // What lies beside the present run is none of theirs.
    assert_eq!(second.iter().count(), 50);
    assert!(second.last().expect("no damage").is_some());
    assert!(second.get_many(&[key(1), key(2)]).expect("no damage").iter().all(Option::is_some));
    assert_eq!(paid(), PaidByReads::default());
    // The first run has what the other key may be in.
    assert!(first.get_many(&[key(0), key(1)]).expect("no damage").iter().all(Option::is_some));
    let by_lookups = paid().runs;
    assert!(by_lookups > 0);
    // Neither whom newer versions are in the way of, nor whom those that the former sees, pays for dead entries.
    assert_eq!(snapshot.range::<&[u8]>(&first, ..).count(), 50);
    assert_eq!(first.iter().count(), 50);
    assert!(paid().runs > by_lookups);
    assert_eq!(paid().dead, 0);
    drop(snapshot);
    assert_eq!(first.iter().count(), 50);
    assert!(paid().dead > 0);
}
