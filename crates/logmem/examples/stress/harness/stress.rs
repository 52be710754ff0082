//! Rounds of threads on one store, and the recount after each.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stroma_logmem::{Pool, PoolOptions, Store, StoreOptions};

use super::Flaw;
use super::board::Board;
use super::cached::Cached;
use super::contender::Counters;
use super::owner::{Owner, Scene, Tally};
use super::profile::Profile;
use super::random::Random;
use super::reader::Reader;
use super::settings::Settings;

/// Counters that all threads raise.
const COUNTERS: usize = 16;
/// Steps after which a thread tells that it is alive.
const HEARTBEAT: u64 = 64;

/// A store under stress.
pub(crate) struct Stress {
    settings: Settings,
    pool: Pool,
    store: Store,
    board: Board,
    counters: Counters,
    cached: Cached,
    owners: Vec<Owner>,
    tally: Tally,
    rounds: u64,
}

/// What one round did.
#[derive(Debug)]
pub(crate) struct Report {
    /// What the round's values were like.
    pub(crate) profile: &'static str,
    /// Puts, removals and refusals since the first round.
    pub(crate) puts: u64,
    pub(crate) removals: u64,
    pub(crate) refused: u64,
    /// Refusals that came while there should have been memory.
    pub(crate) early: u64,
    /// Segments that the cleaner emptied since the first round.
    pub(crate) segments_cleaned: usize,
    /// Keys in the store.
    pub(crate) entries: usize,
    /// Lookups in the cache that found something.
    pub(crate) cache_hits: u64,
    /// Bytes of keys and values over the capacity.
    pub(crate) fill: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { profile, puts, removals, refused, early, segments_cleaned, entries, cache_hits, fill } =
            self;
        write!(
            formatter,
            "{profile}: {puts} puts, {removals} removals, {refused} refused ({early} early), \
             {segments_cleaned} segments cleaned, {entries} keys, {:.0} % full, {cache_hits} hits in the cache",
            fill * 100.0
        )
    }
}

/// What the threads of a round share.
#[derive(Clone, Copy)]
struct Round<'a> {
    number: u64,
    seed: u64,
    steps: u64,
    profile: &'a Profile,
    active: u64,
    scene: Scene<'a>,
    counters: &'a Counters,
    cached: &'a Cached,
    pool: &'a Pool,
    /// Set by the first thread that fails.
    failed: &'a AtomicBool,
    heartbeat: &'a AtomicU64,
}

impl Stress {
    /// After so many rounds every profile has had its turn.
    pub(crate) const KINDS: u64 = Profile::KINDS;

    /// An empty store and threads that have not begun.
    pub(crate) fn new(settings: Settings) -> Result<Stress, Flaw> {
        let Settings { seed, threads, capacity_bytes, segment_bytes, .. } = settings;
        let pool = Pool::new(PoolOptions { capacity_bytes, segment_bytes })?;
        let store = Store::new(StoreOptions::new(pool.clone(), seed))?;
        let keys = Profile::most_keys(&settings);
        let owners = (0..threads).map(|number| Owner::new(number, threads, keys)).collect();
        let counters = Counters::new(keys, COUNTERS);
        let cached = Cached::new(&pool, &settings)?;
        let (board, tally) = (Board::new(keys), Tally::default());
        Ok(Stress { settings, pool, store, board, counters, cached, owners, tally, rounds: 0 })
    }

    /// One round: all threads take their steps, then everything is counted again. Every few steps,
    /// `heartbeat` grows.
    pub(crate) fn round(&mut self, heartbeat: &AtomicU64) -> Result<Report, Flaw> {
        let profile = Profile::of_round(self.rounds, &self.settings);
        let failed = AtomicBool::new(false);
        let scene = Scene {
            store: &self.store,
            board: &self.board,
            tally: &self.tally,
            capacity_bytes: self.settings.capacity_bytes,
        };
        let round = Round {
            number: self.rounds,
            seed: self.settings.seed,
            steps: self.settings.steps,
            profile: &profile,
            active: profile.active_keys(&self.settings),
            scene,
            counters: &self.counters,
            cached: &self.cached,
            pool: &self.pool,
            failed: &failed,
            heartbeat,
        };
        run_threads(&mut self.owners, |owner| owner.shrink_to(round.active, scene))?;
        run_threads(&mut self.owners, |owner| owner_round(owner, round))?;
        self.rounds += 1;
        self.recount(scene)?;
        Ok(self.report(profile.name))
    }

    /// Reads every key, in one thread, and compares the books.
    fn recount(&self, scene: Scene<'_>) -> Result<(), Flaw> {
        let mut present = self.counters.present();
        for owner in &self.owners {
            present += owner.recount(scene)?;
        }
        self.counters.check(&self.store)?;
        let length = self.store.len();
        Flaw::unless(length == present, || format!("the store has {length} keys, {present} were written"))?;
        let mut visited = 0;
        self.store.for_each(|_, _, _| visited += 1);
        Flaw::unless(visited == present, || format!("{visited} keys were visited, {present} are there"))?;
        let books = self.store.statistics();
        let live = self.tally.live_bytes.load(Ordering::Relaxed);
        Flaw::unless(books.live_bytes as i64 >= live, || {
            format!("the books say {} live bytes, keys and values have {live}", books.live_bytes)
        })?;
        check_budget(&self.pool)
    }

    fn report(&self, profile: &'static str) -> Report {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let statistics = self.store.statistics();
        Report {
            profile,
            puts: count(&self.tally.puts),
            removals: count(&self.tally.removals),
            refused: count(&self.tally.refused),
            early: count(&self.tally.refused_early),
            segments_cleaned: statistics.cleaned.segments_emptied,
            entries: statistics.entries,
            cache_hits: count(&self.cached.hits),
            fill: self.tally.live_bytes.load(Ordering::Relaxed) as f64 / self.settings.capacity_bytes as f64,
        }
    }
}

/// Runs `work` on a thread for each owner and waits for all; the first flaw, if any.
fn run_threads(
    owners: &mut [Owner],
    work: impl Fn(&mut Owner) -> Result<(), Flaw> + Sync,
) -> Result<(), Flaw> {
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = owners.iter_mut().map(|owner| scope.spawn(move || work(owner))).collect();
        // Joined one by one, which a sanitizer sees, while it is blind to the end of the scope.
        let outcomes: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(Flaw("a thread panicked".to_owned()))))
            .collect();
        outcomes.into_iter().collect()
    })
}

/// The steps of one thread.
fn owner_round(owner: &mut Owner, round: Round<'_>) -> Result<(), Flaw> {
    let outcome = owner_steps(owner, round);
    if outcome.is_err() {
        round.failed.store(true, Ordering::Relaxed);
    }
    outcome
}

fn owner_steps(owner: &mut Owner, round: Round<'_>) -> Result<(), Flaw> {
    let mut random = Random::new(round.seed, round.number, owner.number());
    let store = round.scene.store;
    let mut reader = Reader::new(store, round.scene.board);
    for step in 0..round.steps {
        if step.is_multiple_of(HEARTBEAT) {
            round.heartbeat.fetch_add(1, Ordering::Relaxed);
            if round.failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            check_budget(round.pool)?;
        }
        match random.below(32) {
            0 => round.counters.step(store, &mut random)?,
            1..=8 => reader.step(round.active, &mut random)?,
            9..=11 => round.cached.step(owner.number(), &mut random)?,
            12 if random.one_in(500) => round.cached.fill_log(owner.number(), &mut random)?,
            12 if random.one_in(1000) => reader.walk()?,
            12 if random.one_in(100) => drop(store.clean()),
            _ => owner.step(round.active, round.profile, &mut random, round.scene)?,
        }
    }
    Ok(())
}

fn check_budget(pool: &Pool) -> Result<(), Flaw> {
    let statistics = pool.statistics();
    let kept = statistics.used_bytes <= statistics.capacity_bytes;
    Flaw::unless(kept, || format!("the pool passed its budget: {statistics:?}"))
}
