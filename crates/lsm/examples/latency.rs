//! Measures how long single calls take where they could take long: puts while merges fall behind (once with merges as
//! fast as they can, once with merges that may write less than the load asks of them), and finding the head of a queue
//! from which everything is taken. Run it with
//! `cargo run --release -p stroma-lsm --example latency [entries] [memory in MiB] [merge limit in KiB a second]`.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a program of its own")]

#[path = "../tests/shared/random.rs"]
mod random;

use std::path::Path;
use std::time::{Duration, Instant};

use random::{fill, key, mix};
use stroma_lsm::{Database, Error, Options};
use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;

/// How long each call took.
struct Times(Vec<Duration>);

impl Times {
    fn time<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let answer = call();
        self.0.push(begun.elapsed());
        answer
    }

    fn show(mut self, what: &str) {
        self.0.sort_unstable();
        let at = |share: f64| {
            let place = (self.0.len().saturating_sub(1) as f64 * share) as usize;
            self.0.get(place).copied().unwrap_or_default()
        };
        println!(
            "{what}: p50 {:?}, p99 {:?}, p99.9 {:?}, p99.99 {:?}, most {:?}",
            at(0.5),
            at(0.99),
            at(0.999),
            at(0.9999),
            at(1.0)
        );
    }
}

/// Puts 100 bytes under keys in random order.
fn puts(directory: &Path, entries: u64, memory: usize, limit: Option<u64>) -> Result<(), Error> {
    let limits = Limits { level1_bytes: 16 << 20, table_bytes: 4 << 20, ..Limits::default() };
    let options = Options {
        memory_bytes: memory << 20,
        merge_policy: MergePolicy::TieredThenLevelled(limits),
        merge_bytes_per_second: limit,
        memory_cleaning: false,
        ..Options::default()
    };
    let database = Database::open(directory, options)?;
    let keyspace = database.keyspace("all")?;
    let (mut times, mut value) = (Times(Vec::with_capacity(entries as usize)), [0; 100]);
    for turn in 0..entries {
        fill(&mut value, turn);
        times.time(|| keyspace.put(key(mix(turn)), value))?;
    }
    let statistics = database.statistics();
    times.show(&limit.map_or("puts, merges without limit".to_owned(), |limit| {
        format!("puts, merges at {} KiB a second", limit >> 10)
    }));
    println!(
        "  slowdowns {:?}, stops {:?}, runs of level 0 at the end {:?}, merges wrote {} MiB",
        statistics.slowdowns,
        statistics.stops,
        statistics.levels.first().map(|level| level.runs),
        statistics.merge_output_bytes >> 20,
    );
    Ok(())
}

/// Pushes, then takes everything from the other end.
fn queue(directory: &Path, entries: u64) -> Result<(), Error> {
    let database = Database::open(directory, Options::default())?;
    let queue = database.keyspace("queue")?;
    for number in 0..entries {
        queue.put(number.to_be_bytes(), [7; 40])?;
    }
    let mut times = Times(Vec::with_capacity(entries as usize));
    for _ in 0..entries {
        if let Some((head, _)) = times.time(|| queue.first())? {
            queue.delete(head)?;
        }
    }
    times.show("head of a queue");
    let passed = database.statistics().deleted_keys_passed;
    println!("  {:.1} deleted keys were stepped over for each", passed as f64 / entries as f64);
    Ok(())
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().ok());
    let mut argument = |default: u64| arguments.next().flatten().unwrap_or(default);
    let (entries, memory, limit) = (argument(1_000_000), argument(16) as usize, argument(4096));
    let directory = std::env::temp_dir().join(format!("stroma-latency-{}", std::process::id()));
    let outcome = puts(&directory.join("free"), entries, memory, None)
        .and_then(|()| puts(&directory.join("limited"), entries, memory, Some(limit << 10)))
        .and_then(|()| queue(&directory.join("queue"), entries));
    let _ = std::fs::remove_dir_all(&directory);
    outcome
}
