//! Many threads on one small cache with checksummed values, seeded and bounded.
#![allow(clippy::disallowed_methods)] // threads are what is tested

use stroma_logmem::{Cache, CacheOptions, Log, Pool, PoolOptions};
use xxhash_rust::xxh3::xxh3_64;

const KEYS: u64 = 3_000;
const STEPS: u64 = if cfg!(miri) { 100 } else { 20_000 };

/// A small generator, so that a run depends on its seed alone (Steele and others, SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A value that tells whether it is whole, whose it is and how old.
fn value(key: u64, count: u64, random: &mut Random) -> Vec<u8> {
    let body: Vec<u8> = (0..random.next() % 250).map(|i| (key + i) as u8).collect();
    let content = [&key.to_le_bytes(), &count.to_le_bytes()[..], &body].concat();
    [&xxh3_64(&content).to_le_bytes(), &content[..]].concat()
}

/// The age of a value that must be whole and the key's own.
fn check(key: u64, value: &[u8]) -> u64 {
    let (checksum, content) = value.split_first_chunk::<8>().expect("checksum");
    assert_eq!(u64::from_le_bytes(*checksum), xxh3_64(content));
    let (owner, rest) = content.split_first_chunk::<8>().expect("key");
    assert_eq!(u64::from_le_bytes(*owner), key);
    u64::from_le_bytes(*rest.first_chunk().expect("count"))
}

#[test]
fn no_thread_ever_sees_a_torn_foreign_or_outdated_value() {
    let pool = Pool::new(PoolOptions { capacity_bytes: 192 << 10, segment_bytes: 4096 }).expect("valid");
    let options = CacheOptions { min_bytes: 96 << 10, ..CacheOptions::new(pool.clone(), 3) };
    let cache = Cache::new(options).expect("fits");
    std::thread::scope(|scope| {
        // Each thread owns the keys that are its number modulo three, and reads those of all.
        let worker = |thread: u64| {
            let (cache, pool) = (cache.clone(), pool.clone());
            move || {
                let mut random = Random(thread);
                let mut newest = vec![0; KEYS as usize];
                let mut log = None;
                for step in 1..=STEPS {
                    let rank = random.next() % KEYS;
                    let key = rank * rank / KEYS / 3 * 3 + random.next() % 3;
                    let found = cache.get_with(&key.to_le_bytes(), |value| check(key, value));
                    let newest = &mut newest[key as usize];
                    assert!(found.is_none_or(|count| count >= *newest), "an older value came back");
                    if key % 3 != thread {
                        *newest = found.unwrap_or(*newest);
                        continue;
                    }
                    assert!(found.is_none_or(|count| count == *newest));
                    match random.next() % 8 {
                        0 => drop(cache.remove(&key.to_le_bytes())),
                        1..4 => {
                            *newest = step;
                            cache.insert(&key.to_le_bytes(), &value(key, step, &mut random)).expect("room");
                        }
                        _ => {}
                    }
                    // Someone else takes of the pool what the cache must give, and lets it go again.
                    if thread == 0 && step % 500 == 0 {
                        log = if log.is_some() { None } else { Some(Log::new(&pool)) };
                        log.iter().for_each(|log| {
                            (0..8).for_each(|_| drop(log.append(&[&[7; 4000]])));
                        });
                    }
                    let statistics = pool.statistics();
                    assert!(statistics.used_bytes <= statistics.capacity_bytes);
                }
            }
        };
        let threads: Vec<_> = (0..3).map(|thread| scope.spawn(worker(thread))).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
    let statistics = cache.statistics();
    assert!(cfg!(miri) || (statistics.evicted > 1000 && statistics.kept > 100), "{statistics:?}");
}
