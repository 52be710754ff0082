//! The cache against a plain map, its books against a recount, and its behaviour when memory is short.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::location::Location;
use crate::pool::{Pool, PoolOptions};
use crate::store::entry::Entry;
use crate::store::slots::State;

fn pool(capacity_bytes: usize, segment_bytes: usize) -> Pool {
    Pool::new(PoolOptions { capacity_bytes, segment_bytes }).expect("valid options")
}

fn cache(capacity_bytes: usize, segment_bytes: usize) -> (Pool, Cache) {
    let pool = pool(capacity_bytes, segment_bytes);
    let cache = Cache::new(CacheOptions::new(pool.clone(), 7)).expect("large enough");
    (pool, cache)
}

/// A clock that tests set.
fn clock() -> (Arc<AtomicU64>, CacheClock) {
    let seconds = Arc::new(AtomicU64::new(1_000_000));
    let read = Arc::clone(&seconds);
    (seconds, CacheClock::new(move || read.load(Ordering::Relaxed)))
}

fn key(number: usize) -> [u8; 8] {
    (number as u64).to_le_bytes()
}

/// Counts every segment's live bytes anew and compares them with the books. Nobody may write meanwhile.
pub(super) fn audit(cache: &Cache) {
    let shared = &cache.shared;
    let guard = crate::sync::epoch::pin();
    let (mut current, mut segments) = (0, 0);
    for state in [State::Open, State::Sealed, State::Emptying] {
        for segment in shared.slots.in_state(state, &guard) {
            segments += 1;
            let written = shared.slots.segment(segment.number, &guard).expect("in use").committed();
            let (mut live, mut offset) = (0, 0);
            while let Some(entry) = Entry::read(written, offset) {
                let hash = shared.hash(entry.key);
                let at = Location::pack(0, segment.number, offset);
                if shared.index.lock(hash).place_of(hash, at).is_some() {
                    live += entry.bytes.len();
                    current += 1;
                }
                offset += entry.bytes.len();
            }
            assert_eq!(offset, written.len(), "segments hold entries and nothing else");
            assert_eq!(live, segment.live, "segment {} in state {state:?}", segment.number);
        }
    }
    assert_eq!(current, cache.len());
    segments += shared.evictor.lock().set_aside();
    // Some may be on their way back to the cache.
    let counted = shared.segments.load(crate::sync::atomic::Ordering::Relaxed);
    assert!((segments..segments + 3).contains(&counted), "{segments} of {counted}");
    let (own, pool) = (cache.statistics(), shared.pool.statistics());
    assert!(own.bytes <= pool.used_bytes && pool.used_bytes <= pool.capacity_bytes, "{own:?} {pool:?}");
}

#[derive(Clone, Debug)]
enum Step {
    Insert(usize, usize),
    InsertFor(usize, usize, u64),
    Remove(usize),
    Get(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0_usize..80;
    let length = prop_oneof![8 => 0_usize..300, 1 => 800_usize..1300];
    let step = prop_oneof![
        8 => (key.clone(), length.clone()).prop_map(|(key, length)| Step::Insert(key, length)),
        2 => (key.clone(), length, 0_u64..20).prop_map(|(key, length, ttl)| Step::InsertFor(key, length, ttl)),
        2 => key.clone().prop_map(Step::Remove),
        6 => key.prop_map(Step::Get),
        1 => (0_u64..5).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..600)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 64 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A cache may forget, but what it answers is the last thing that was put in, and in time.
    #[test]
    fn never_answers_with_what_is_out_of_date(steps in steps()) {
        let (seconds, clock) = clock();
        let pool = pool(24 << 10, 1024);
        let options = CacheOptions { clock: Some(clock), ..CacheOptions::new(pool, 7) };
        let cache = Cache::new(options).expect("large enough");
        let mut model: HashMap<usize, (Vec<u8>, u64)> = HashMap::new();
        for (number, step) in steps.iter().enumerate() {
            let now = seconds.load(Ordering::Relaxed);
            match *step {
                Step::Insert(k, length) | Step::InsertFor(k, length, _) => {
                    let value = vec![number as u8; length];
                    let (outcome, until) = match *step {
                        Step::InsertFor(_, _, ttl) => (cache.insert_with_ttl(&key(k), &value, ttl), now + ttl),
                        _ => (cache.insert(&key(k), &value), u64::MAX),
                    };
                    match outcome {
                        Ok(()) => drop(model.insert(k, (value, until))),
                        Err(Error::EntryTooLarge { .. }) => {
                            prop_assert!(length > 1000);
                            model.remove(&k);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                Step::Remove(k) => {
                    cache.remove(&key(k));
                    model.remove(&k);
                }
                Step::Get(k) => {
                    let current = model.get(&k).filter(|(_, until)| now < *until);
                    let found = cache.get_copied(&key(k));
                    prop_assert_eq!(cache.contains(&key(k)), found.is_some());
                    prop_assert!(found.is_none() || found.as_ref() == current.map(|(value, _)| value));
                }
                Step::Wait(time) => drop(seconds.fetch_add(time, Ordering::Relaxed)),
            }
        }
        audit(&cache);
    }
}

#[test]
fn everything_stays_as_long_as_there_is_room() {
    let (_, cache) = cache(1 << 20, 16 << 10);
    (0..5_000).for_each(|k| cache.insert(&key(k), &[k as u8; 90]).expect("room"));
    assert!((0..5_000).all(|k| cache.get_copied(&key(k)).as_deref() == Some(&[k as u8; 90][..])));
    let statistics = cache.statistics();
    assert_eq!((statistics.hits, statistics.misses, statistics.evicted), (5_000, 0, 0));
    assert_eq!((statistics.entries, statistics.insertions), (5_000, 5_000));
    assert_eq!(statistics.live_bytes, 5_000 * (3 + 8 + 90));
    audit(&cache);
}

#[test]
fn what_is_in_use_survives_a_scan() {
    let (_, cache) = cache(1 << 20, 8 << 10);
    let hot = 0..2_000;
    let mut missed = 0;
    for round in 0..20 {
        for k in hot.clone() {
            if cache.get_with(&key(k), <[u8]>::len).is_none() {
                missed += usize::from(round > 3);
                cache.insert(&key(k), &[1; 100]).expect("room is made");
            }
            // Three new keys, never asked for again, for each one in use.
            for one_off in 0..3 {
                let number = 10_000 + (round * 2_000 + k) * 3 + one_off;
                cache.insert(&key(number), &[2; 100]).expect("room is made");
            }
        }
    }
    assert!(missed < 16 * 2_000 / 50, "{missed} of 32000 lookups of keys in use missed");
    assert!(cache.statistics().evicted > 100_000);
    audit(&cache);
}

#[test]
fn what_has_expired_goes_first() {
    let (seconds, clock) = clock();
    let pool = pool(512 << 10, 8 << 10);
    let cache = Cache::new(CacheOptions { clock: Some(clock), ..CacheOptions::new(pool, 7) }).expect("room");
    for k in 0..1_000 {
        cache.insert(&key(k), &[1; 100]).expect("room");
        cache.get_with(&key(k), |_| ()).expect("just inserted");
    }
    for k in 1_000..3_000 {
        cache.insert_with_ttl(&key(k), &[2; 100], 10).expect("room");
    }
    assert!((1_000..3_000).all(|k| cache.contains(&key(k))));
    seconds.fetch_add(10, Ordering::Relaxed);
    assert!(!(1_000..3_000).any(|k| cache.contains(&key(k)) || cache.get_copied(&key(k)).is_some()));
    for k in 3_000..5_500 {
        cache.insert(&key(k), &[3; 100]).expect("room is made");
    }
    assert!(cache.statistics().expired > 1_000, "{:?}", cache.statistics());
    assert!((0..1_000).all(|k| cache.contains(&key(k))), "nothing that is of use was dropped");
    audit(&cache);
}

#[test]
fn others_get_memory_down_to_the_minimum_and_it_grows_again() {
    let pool = pool(1 << 20, 8 << 10);
    let options = CacheOptions { min_bytes: 256 << 10, ..CacheOptions::new(pool.clone(), 7) };
    let cache = Cache::new(options).expect("room");
    (0..20_000).for_each(|k| cache.insert(&key(k), &[1; 100]).expect("room is made"));
    let full = cache.statistics().bytes;
    assert!(full > 900 << 10, "{full}");
    let log = crate::Log::new(&pool);
    let mut taken = 0;
    while log.append(&[&[7; 1000]]).is_ok() {
        taken += 1000;
    }
    let left = cache.statistics().bytes;
    assert!(taken > 680 << 10 && (240 << 10..340 << 10).contains(&left), "{taken} taken, {left} left");
    (0..20_000).for_each(|k| cache.insert(&key(k), &[2; 100]).expect("its own minimum is enough"));
    audit(&cache);
    drop(log);
    (0..20_000).for_each(|k| cache.insert(&key(k), &[3; 100]).expect("room"));
    assert!(cache.statistics().bytes > 900 << 10, "{:?}", cache.statistics());
    audit(&cache);
}

#[test]
fn its_index_grows_in_a_full_pool() {
    let (_, cache) = cache(1 << 20, 8 << 10);
    // Large entries first, then small ones: many more of them, for which the index needs memory.
    (0..200).for_each(|k| cache.insert(&key(k), &[1; 8000]).expect("room is made"));
    (0..200_000).for_each(|k| cache.insert(&key(k), &[]).expect("room is made"));
    assert!(cache.len() > 40_000, "{:?}", cache.statistics());
    audit(&cache);
}

#[test]
fn entries_that_are_all_alike_and_all_in_use_make_room_too() {
    let (_, cache) = cache(512 << 10, 16 << 10);
    let mut random = 1_u64;
    for _ in 0..100_000 {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let k = (random >> 33) as usize % 700;
        if cache.get_with(&key(k), <[u8]>::len).is_none() {
            cache.insert(&key(k), &[1; 1000]).expect("room is made");
        }
    }
    let statistics = cache.statistics();
    assert!(statistics.hits > 40_000, "{statistics:?}");
    audit(&cache);
}

#[test]
fn what_overwriting_leaves_dead_is_used_before_anything_is_dropped() {
    let (_, cache) = cache(1 << 20, 8 << 10);
    // About half of the memory, all read and so kept, and then written anew in another order.
    (0..4_000).for_each(|k| cache.insert(&key(k), &[1; 100]).expect("room"));
    for round in 0..10 {
        for k in 0..4_000 {
            let k = (k * 7919 + round * 31) % 4_000;
            cache.get_with(&key(k), <[u8]>::len);
            cache.insert(&key(k), &[round as u8; 100]).expect("room is made");
        }
    }
    assert!(cache.len() > 3_600, "{:?}", cache.statistics());
    audit(&cache);
}

#[test]
fn keeps_to_its_maximum() {
    let pool = pool(1 << 20, 8 << 10);
    let options = CacheOptions { max_bytes: 300 << 10, ..CacheOptions::new(pool.clone(), 7) };
    let cache = Cache::new(options).expect("room");
    for k in 0..10_000 {
        cache.insert(&key(k), &[1; 100]).expect("room is made");
        assert!(pool.statistics().used_bytes <= 300 << 10);
    }
    drop(cache);
    crate::pool::wait_until_unused(&pool);
}

#[test]
fn a_value_that_is_held_stays_and_holds_nothing_else_up() {
    let (pool, cache) = cache(256 << 10, 4 << 10);
    cache.insert(b"held", b"value").expect("room");
    let guard = cache.get(b"held").expect("just inserted");
    (0..20_000).for_each(|k| cache.insert(&key(k), &[1; 100]).expect("room is made"));
    assert_eq!(&*guard, b"value");
    audit(&cache);
    drop(guard);
    (0..20_000).for_each(|k| cache.insert(&key(k), &[1; 100]).expect("room is made"));
    assert!(cache.statistics().awaiting_readers_bytes <= 8 << 10);
    assert!(pool.statistics().used_bytes <= 256 << 10);
}

#[test]
fn refuses_what_cannot_work() {
    let refused = |options: CacheOptions| matches!(Cache::new(options), Err(Error::InvalidOptions { .. }));
    let pool = pool(64 << 10, 8 << 10);
    assert!(refused(CacheOptions { max_bytes: 16 << 10, ..CacheOptions::new(pool.clone(), 0) }));
    assert!(refused(CacheOptions { min_bytes: 65 << 10, ..CacheOptions::new(pool.clone(), 0) }));
    let cache = Cache::new(CacheOptions::new(pool, 0)).expect("room");
    cache.insert(b"key", b"value").expect("room");
    let refused = cache.insert(b"key", &[0; 8 << 10]);
    assert!(matches!(refused, Err(Error::EntryTooLarge { limit: 0x2000, .. })));
    assert!(!cache.contains(b"key"), "what it had is out of date");
}

#[test]
fn makes_what_is_missing_once() {
    let (_, cache) = cache(64 << 10, 4 << 10);
    let mut made = 0;
    for _ in 0..3 {
        let value = cache.get_or_insert_with(b"key", || {
            made += 1;
            Ok::<_, Error>(b"value".to_vec())
        });
        assert_eq!(value.as_deref(), Ok(&b"value"[..]));
    }
    assert_eq!(made, 1);
    assert_eq!(cache.get_or_insert_with(b"other", || Err("no")), Err("no"));
}
