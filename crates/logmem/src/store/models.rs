//! Models of the store under a scheduler that decides at every access which thread goes on.
//!
//! Each model is run under many schedules, drawn from a seed: uniformly at random, and with a few changes of
//! priority at chosen points (Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees of
//! Finding Bugs", ASPLOS 2010), which finds bugs that need few but particular switches. Values carry the key,
//! a count and a checksum, so that bytes of another entry, of a half-written one or of memory used anew are
//! noticed.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::tests::audit;
use super::{Expected, Store, StoreOptions};
use crate::error::Error;
use crate::pool::{Pool, PoolOptions};
use crate::sync::check;

/// A store with room for so many segments besides its index.
fn store(segments: usize) -> Arc<Store> {
    store_with(segments, |_| ()).0
}

/// The same with other options, and its pool.
fn store_with(segments: usize, change: impl Fn(&mut StoreOptions)) -> (Arc<Store>, Pool) {
    let make = |capacity_bytes| {
        let pool = Pool::new(PoolOptions { capacity_bytes, segment_bytes: 512 }).expect("valid options");
        let mut options = StoreOptions::new(pool.clone(), 7);
        change(&mut options);
        let store = Arc::new(Store::new(options).expect("large enough"));
        let statistics = pool.statistics();
        (store, pool, statistics.charged_bytes + statistics.table_bytes)
    };
    // Modelled locks are larger than real ones, and so is the index: it is measured, not reckoned.
    let (_, _, index_bytes) = make(64 << 10);
    let (store, pool, _) = make(index_bytes + segments * 512);
    (store, pool)
}

fn value(key: u8, count: u64) -> Vec<u8> {
    let mut bytes = vec![key; 90];
    bytes[1..9].copy_from_slice(&count.to_le_bytes());
    let sum = xxh3_64(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// The count in a value that must be whole and the key's own.
fn count_of(key: u8, bytes: &[u8]) -> u64 {
    let (content, sum) = bytes.split_last_chunk::<8>().expect("long enough");
    assert_eq!(xxh3_64(content).to_le_bytes(), *sum, "bytes of something else under key {key}");
    assert_eq!(content[0], key);
    u64::from_le_bytes(content[1..9].try_into().expect("eight bytes"))
}

/// Puts, and allows for memory that is short because readers hold it.
fn put(store: &Store, key: u8, count: u64) {
    match store.put(&[key], &value(key, count)) {
        Ok(_) | Err(Error::OutOfMemory { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

fn spawn(store: &Arc<Store>, body: impl FnOnce(&Store) + Send + 'static) -> shuttle::thread::JoinHandle<()> {
    let store = Arc::clone(store);
    shuttle::thread::spawn(move || body(&store))
}

/// Checks the books, and that everything which waits for readers comes back once there are none.
fn finish(store: &Store) {
    audit(store);
    for _ in 0..8 {
        crate::sync::epoch::pin().flush();
    }
    assert_eq!(store.statistics().awaiting_readers_bytes, 0);
}

fn join(threads: Vec<shuttle::thread::JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}

#[test]
fn writers_that_close_heads_under_each_other_lose_nothing() {
    check(|| {
        let store = store(24);
        let writers = (0..3).map(|writer| {
            spawn(&store, move |store| {
                (0..8).for_each(|i| put(store, writer * 8 + i, 1));
            })
        });
        join(writers.collect());
        assert_eq!(store.len(), 24);
        (0..24).for_each(|key| assert_eq!(count_of(key, &store.get(&[key]).expect("was put")), 1));
        finish(&store);
    });
}

#[test]
fn a_segment_is_not_cleaned_between_append_and_publish() {
    check(|| {
        let store = store(5);
        let writer = |key: u8| move |store: &Store| (1..40).for_each(|count| put(store, key, count));
        let cleaner = |store: &Store| {
            for _ in 0..20 {
                store.clean();
            }
        };
        join(vec![spawn(&store, writer(1)), spawn(&store, writer(2)), spawn(&store, cleaner)]);
        assert!(count_of(1, &store.get(&[1]).expect("was put")) > 0);
        assert!(count_of(2, &store.get(&[2]).expect("was put")) > 0);
        finish(&store);
    });
}

#[test]
fn a_reader_never_misses_a_key_that_moves_and_sees_its_counts_rise() {
    check(|| {
        let store = store(5);
        put(&store, 7, 1);
        let reader = |store: &Store| {
            let mut last = 0;
            for _ in 0..12 {
                let count = count_of(7, &store.get(&[7]).expect("is there all the time"));
                assert!(count >= last, "{count} after {last}");
                last = count;
            }
        };
        let writer = |store: &Store| {
            for count in 2..40 {
                put(store, 7, count);
                put(store, 8, count);
                put(store, 9, count);
            }
        };
        let cleaner = |store: &Store| {
            for _ in 0..20 {
                store.clean();
            }
        };
        join(vec![spawn(&store, reader), spawn(&store, writer), spawn(&store, cleaner)]);
        finish(&store);
    });
}

#[test]
fn a_reader_never_misses_a_key_while_the_index_grows_and_shrinks_around_it() {
    check(|| {
        let store = store(60);
        (0..6).for_each(|key| put_small(&store, key));
        let reader = |store: &Store| {
            for i in 0..40 {
                let key = i % 6;
                assert_eq!(store.get(&[key]).as_deref(), Some(&[key; 3][..]), "{key} is there all the time");
            }
        };
        let writer = |store: &Store| {
            (6..90).for_each(|key| put_small(store, key));
            for key in 6..90 {
                store.remove(&[key]);
            }
        };
        join(vec![spawn(&store, reader), spawn(&store, writer)]);
        assert_eq!(store.len(), 6);
        finish(&store);
    });
}

fn put_small(store: &Store, key: u8) {
    store.put(&[key], &[key; 3]).expect("room for all of them");
}

#[test]
fn memory_under_a_guard_is_not_used_again() {
    check(|| {
        let store = store(5);
        put(&store, 3, 1);
        let reader = |store: &Store| {
            for _ in 0..3 {
                let guard = store.get(&[3]).expect("is there all the time");
                let count = count_of(3, &guard);
                for _ in 0..8 {
                    shuttle::thread::yield_now();
                    assert_eq!(count_of(3, &guard), count);
                }
            }
        };
        let writer = |store: &Store| {
            for count in 2..60 {
                put(store, 3, count);
                put(store, 4, count);
            }
        };
        join(vec![spawn(&store, reader), spawn(&store, writer)]);
        drop(store.get(&[4]));
        finish(&store);
    });
}

#[test]
fn removal_and_insertion_race_with_the_cleaner() {
    check(|| {
        let store = store(5);
        let churn = |key: u8| {
            move |store: &Store| {
                for count in 1..30 {
                    put(store, key, count);
                    if let Some(value) = store.get(&[key]) {
                        count_of(key, &value);
                    }
                    store.remove(&[key]);
                }
            }
        };
        let cleaner = |store: &Store| {
            for _ in 0..20 {
                store.clean();
            }
        };
        join(vec![spawn(&store, churn(1)), spawn(&store, churn(1)), spawn(&store, cleaner)]);
        assert!(store.is_empty());
        finish(&store);
    });
}

#[test]
fn of_two_conditional_puts_one_wins() {
    check(|| {
        let store = store(5);
        let version = store.put(&[5], &value(5, 1)).expect("room");
        let wins = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let contender = |count: u64| {
            let wins = Arc::clone(&wins);
            move |store: &Store| {
                let outcome = store.put_if(&[5], &value(5, count), Expected::Version(version));
                match outcome {
                    Ok(_) => {
                        wins.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    }
                    Err(Error::VersionMismatch { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let cleaner = |store: &Store| {
            store.clean();
        };
        join(vec![spawn(&store, contender(2)), spawn(&store, contender(3)), spawn(&store, cleaner)]);
        assert_eq!(wins.load(std::sync::atomic::Ordering::SeqCst), 1);
        finish(&store);
    });
}

#[test]
fn a_thread_in_the_background_cleans_and_ends_with_the_store() {
    check(|| {
        let (store, pool) = store_with(8, |options| {
            options.cleaner_threads = 1;
            options.clean_below_segments = 4;
        });
        let writer = |key: u8| {
            move |store: &Store| {
                for count in 1..30 {
                    put(store, key, count);
                    let held = store.get(&[key]);
                    put(store, key + 10, count);
                    held.into_iter().for_each(|held| assert!(count_of(key, &held) <= count));
                }
            }
        };
        join(vec![spawn(&store, writer(1)), spawn(&store, writer(2))]);
        assert!(store.len() <= 4);
        drop(store);
        for _ in 0..8 {
            crate::sync::epoch::pin().flush();
        }
        assert_eq!(pool.statistics().used_bytes, 0);
    });
}
