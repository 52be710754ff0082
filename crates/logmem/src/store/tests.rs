//! The store against a plain map, its books against a recount, and its behaviour when memory is short.

use std::collections::HashMap;

use proptest::prelude::*;

use super::entry::Entry;
use super::slots::State;
use super::*;
use crate::error::Error;
use crate::location::Location;
use crate::pool::{Pool, PoolOptions};

fn store(capacity_bytes: usize, segment_bytes: usize) -> (Pool, Store) {
    let pool = Pool::new(PoolOptions { capacity_bytes, segment_bytes }).expect("valid options");
    let store = Store::new(StoreOptions::new(pool.clone(), 7)).expect("large enough");
    (pool, store)
}

fn key(number: usize) -> [u8; 8] {
    (number as u64).to_le_bytes()
}

/// Counts every segment's live bytes anew and compares them with the books. Nobody may write meanwhile.
pub(super) fn audit(store: &Store) {
    let guard = crate::sync::epoch::pin();
    let mut current = 0;
    for state in [State::Open, State::Sealed, State::Emptying, State::Run] {
        for segment in store.core.slots.in_state(state, &guard) {
            let written = store.core.slots.segment(segment.number, &guard).expect("in use").committed();
            let (mut live, mut offset) = (0, 0);
            while let Some(entry) = Entry::read(written, offset) {
                let hash = store.core.hash(entry.key);
                let at = Location::pack(0, segment.number, offset);
                if store.core.index.lock(hash).place_of(hash, at).is_some() {
                    live += entry.bytes.len();
                    current += 1;
                }
                offset += entry.bytes.len();
            }
            assert_eq!(offset, written.len(), "segments hold entries and nothing else");
            assert_eq!(live, segment.live, "segment {} in state {state:?}", segment.number);
        }
    }
    assert_eq!(current, store.len());
    let pool = store.core.pool.statistics();
    assert!(pool.used_bytes <= pool.capacity_bytes);
    assert!(pool.allocated_bytes + pool.charged_bytes <= pool.capacity_bytes);
    let own = store.statistics();
    let counted = own.segment_bytes + own.reserve_bytes + own.index_bytes + own.awaiting_readers_bytes;
    assert!(counted <= pool.used_bytes, "{own:?} {pool:?}");
}

#[derive(Clone, Debug)]
enum Step {
    Put(usize, usize),
    PutIfAbsent(usize, usize),
    PutIfCurrent(usize, usize),
    PutIfStale(usize),
    Remove(usize),
    Clean,
    Visit,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0_usize..60;
    let length = prop_oneof![8 => 0_usize..300, 1 => 900_usize..3000];
    let step = prop_oneof![
        8 => (key.clone(), length.clone()).prop_map(|(key, length)| Step::Put(key, length)),
        2 => (key.clone(), length.clone()).prop_map(|(key, length)| Step::PutIfAbsent(key, length)),
        2 => (key.clone(), length).prop_map(|(key, length)| Step::PutIfCurrent(key, length)),
        1 => key.clone().prop_map(Step::PutIfStale),
        4 => key.prop_map(Step::Remove),
        1 => Just(Step::Clean),
        1 => Just(Step::Visit),
    ];
    proptest::collection::vec(step, 1..400)
}

type Model = HashMap<usize, (Vec<u8>, Version)>;

/// The largest version that each key ever had.
type Newest = HashMap<usize, Version>;

fn apply(store: &Store, (model, newest): (&mut Model, &mut Newest), number: usize, step: &Step) {
    let known = |model: &Model, k: &usize| model.get(k).map(|(_, version)| *version);
    let mut put = |model: &mut Model, k: usize, length: usize, expected: Expected| {
        let value = vec![number as u8; length];
        let allowed = expected.allows(known(model, &k));
        match store.put_if(&key(k), &value, expected) {
            Ok(version) => {
                assert!(allowed);
                let newest = newest.entry(k).or_insert(Version(0));
                assert!(version > *newest, "a key's versions rise, also across removals");
                *newest = version;
                model.insert(k, (value, version));
            }
            Err(Error::VersionMismatch { found }) => {
                assert!(!allowed);
                assert_eq!(found, known(model, &k));
            }
            Err(Error::OutOfMemory { .. }) => assert!(allowed),
            Err(error) => panic!("{error}"),
        }
    };
    match *step {
        Step::Put(k, length) => put(model, k, length, Expected::Any),
        Step::PutIfAbsent(k, length) => put(model, k, length, Expected::Absent),
        Step::PutIfCurrent(k, length) => {
            put(model, k, length, known(model, &k).map_or(Expected::Absent, Expected::Version));
        }
        Step::PutIfStale(k) => {
            let version = known(model, &k).map_or(1, |version| version.0 - 1);
            put(model, k, 5, Expected::Version(Version(version)));
        }
        Step::Remove(k) => {
            assert_eq!(store.remove(&key(k)), model.remove(&k).map(|(_, version)| version));
        }
        Step::Clean => {
            store.clean();
        }
        Step::Visit => {
            let mut seen = HashMap::new();
            store.for_each(|k, value, version| {
                let k = u64::from_le_bytes(k.try_into().expect("eight bytes")) as usize;
                assert!(seen.insert(k, (value.to_vec(), version)).is_none(), "visited twice");
            });
            assert_eq!(seen, *model);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 64 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn answers_like_a_plain_map(steps in steps()) {
        let (_, store) = store(24 << 10, 1024);
        let (mut model, mut newest) = (Model::new(), Newest::new());
        for (number, step) in steps.iter().enumerate() {
            apply(&store, (&mut model, &mut newest), number, step);
        }
        for k in 0..60 {
            let found = store.get_copied(&key(k));
            prop_assert_eq!(store.contains(&key(k)), found.is_some());
            prop_assert_eq!(found.as_ref(), model.get(&k));
            let guard = store.get(&key(k));
            prop_assert_eq!(guard.as_ref().map(|guard| guard.version()), model.get(&k).map(|v| v.1));
            prop_assert_eq!(guard.as_deref(), model.get(&k).map(|v| &v.0[..]));
        }
        prop_assert_eq!(store.len(), model.len());
        audit(&store);
    }
}

/// Puts keys from `first` on until memory runs out; gives the first key that did not fit.
fn fill(store: &Store, first: usize, value: &[u8]) -> usize {
    (first..).find(|k| store.put(&key(*k), value).is_err()).expect("memory ends")
}

#[test]
fn a_full_store_says_so_keeps_everything_and_recovers() {
    let (pool, store) = store(1 << 20, 8 << 10);
    let count = fill(&store, 0, &[1; 92]);
    let live = count * 100;
    assert!(live * 100 >= (1 << 20) * 80, "{live} bytes of keys and values in a megabyte");
    assert!(matches!(store.put(&key(count), &[1; 92]), Err(Error::OutOfMemory { capacity: 0x10_0000, .. })));
    assert!((0..count).all(|k| store.get(&key(k)).as_deref() == Some(&[1; 92][..])));
    for k in (0..count).step_by(2) {
        store.remove(&key(k)).expect("was there");
    }
    // Half of every segment is dead: only cleaning makes room, and the new sizes differ.
    let refilled = fill(&store, count, &[2; 130]) - count;
    assert!(refilled * 138 >= live * 35 / 100, "{refilled} of 138 bytes where {live} / 2 were freed");
    assert!((1..count).step_by(2).all(|k| store.get(&key(k)).as_deref() == Some(&[1; 92][..])));
    assert!(store.statistics().cleaned.segments_emptied > 0);
    assert!(pool.statistics().used_bytes <= 1 << 20);
    audit(&store);
}

#[test]
fn overwriting_goes_on_for_ever_at_high_fill() {
    let (_, store) = store(256 << 10, 4 << 10);
    let count = fill(&store, 0, &[0; 50]) * 85 / 100;
    for k in count..count * 2 {
        store.remove(&key(k));
    }
    for round in 1..6_u8 {
        for k in 0..count {
            store.put(&key((k * 7919) % count), &[round; 50]).expect("the cleaner keeps up");
        }
    }
    assert!((0..count).all(|k| store.contains(&key(k))));
    audit(&store);
}

#[test]
fn runs_come_and_go_and_slots_never_run_out() {
    let (pool, store) = store(256 << 10, 1024);
    for round in 0..200 {
        let value = vec![round as u8; 1025 + round * 97];
        store.put(&key(round % 5), &value).expect("fits");
        assert_eq!(store.get(&key(round % 5)).as_deref(), Some(&value[..]));
    }
    assert_eq!(store.statistics().runs, 5);
    audit(&store);
    assert!((0..5).all(|k| store.remove(&key(k)).is_some()));
    assert_eq!(store.statistics().runs, 0);
    // Every byte that runs used serves small entries now, one slot for each segment, and back again.
    let small = fill(&store, 100, &[3; 100]);
    assert!(small > 1500, "{small}");
    assert!((100..small).all(|k| store.remove(&key(k)).is_some()));
    store.put(&key(0), &vec![9; 150 << 10]).expect("a run of most of the budget");
    assert!(matches!(store.put(&key(1), &vec![9; 300 << 10]), Err(Error::EntryTooLarge { .. })));
    assert!(pool.statistics().used_bytes <= 256 << 10);
    audit(&store);
}

#[test]
fn dropping_the_store_gives_everything_back() {
    let (pool, store) = store(256 << 10, 4096);
    fill(&store, 0, &[1; 200]);
    store.put(&key(0), &[]).ok();
    drop(store);
    crate::pool::wait_until_unused(&pool);
}

#[test]
fn refuses_a_pool_without_room_for_the_cleaner() {
    let pool = Pool::new(PoolOptions { capacity_bytes: 8192, segment_bytes: 4096 }).expect("valid");
    assert!(matches!(Store::new(StoreOptions::new(pool, 0)), Err(Error::InvalidOptions { .. })));
    let pool = Pool::new(PoolOptions { capacity_bytes: 64 << 10, segment_bytes: 4096 }).expect("valid");
    let log = crate::Log::new(&pool);
    log.append(&[&[0; 60 << 10]]).expect("fits");
    let refused = Store::new(StoreOptions::new(pool.clone(), 0));
    assert!(matches!(refused, Err(Error::OutOfMemory { .. })));
    drop(log);
    let store = Store::new(StoreOptions::new(pool, 0)).expect("the budget is free again");
    store.put(b"a", b"b").expect("fits");
}

#[test]
fn handles_may_be_shared_between_threads() {
    fn shareable<T: Send + Sync>() {}
    shareable::<Pool>();
    shareable::<crate::Log>();
    shareable::<Store>();
    shareable::<Error>();
}
