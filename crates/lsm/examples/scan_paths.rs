//! What scans cost where short ones are hardest: over a database that is being changed. `cargo run --release -p
//! stroma-lsm --example scan_paths -- [ENTRIES] [part=mixed|deleted|queue] [memory=MIB] [rounds=N] [reads=PERCENT]
//! [threads=N]` (1,000,000 entries, all parts, 64 MiB, one round and thread if not told). Processor time of the thread.
//! `reads` is what reads have to pay before a merge is made for them, and 255 for never. Of several threads, which
//! `mixed` alone has, the mean is told, and the rate of all by the clock.
//!
//! - `mixed`: a load, six tenths as many updates by Zipf's law, then scans of up to 100 from keys drawn likewise, a
//!   fresh snapshot each, a twentieth of the operations inserts. That is YCSB E behind the other mixes.
//! - `deleted`: nine tenths are deleted, then scans of 50 from drawn places; once more after half of the key space was
//!   deleted by ranges.
//! - `queue`: a push behind and a pop in front, looks at the head, pushes and pops at either end.
//!
//! Nothing is closed and opened again in between.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, on real files")]

#[path = "../tests/shared/random.rs"]
mod random;
#[path = "../tests/shared/watch.rs"]
mod watch;

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use random::{Random, Zipfian, fill, key, mix};
use stroma_lsm::{Database, Error, Keyspace, Options, Upkeep};
use watch::Watch;

const BATCH: u64 = 100;
/// One entry of so many is left by deletes.
const LEFT: u64 = 10;
/// Ranges that are deleted.
const RANGES: u64 = 100;

/// What a database is opened with, and how many threads use it.
#[derive(Clone, Copy)]
struct Setting {
    mebibytes: usize,
    /// What reads have to pay for a merge.
    reads: u8,
    threads: u64,
}

fn value(number: u64) -> [u8; 100] {
    let mut value = [0; 100];
    fill(&mut value[..50], number);
    value
}

fn tell(what: &str, operations: u64, watch: &Watch) {
    println!("{what:<36} {:>9.0} ns", watch.seconds() * 1e9 / operations as f64);
}

fn load(folder: &Path, entries: u64, setting: Setting) -> Result<(Database, Keyspace), Error> {
    let read_percent = (setting.reads < u8::MAX).then_some(setting.reads);
    let upkeep = Upkeep { read_percent, ..Upkeep::default() };
    let options = Options { memory_bytes: setting.mebibytes << 20, upkeep, ..Options::default() };
    let database = Database::open(folder, options)?;
    let keyspace = database.keyspace("all")?;
    for start in (0..entries).step_by(BATCH as usize) {
        let mut batch = database.batch();
        for number in start..(start + BATCH).min(entries) {
            batch.put(&keyspace, key(number), value(number));
        }
        batch.commit()?;
    }
    Ok((database, keyspace))
}

/// Scans so many entries, in a snapshot of its own; answers how many there were.
fn scan(database: &Database, keyspace: &Keyspace, start: &[u8], limit: u64) -> Result<u64, Error> {
    let (snapshot, mut walked) = (database.snapshot(), 0);
    if limit == 0 {
        return Ok(0);
    }
    let _ = snapshot.range_with(keyspace, start.., |key, value| {
        black_box((key.last(), value.last()));
        walked += 1;
        if walked < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(walked)
}

fn mixed(folder: &Path, entries: u64, setting: Setting, rounds: u64) -> Result<(), Error> {
    let (database, keyspace) = load(folder, entries, setting)?;
    let (zipfian, mut random) = (Zipfian::new(entries), Random(42));
    let draw = |random: &mut Random| mix(zipfian.rank(random.share())) % entries;
    let watch = Watch::start();
    let updates = entries * 6 / 10;
    for turn in 0..updates {
        let number = draw(&mut random);
        keyspace.put(key(number), value(turn))?;
    }
    tell("updates", updates, &watch);
    let (next, operations) = (AtomicU64::new(entries), entries / 33);
    let step = |random: &mut Random| -> Result<u64, Error> {
        let number = draw(random);
        if random.below(100) < 95 {
            return scan(&database, &keyspace, &key(number), random.below(100) + 1);
        }
        let number = next.fetch_add(1, Ordering::Relaxed);
        keyspace.put(key(number), value(number))?;
        Ok(0)
    };
    for round in 0..rounds {
        let of_thread = |thread: u64| -> Result<(u64, f64), Error> {
            let mut random = Random(42 ^ (round << 16 | thread) << 32);
            let watch = Watch::start();
            let walked = (0..operations).map(|_| step(&mut random)).sum::<Result<u64, Error>>()?;
            Ok((walked, watch.seconds()))
        };
        let clock = Instant::now();
        let outcomes: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..setting.threads).map(|thread| scope.spawn(move || of_thread(thread))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
        });
        let all = (operations * setting.threads) as f64;
        let rate = all / clock.elapsed().as_secs_f64() / 1e3;
        let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, Error>>()?;
        let (walked, seconds) =
            outcomes.iter().fold((0, 0.0), |sum, (walked, seconds)| (sum.0 + walked, sum.1 + seconds));
        println!("{:<36} {:>9.0} ns", "YCSB E, an operation", seconds * 1e9 / all);
        println!("  {:.1} entries an operation, {rate:.0} thousand a second", walked as f64 / all);
    }
    let statistics = database.statistics();
    let runs: Vec<usize> = statistics.levels.iter().map(|level| level.runs).collect();
    let merged = statistics.merge_output_bytes >> 20;
    println!(
        "  runs by level {runs:?}, memory used {} KiB, merges wrote {merged} MiB",
        statistics.memory_used >> 10
    );
    database.close()
}

fn scans_of_50(what: &str, database: &Database, keyspace: &Keyspace, entries: u64) -> Result<(), Error> {
    let (scans, mut random, mut walked) = ((entries / 300).max(1), Random(42), 0);
    let snapshot = database.snapshot();
    let watch = Watch::start();
    for _ in 0..scans {
        let (start, mut found) = (random.next().to_be_bytes(), 0);
        let _ = snapshot.range_with(keyspace, start.as_slice().., |key, value| {
            black_box((key.last(), value.last()));
            found += 1;
            if found < 50 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        walked += found;
    }
    tell(&format!("scan of 50 {what}"), scans, &watch);
    let watch = Watch::start();
    let mut left = 0;
    let _ = snapshot.range_with::<&[u8], ()>(keyspace, .., |key, value| {
        black_box((key.last(), value.last()));
        left += 1;
        ControlFlow::Continue(())
    })?;
    tell(&format!("full scan {what}, an entry left"), left, &watch);
    println!("  {:.1} entries a scan, {left} left", walked as f64 / scans as f64);
    Ok(())
}

fn deleted(folder: &Path, entries: u64, setting: Setting, rounds: u64) -> Result<(), Error> {
    let (database, keyspace) = load(folder, entries, setting)?;
    let before = database.statistics().merge_output_bytes;
    let gone: Vec<u64> = (0..entries).filter(|number| number % LEFT != 0).collect();
    let watch = Watch::start();
    for numbers in gone.chunks(BATCH as usize) {
        let mut batch = database.batch();
        for number in numbers {
            batch.delete(&keyspace, key(*number));
        }
        batch.commit()?;
    }
    database.sync()?;
    tell("delete, in batches of 100", gone.len() as u64, &watch);
    let shape = |when: &str| {
        let statistics = database.statistics();
        let levels: Vec<_> =
            statistics.levels.iter().map(|level| (level.level, level.runs, level.bytes >> 10)).collect();
        let merged = (statistics.merge_output_bytes - before) >> 20;
        println!("  {when}: (level, runs, KiB) {levels:?}; merges wrote {merged} MiB since the load");
    };
    shape("then");
    for _ in 0..rounds {
        scans_of_50("after deletes", &database, &keyspace, entries)?;
    }
    shape("then");
    let width = u64::MAX / RANGES;
    let watch = Watch::start();
    for start in (0..RANGES).map(|range| range * width) {
        keyspace.delete_range(start.to_be_bytes()..(start + width / 2).to_be_bytes())?;
    }
    tell("delete a range", RANGES, &watch);
    for _ in 0..rounds {
        scans_of_50("after range deletes", &database, &keyspace, entries)?;
    }
    shape("in the end");
    database.close()
}

/// Removes an entry at an end as one does who knows no keys.
fn pop(database: &Database, keyspace: &Keyspace, at_head: bool) -> Result<(), Error> {
    let snapshot = database.snapshot();
    let found = if at_head {
        snapshot.range_with::<&[u8], _>(keyspace, .., |key, _| ControlFlow::Break(key.to_vec()))?
    } else {
        snapshot.prefix(keyspace, []).next_entry_back()?.map(|(key, _)| key.to_vec())
    };
    drop(snapshot);
    keyspace.delete(found.unwrap_or_default()).map(drop)
}

fn queue(folder: &Path, entries: u64, setting: Setting, rounds: u64) -> Result<(), Error> {
    let (database, keyspace) = load(folder, 0, setting)?;
    let mut numbers = 1_u64 << 40..1 << 40;
    let mut push = |at_head: bool| {
        let number = if at_head { numbers.start - 1 } else { numbers.end };
        if at_head {
            numbers.start = number;
        } else {
            numbers.end = number + 1;
        }
        keyspace.put(number.to_be_bytes(), value(number)).map(drop)
    };
    (0..1000).try_for_each(|_| push(false))?;
    let turns = entries / 10;
    for _ in 0..rounds {
        let watch = Watch::start();
        (0..turns).try_for_each(|_| push(false).and_then(|()| pop(&database, &keyspace, true)))?;
        tell("push behind, pop in front", turns, &watch);
        let watch = Watch::start();
        (0..turns).try_for_each(|_| scan(&database, &keyspace, &[], 1).map(drop))?;
        tell("look at the head", turns, &watch);
        let watch = Watch::start();
        (0..turns).try_for_each(|_| {
            let found = database.snapshot().prefix(&keyspace, []).next_entry_back()?.is_some();
            assert!(found, "the queue is never empty");
            Ok::<_, Error>(())
        })?;
        tell("look at the tail", turns, &watch);
        let mut random = Random(42);
        let mut either = || random.below(2) == 0;
        let watch = Watch::start();
        (0..turns).try_for_each(|_| push(either()).and_then(|()| pop(&database, &keyspace, either())))?;
        tell("push and pop at either end", turns, &watch);
    }
    let passed = database.statistics().deleted_keys_passed;
    println!("  {passed} deleted keys were stepped over");
    assert_eq!(keyspace.iter().count(), 1000);
    database.close()
}

fn main() -> Result<(), Error> {
    let (mut entries, mut rounds, mut only) = (1_000_000, 1, None);
    let mut setting = Setting { mebibytes: 64, reads: 50, threads: 1 };
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("part", name)) => only = Some(name.to_owned()),
            Some(("memory", mebibytes)) => setting.mebibytes = mebibytes.parse().unwrap_or(64),
            Some(("reads", percent)) => setting.reads = percent.parse().unwrap_or(50),
            Some(("threads", count)) => setting.threads = count.parse().unwrap_or(1),
            Some(("rounds", count)) => rounds = count.parse().unwrap_or(rounds),
            _ => entries = argument.parse().unwrap_or(entries),
        }
    }
    type Part = fn(&Path, u64, Setting, u64) -> Result<(), Error>;
    let parts: [(&str, Part); 3] = [("mixed", mixed), ("deleted", deleted), ("queue", queue)];
    let folder = std::env::temp_dir().join(format!("scan-paths-{}", std::process::id()));
    let wanted = parts.iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name));
    let outcome =
        wanted.into_iter().try_for_each(|(name, part)| part(&folder.join(name), entries, setting, rounds));
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}
