//! The index against a plain map, its load, and readers while words move.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::word::{Layout, with_heat};
use super::*;
use crate::error::Error;
use crate::location::Location;
use crate::memory::LINE_WORDS;
use crate::pool::{Pool, PoolOptions};

/// An index whose "entries" are their own locations: the offset is the key, the segment a version.
pub(super) struct Bare {
    pool: Pool,
    pub(super) index: Index,
    hash: fn(u64) -> u64,
}

pub(super) fn seeded<const SEED: u64>(key: u64) -> u64 {
    xxh3_64_with_seed(&key.to_le_bytes(), SEED)
}

impl Keys for Bare {
    fn hash_at(&self, at: Location, _: &crate::sync::epoch::Guard) -> Option<u64> {
        Some((self.hash)(at.offset() as u64))
    }
}

impl Bare {
    pub(super) fn new(capacity_bytes: usize, hash: fn(u64) -> u64) -> Bare {
        let pool = Pool::new(PoolOptions { capacity_bytes, segment_bytes: 4096 }).expect("valid options");
        // Offsets of 20 bits, versions of 10, and 15 of each number of a hash.
        let index =
            Index::new(&pool).expect("room").with_layout(|shard_bits| Layout::new(20, 10, shard_bits));
        Bare { pool, index, hash }
    }

    /// The same in words so full that they tell the buckets only of the smallest shards.
    pub(super) fn full_words(self) -> Bare {
        Bare { index: self.index.with_layout(Layout::widest), ..self }
    }

    pub(super) fn put(&self, key: u64, version: u32) -> Result<(), Error> {
        let hash = (self.hash)(key);
        let at = Location::pack(0, version, key as usize);
        loop {
            self.index.grow(&self.pool, self)?;
            let writer = self.index.lock(hash);
            if let Some((place, _)) = writer.find(hash, |found| found.offset() as u64 == key) {
                writer.set(place, hash, at);
                return Ok(());
            }
            if let Ok(vacancy) = writer.vacancy(hash, self, &crate::sync::epoch::pin()) {
                writer.insert(vacancy, hash, at);
                return Ok(());
            }
            drop(writer);
            self.index.relieve(hash, &self.pool, self)?;
        }
    }

    pub(super) fn remove(&self, key: u64) -> bool {
        let hash = (self.hash)(key);
        let writer = self.index.lock(hash);
        let found = writer.find(hash, |found| found.offset() as u64 == key);
        found.into_iter().for_each(|(place, _)| writer.remove(place));
        drop(writer);
        self.index.shrink(self);
        found.is_some()
    }

    pub(super) fn get(&self, key: u64) -> Option<u32> {
        let found = self.index.find((self.hash)(key), |at| {
            if at.offset() as u64 == key { Probe::Found(at.segment()) } else { Probe::Other }
        });
        found.map(|(_, version)| version)
    }

    fn load(&self) -> f64 {
        self.index.len() as f64 / (self.index.row() * LINE_WORDS) as f64
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 48 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn answers_like_a_plain_map(
        full_words in any::<bool>(),
        roomy in any::<bool>(),
        phases in prop::collection::vec((0_u64..600, 1_u32..20, prop::bool::weighted(0.6)), 1..400)
    ) {
        let bare = Bare::new(1 << 20, seeded::<5>);
        let bare = if full_words { bare.full_words() } else { bare };
        bare.index.be_roomy(roomy);
        let mut model = HashMap::new();
        for (first, version, puts) in phases {
            // Runs of keys, so that the index grows and shrinks by much.
            for key in first..first + 12 {
                if puts {
                    bare.put(key, version).expect("room");
                    model.insert(key, version);
                } else {
                    prop_assert_eq!(bare.remove(key), model.remove(&key).is_some());
                }
            }
        }
        for key in 0..620 {
            prop_assert_eq!(bare.get(key), model.get(&key).copied());
        }
        let shards = 0..bare.index.shards();
        let all: HashSet<_> =
            shards.flat_map(|n| bare.index.lock_number(n).locations().collect::<Vec<_>>()).collect();
        prop_assert_eq!(all.len(), model.len());
        prop_assert_eq!(bare.index.len(), model.len());
    }
}

#[test]
#[cfg_attr(miri, ignore = "too long")]
fn the_load_holds_through_growth_churn_and_shrinkage() {
    let new = |capacity| Bare::new(capacity, seeded::<11>);
    let cases = [
        (new(8 << 20), false),
        (new(64 << 20), false),
        (new(8 << 20).full_words(), false),
        (new(8 << 20), true),
    ];
    for (bare, is_roomy) in cases {
        bare.index.be_roomy(is_roomy);
        let most_bytes = if is_roomy { 10.0 } else { 9.7 };
        let check = |what: &str| {
            let bytes = bare.index.size_bytes() as f64 / bare.index.len() as f64;
            assert!(bare.load() >= 0.8, "{what}: load {} of {} keys", bare.load(), bare.index.len());
            assert!(
                bytes <= 10.5 && (bytes <= most_bytes || bare.index.len() < 50_000),
                "{what}: {bytes} bytes a key"
            );
        };
        let (mut first, mut next) = (0, 0);
        while next < 150_000 {
            bare.put(next, 1).expect("room");
            next += 1;
            if next >= 10_000 && next % 500 == 0 {
                check("growth");
            }
        }
        for step in 0..100_000 {
            assert!(bare.remove(first));
            bare.put(next, 1).expect("room");
            (first, next) = (first + 1, next + 1);
            if step % 1000 == 0 {
                check("churn");
            }
        }
        while next - first > 10_000 {
            assert!(bare.remove(first));
            first += 1;
            if first % 500 == 0 {
                check("shrinkage");
            }
        }
        assert!((first..next).all(|key| bare.get(key) == Some(1)) && bare.get(first - 1).is_none());
        drop(bare.index);
        assert_eq!(bare.pool.statistics().charged_bytes, 0);
    }
}

#[test]
fn keys_that_collide_under_one_seed_do_not_under_another() {
    let colliding: Vec<u64> = (0..400_000).filter(|key| seeded::<1>(*key) % (1 << 10) == 77).collect();
    let distinct = |hash: fn(u64) -> u64| {
        colliding.iter().map(|key| hash(*key) % (1 << 10)).collect::<HashSet<_>>().len()
    };
    assert!(colliding.len() > 300, "{}", colliding.len());
    assert_eq!(distinct(seeded::<1>), 1);
    assert!(distinct(seeded::<2>) > 250, "{}", distinct(seeded::<2>));
    let [attacked, spared] = [seeded::<1>, seeded::<2>].map(|hash| Bare::new(16 << 20, hash));
    for key in &colliding {
        attacked.put(*key, 1).expect("room");
        spared.put(*key, 1).expect("room");
    }
    assert!(colliding.iter().all(|key| attacked.get(*key).is_some() && spared.get(*key).is_some()));
    assert!(spared.load() > 4.0 * attacked.load(), "{} and {}", spared.load(), attacked.load());
}

#[test]
fn equal_hashes_end_in_an_error_and_spare_the_others() {
    let new = || Bare::new(1 << 20, |key| if key < 100 { 42 } else { seeded::<3>(key) });
    [new(), new().full_words()].into_iter().for_each(check_equal_hashes);
}

fn check_equal_hashes(bare: Bare) {
    (1000..1100).for_each(|key| bare.put(key, 1).expect("room"));
    let refused = (0..100).find(|key| bare.put(*key, 1).is_err()).expect("two buckets are all there is");
    assert!((8..=16).contains(&refused), "{refused}");
    (1100..1500).for_each(|key| bare.put(key, 1).expect("room"));
    assert!((0..refused).chain(1000..1500).all(|key| bare.get(key) == Some(1)));
}

#[test]
fn heat_survives_moves() {
    let bare = Bare::new(1 << 20, seeded::<9>);
    (0..500).for_each(|key| bare.put(key, 1).expect("room"));
    for key in 0..500 {
        let hash = seeded::<9>(key);
        let writer = bare.index.lock(hash);
        let (place, at) = writer.find(hash, |at| at.offset() as u64 == key).expect("there");
        writer.set(place, hash, with_heat(at, (key % 16) as u8));
    }
    (500..5000).for_each(|key| bare.put(key, 1).expect("room"));
    for key in 0..500 {
        let hash = seeded::<9>(key);
        let (_, at) = bare.index.lock(hash).find(hash, |at| at.offset() as u64 == key).expect("there");
        assert_eq!(u64::from(super::word::heat_of(at)), key % 16);
    }
}

#[test]
#[allow(clippy::disallowed_methods)] // threads are what is tested
#[cfg_attr(shuttle, ignore = "runs on real threads")]
fn readers_never_miss_a_key_that_is_there_while_others_move_it() {
    let bare = Bare::new(1 << 20, seeded::<4>);
    let stable = if cfg!(miri) { 40 } else { 1000_u64 };
    (0..stable).for_each(|key| bare.put(key, 1).expect("room"));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = || {
            let mut rounds = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) || rounds == 0 {
                (0..stable).for_each(|key| assert!(bare.get(key).is_some(), "key {key} in round {rounds}"));
                rounds += 1;
            }
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        for round in 0..if cfg!(miri) { 2 } else { 30 } {
            (0..stable).for_each(|key| bare.put(key, 2 + round).expect("room"));
            (stable..stable * 5).for_each(|key| bare.put(key, 1).expect("room"));
            (stable..stable * 5).for_each(|key| assert!(bare.remove(key)));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().expect("no key missed"));
    });
}
