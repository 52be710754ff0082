//! Many threads on one small store with checksummed values, seeded and bounded.
#![allow(clippy::disallowed_methods)] // threads are what is tested

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stroma_logmem::{Error, Expected, Pool, PoolOptions, Store, StoreOptions, Version};
use xxhash_rust::xxh3::xxh3_64;

const KEYS: u64 = 400;
const WRITERS: u64 = 3;
const STEPS: u64 = if cfg!(miri) { 100 } else { 8_000 };

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

/// A value that tells whether it is whole and whose it is.
fn value(key: u64, random: &mut Random) -> Vec<u8> {
    let length = if random.next().is_multiple_of(200) { 5000 } else { random.next() % 250 };
    let body: Vec<u8> = (0..length).map(|i| (key + i) as u8).collect();
    [&xxh3_64(&body).to_le_bytes(), &key.to_le_bytes()[..], &body].concat()
}

fn check(key: u64, value: &[u8]) {
    let (checksum, rest) = value.split_first_chunk::<8>().expect("checksum");
    let (owner, body) = rest.split_first_chunk::<8>().expect("key");
    assert_eq!(u64::from_le_bytes(*owner), key);
    assert_eq!(u64::from_le_bytes(*checksum), xxh3_64(body));
}

#[test]
fn no_thread_ever_sees_a_torn_foreign_or_lost_value() {
    // About 60 KiB live of 128, in segments of 2 KiB: the cleaner is always at work.
    let pool = Pool::new(PoolOptions { capacity_bytes: 160 << 10, segment_bytes: 2048 }).expect("valid");
    let store = Store::new(StoreOptions::new(pool.clone(), 3)).expect("fits");
    let done = AtomicBool::new(false);
    let refused = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|thread| {
                let (store, refused) = (&store, &refused);
                scope.spawn(move || write(store, thread, refused))
            })
            .collect();
        scope.spawn(|| {
            let mut random = Random(99);
            let mut newest = vec![Version::from_bits(0); KEYS as usize];
            while !done.load(Ordering::Relaxed) {
                let key = random.next() % KEYS;
                if let Some(guard) = store.get(&key.to_le_bytes()) {
                    check(key, &guard);
                    assert!(guard.version() >= newest[key as usize], "versions never go back");
                    newest[key as usize] = guard.version();
                }
                if random.next().is_multiple_of(1000) {
                    store.for_each(|key, value, _| {
                        check(u64::from_le_bytes(key.try_into().expect("8")), value)
                    });
                    store.clean();
                }
                let statistics = pool.statistics();
                assert!(statistics.allocated_bytes + statistics.charged_bytes <= statistics.capacity_bytes);
            }
        });
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join().expect("no panic")).collect();
        done.store(true, Ordering::Relaxed);
        let present: usize = written.iter().map(|keys| keys.iter().flatten().count()).sum();
        assert_eq!(store.len(), present);
        for (thread, keys) in written.iter().enumerate() {
            for (slot, version) in keys.iter().enumerate() {
                let key = slot as u64 * WRITERS + thread as u64;
                assert_eq!(store.get_copied(&key.to_le_bytes()).map(|found| found.1), *version);
            }
        }
    });
    assert!(store.statistics().cleaned.segments_emptied > 0);
    assert!(refused.load(Ordering::Relaxed) < WRITERS * STEPS / 10, "{refused:?} refused for lack of memory");
}

/// Each writer owns the keys that are its number modulo the writers, so that it knows their versions.
fn write(store: &Store, thread: u64, refused: &AtomicU64) -> Vec<Option<Version>> {
    let mut random = Random(thread);
    let mut known: Vec<Option<Version>> = vec![None; (KEYS / WRITERS) as usize];
    for _ in 0..STEPS {
        let slot = random.next() % known.len() as u64;
        let key = slot * WRITERS + thread;
        let version = &mut known[slot as usize];
        if random.next().is_multiple_of(4) {
            assert_eq!(store.remove(&key.to_le_bytes()), version.take());
            continue;
        }
        let expected = version.map_or(Expected::Absent, Expected::Version);
        match store.put_if(&key.to_le_bytes(), &value(key, &mut random), expected) {
            Ok(new) => *version = Some(new),
            Err(Error::OutOfMemory { .. }) => drop(refused.fetch_add(1, Ordering::Relaxed)),
            Err(error) => panic!("{error}"),
        }
    }
    known
}

#[test]
fn conditional_writes_count_every_increment() {
    let pool = Pool::new(PoolOptions { capacity_bytes: 64 << 10, segment_bytes: 1024 }).expect("valid");
    let store = Store::new(StoreOptions::new(pool, 1)).expect("fits");
    store.put(b"counter", &0_u64.to_le_bytes()).expect("fits");
    let each = if cfg!(miri) { 20 } else { 2_000 };
    std::thread::scope(|scope| {
        let increment = || {
            for _ in 0..each {
                loop {
                    let (bytes, version) = store.get_copied(b"counter").expect("present");
                    let next = u64::from_le_bytes(bytes.try_into().expect("8")) + 1;
                    match store.put_if(b"counter", &next.to_le_bytes(), Expected::Version(version)) {
                        Ok(_) => break,
                        Err(Error::VersionMismatch { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        };
        // Joined one by one, which a sanitizer sees, while it is blind to the end of the scope.
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(increment)).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
    let (bytes, _) = store.get_copied(b"counter").expect("present");
    assert_eq!(bytes, (3_u64 * each).to_le_bytes());
}
