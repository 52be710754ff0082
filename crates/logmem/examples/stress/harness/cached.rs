//! A cache and logs on the pool of the store: they push each other back, and what the cache has is right.
//!
//! The cache may forget, but not lie: what it answers for a key was put there, and is never older than what its
//! owner noted on the board before the lookup. Now and then a thread fills a log as a memtable would be filled,
//! which takes memory from the cache, and reads it back.

use std::sync::atomic::{AtomicU64, Ordering};

use stroma_logmem::{Cache, CacheOptions, Error, Log, Pool};

use super::Flaw;
use super::board::{Board, Note};
use super::random::Random;
use super::settings::Settings;
use super::value::{key_bytes, revision_of, write_value};

/// Keys of the cache, more than fit in its share.
const KEYS: u64 = 4_000;
/// The cache's shares of the pool, in percent: what it keeps, and what it takes at most.
const LEAST_PERCENT: usize = 4;
const MOST_PERCENT: usize = 20;
/// A log takes up to this share of the pool, in percent.
const LOG_PERCENT: usize = 6;

/// The cache, what is known of it, and the logs' budget.
pub(crate) struct Cached {
    pool: Pool,
    cache: Cache,
    board: Board,
    threads: u64,
    log_bytes: usize,
    /// Lookups that found something.
    pub(crate) hits: AtomicU64,
}

impl Cached {
    pub(crate) fn new(pool: &Pool, settings: &Settings) -> Result<Cached, Flaw> {
        let percent = settings.capacity_bytes / 100;
        let cache = Cache::new(CacheOptions {
            min_bytes: percent * LEAST_PERCENT,
            max_bytes: (percent * MOST_PERCENT).max(8 * settings.segment_bytes),
            ..CacheOptions::new(pool.clone(), settings.seed)
        })?;
        Ok(Cached {
            pool: pool.clone(),
            cache,
            board: Board::new(KEYS),
            threads: settings.threads,
            log_bytes: percent * LOG_PERCENT / settings.threads as usize,
            hits: AtomicU64::new(0),
        })
    }

    /// Puts, removes or reads a key of the cache. Each thread writes keys of its own and reads all.
    pub(crate) fn step(&self, thread: u64, random: &mut Random) -> Result<(), Flaw> {
        let own = random.below(KEYS / self.threads) * self.threads + thread;
        match random.below(8) {
            0 => self.remove(own),
            1..=3 => self.insert(own, random),
            _ => self.look_up(random.below(KEYS)),
        }
    }

    fn insert(&self, key: u64, random: &mut Random) -> Result<(), Flaw> {
        let before = self.board.note(key);
        let mut value = Vec::new();
        write_value(key, before.revision + 1, 24 + random.below(400) as usize, &mut value);
        self.board.set(key, Note { busy: true, ..before });
        let inserted = self.cache.insert(&key_bytes(key), &value);
        // Refused or not, what was there before is gone.
        self.board.set(key, Note { revision: before.revision + 1, present: inserted.is_ok(), busy: false });
        match inserted {
            Ok(()) | Err(Error::OutOfMemory { .. }) => Ok(()),
            Err(error) => Err(Flaw(format!("cached key {key}: {error}"))),
        }
    }

    fn remove(&self, key: u64) -> Result<(), Flaw> {
        let before = self.board.note(key);
        self.board.set(key, Note { busy: true, ..before });
        let removed = self.cache.remove(&key_bytes(key));
        self.board.set(key, Note { revision: before.revision + 1, present: false, busy: false });
        Flaw::unless(before.present || !removed, || format!("cached key {key} was removed twice"))
    }

    fn look_up(&self, key: u64) -> Result<(), Flaw> {
        let before = self.board.note(key);
        let found = self.cache.get_with(&key_bytes(key), |value| revision_of(key, value)).transpose()?;
        let after = self.board.note(key);
        let Some(revision) = found else { return Ok(()) };
        self.hits.fetch_add(1, Ordering::Relaxed);
        let least = before.revision + u64::from(!before.present);
        let most = after.revision + u64::from(after.busy);
        Flaw::unless((least..=most).contains(&revision), || {
            format!("cached key {key}: revision {revision}, where the board said {before:?}, then {after:?}")
        })
    }

    /// Fills a log, reads it back and drops it. Memory may run out on the way.
    pub(crate) fn fill_log(&self, thread: u64, random: &mut Random) -> Result<(), Flaw> {
        let log = Log::new(&self.pool);
        let (mut places, mut value) = (Vec::new(), Vec::new());
        while log.allocated_bytes() < self.log_bytes {
            let revision = places.len() as u64;
            write_value(thread, revision, 24 + random.below(300) as usize, &mut value);
            match log.append(&[&value]) {
                Ok(place) => places.push(place),
                Err(Error::OutOfMemory { .. }) => break,
                Err(error) => return Err(Flaw(format!("a log: {error}"))),
            }
        }
        for (revision, place) in (0..).zip(places) {
            let found = revision_of(thread, log.get(place))?;
            Flaw::unless(found == revision, || {
                format!("a log has entry {found} in the place of {revision}")
            })?;
        }
        Ok(())
    }
}
