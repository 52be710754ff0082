//! Measures the engine alone: loading, reading, scanning, synced commits. Not a benchmark against anyone; that is in
//! `bench/`. Run it with `cargo run --release -p stroma-lsm --example throughput [entries] [directory]`.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a program of its own")]

#[path = "../tests/shared/random.rs"]
mod random;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use random::{fill, key, mix};
use stroma_lsm::{Database, Durability, Error, Keyspace, Options};

fn options() -> Options {
    Options { memory_bytes: 256 << 20, ..Options::default() }
}

/// Half of it can be compressed.
fn value(number: u64) -> [u8; 100] {
    let mut value = [0; 100];
    fill(&mut value[..50], number);
    value
}

fn report(what: &str, operations: u64, took: Duration) {
    let rate = operations as f64 / took.as_secs_f64();
    println!("{what:<34} {rate:>12.0} a second   {:>8.3} s", took.as_secs_f64());
}

fn timed(what: &str, operations: u64, body: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let start = Instant::now();
    body()?;
    report(what, operations, start.elapsed());
    Ok(())
}

fn load(directory: &Path, entries: u64) -> Result<(), Error> {
    let database = Database::open(directory.join("single"), options())?;
    let keyspace = database.keyspace("all")?;
    timed("load one by one", entries, || {
        (0..entries).try_for_each(|n| keyspace.put(key(n), value(n)).map(drop))
    })?;
    timed("close", 1, || database.close())?;

    let database = Database::open(directory.join("hundreds"), options())?;
    let keyspace = database.keyspace("all")?;
    timed("load in batches of 100", entries, || {
        (0..entries / 100).try_for_each(|batch_number| {
            let mut batch = database.batch();
            for number in batch_number * 100..(batch_number + 1) * 100 {
                batch.put(&keyspace, key(number), value(number));
            }
            batch.commit().map(drop)
        })
    })?;
    read(&keyspace, entries, "from memory and tables")?;
    timed("compact", 1, || database.compact())?;
    read(&keyspace, entries, "from one level")?;
    let statistics = database.statistics();
    println!("write amplification {:.2}, {:?}", statistics.write_amplification(), statistics.slowdowns);
    let megabytes = statistics.table_bytes() >> 20;
    println!("{megabytes} MiB of tables, memory used {} KiB", statistics.memory_used >> 10);
    timed("close", 1, || database.close())?;
    timed("open", 1, || Database::open(directory.join("hundreds"), options()).map(drop))
}

fn read(keyspace: &Keyspace, entries: u64, what: &str) -> Result<(), Error> {
    let lookups = 300_000;
    let drawn = |turn: u64| mix(turn) % entries;
    timed(&format!("get, hit, {what}"), lookups, || {
        (0..lookups).try_for_each(|turn| keyspace.get(key(drawn(turn))).map(|found| assert!(found.is_some())))
    })?;
    timed(&format!("get, miss, {what}"), lookups, || {
        let missing = |turn| key(entries + drawn(turn));
        (0..lookups).try_for_each(|turn| keyspace.get(missing(turn)).map(|found| assert!(found.is_none())))
    })?;
    let scans = 10_000;
    timed(&format!("scan of 50, {what}"), scans, || {
        (0..scans).try_for_each(|turn| {
            let start = key(drawn(turn));
            keyspace.range(start.as_slice()..).take(50).try_for_each(|entry| entry.map(drop))
        })
    })?;
    timed(&format!("full scan, entries, {what}"), entries, || {
        keyspace.iter().try_for_each(|entry| entry.map(drop))
    })
}

fn commits(directory: &Path, threads: u64, commits: u64, durability: Durability) -> Result<(), Error> {
    let what = format!("{durability:?} commits, {threads} threads");
    let database = Database::open(directory.join(&what), options())?;
    let keyspace = database.keyspace("all")?;
    timed(&what, commits, || {
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..threads)
                .map(|thread| {
                    let (database, keyspace) = (&database, &keyspace);
                    scope.spawn(move || {
                        (0..commits / threads).try_for_each(|number| {
                            let mut batch = database.batch();
                            batch.put(keyspace, key(thread << 32 | number), value(number));
                            batch.commit_with(durability).map(drop)
                        })
                    })
                })
                .collect();
            writers.into_iter().try_for_each(|writer| writer.join().unwrap_or(Err(Error::Closed)))
        })
    })
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let entries = arguments.next().and_then(|entries| entries.parse().ok()).unwrap_or(1_000_000);
    let directory = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = directory.join(format!("stroma-throughput-{}", std::process::id()));
    let outcome = load(&directory, entries).and_then(|()| {
        let each = [1, 2, 4, 16].into_iter();
        each.clone().try_for_each(|threads| commits(&directory, threads, 500_000, Durability::Buffered))?;
        each.clone().try_for_each(|threads| commits(&directory, threads, 3_000, Durability::Synced))
    });
    let _ = std::fs::remove_dir_all(&directory);
    outcome
}
