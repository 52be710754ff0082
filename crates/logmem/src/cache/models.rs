//! Models of the cache under a scheduler that decides at every access which thread goes on.

use super::tests::audit;
use super::{Cache, CacheOptions};
use crate::pool::{Pool, PoolOptions};
use crate::sync::check;

/// A cache with room for so many segments besides its index.
fn cache(segments: usize) -> (Pool, Cache) {
    let make = |capacity_bytes| {
        let pool = Pool::new(PoolOptions { capacity_bytes, segment_bytes: 512 }).expect("valid options");
        let cache = Cache::new(CacheOptions::new(pool.clone(), 7)).expect("large enough");
        let statistics = pool.statistics();
        (pool, cache, statistics.charged_bytes + statistics.table_bytes)
    };
    let (_, _, index_bytes) = make(64 << 10);
    let (pool, cache, _) = make(index_bytes + segments * 512);
    (pool, cache)
}

fn value(key: u8, count: u8) -> Vec<u8> {
    let mut bytes = vec![key; 100];
    bytes[1] = count;
    bytes
}

fn count_of(key: u8, bytes: &[u8]) -> u8 {
    assert!(bytes.len() == 100 && bytes.iter().enumerate().all(|(at, byte)| at == 1 || *byte == key));
    bytes[1]
}

fn spawn(cache: &Cache, body: impl FnOnce(&Cache) + Send + 'static) -> shuttle::thread::JoinHandle<()> {
    let cache = cache.clone();
    shuttle::thread::spawn(move || body(&cache))
}

#[test]
fn eviction_under_readers_and_writers_answers_with_nothing_old() {
    check(|| {
        let (_, cache) = cache(7);
        let writer = |first: u8| {
            move |cache: &Cache| {
                for count in 1..12 {
                    for key in first..first + 4 {
                        // Under some schedules the other threads hold all memory; then the key is gone.
                        let done = cache.insert(&[key], &value(key, count)).is_ok();
                        let found = cache.get_with(&[key], |bytes| count_of(key, bytes));
                        assert!(found.is_none_or(|found| done && found == count));
                    }
                }
            }
        };
        let reader = |cache: &Cache| {
            let mut newest = [0; 8];
            for round in 0..30_u8 {
                let key = round % 8;
                if let Some(guard) = cache.get(&[key]) {
                    let count = count_of(key, &guard);
                    assert!(count >= newest[key as usize]);
                    newest[key as usize] = count;
                }
            }
        };
        let threads = [spawn(&cache, writer(0)), spawn(&cache, writer(4)), spawn(&cache, reader)];
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        audit(&cache);
    });
}

#[test]
fn memory_goes_to_others_and_comes_back_while_it_is_in_use() {
    check(|| {
        let (pool, cache) = cache(9);
        let writer = |cache: &Cache| {
            for round in 0..40_u8 {
                let key = round % 20;
                let _ = cache.insert(&[key], &value(key, round));
                cache.get_with(&[key], |bytes| count_of(key, bytes));
            }
        };
        let other = move |_: &Cache| {
            for _ in 0..4 {
                drop(pool.charge(1500));
            }
        };
        let threads = [spawn(&cache, writer), spawn(&cache, other)];
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        audit(&cache);
    });
}
