//! Measures the bytes that reach the disk for each byte that a caller writes: a database is loaded and merged, then
//! its entries are overwritten in a zipfian order (exponent 0.99). Bytes are counted, so that other work on the
//! machine changes nothing but the times shown. Run it with
//! `cargo run --release -p stroma-lsm --example write_amplification [entries] [memory in MiB] [level 1 in MiB]
//! [puts a commit] [directory] [noise=PERCENT] [unpacked]`. A smaller level 1 makes a tree as deep as that of a larger
//! database. All of each value is noise if nothing else is told; `unpacked` leaves short values as they are.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a program of its own")]

#[path = "../tests/shared/random.rs"]
mod random;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use random::{Random, Zipfian, fill, key, mix};
use stroma_lsm::{Compression, Database, Error, Keyspace, Options, Statistics};
use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;

/// Overwrites for each entry.
const ROUNDS: u64 = 5;

/// What is put: how much, and so many entries a commit.
#[derive(Clone, Copy)]
struct Load {
    entries: u64,
    puts_a_commit: u64,
    /// Of a value's 100 bytes those that cannot be compressed; the others are zeros.
    noise: usize,
}

impl Load {
    fn value(self, number: u64) -> [u8; 100] {
        let mut value = [0; 100];
        fill(&mut value[..self.noise], number);
        value
    }
}

/// Bytes written since `before`, for each byte of user data: the log, flushes, merges.
fn shares(before: &Statistics, after: &Statistics) -> [f64; 3] {
    let user = (after.user_bytes - before.user_bytes) as f64;
    [
        (after.log_bytes - before.log_bytes) as f64 / user,
        (after.flushed_bytes - before.flushed_bytes) as f64 / user,
        (after.merge_output_bytes - before.merge_output_bytes) as f64 / user,
    ]
}

/// Puts the entries that `entry` numbers, so many a commit, and shows what that wrote.
fn write(
    keyspace: &Keyspace,
    database: &Database,
    what: &str,
    load: Load,
    mut entry: impl FnMut(u64) -> (u64, u64),
) -> Result<[f64; 3], Error> {
    let (before, start) = (database.statistics(), Instant::now());
    for first in (0..load.entries).step_by(load.puts_a_commit as usize) {
        let mut batch = database.batch();
        for turn in first..(first + load.puts_a_commit).min(load.entries) {
            let (number, content) = entry(turn);
            batch.put(keyspace, key(number), load.value(content));
        }
        batch.commit()?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let held = database.statistics();
    database.flush()?;
    while !database.statistics().jobs.is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let after = database.statistics();
    let [log, flush, merges] = shares(&before, &after);
    println!(
        "  {what:<10} {:>5.2} = log {log:.2} + flush {flush:.3} + merges {merges:.3}; {} tables, {:.0} a second",
        log + flush + merges,
        after.flushes - before.flushes,
        load.entries as f64 / seconds,
    );
    println!(
        "             resident at the end: {} entries, {} MiB of {}, {} MiB alive, log {} MiB; \
         stops {:?}, slowdowns {:?}",
        held.resident_entries,
        held.resident_bytes >> 20,
        held.memory_bytes >> 20,
        held.resident_live_bytes >> 20,
        held.resident_log_bytes >> 20,
        after.stops,
        after.slowdowns,
    );
    Ok([log, flush, merges])
}

/// Loads, merges, overwrites; answers what the overwriting wrote.
fn measure(directory: &Path, load: Load, options: Options) -> Result<[f64; 3], Error> {
    let entries = load.entries;
    let memory_cleaning = options.memory_cleaning;
    let database = Database::open(directory, options)?;
    let keyspace: Keyspace = database.keyspace("all")?;
    println!("memory cleaning {}", if memory_cleaning { "on" } else { "off" });
    write(&keyspace, &database, "load", load, |number| (number, number))?;
    database.compact()?;
    let bytes: u64 = database.statistics().levels.iter().map(|level| level.bytes).sum();
    println!("  merged      {:.1} bytes on disk an entry", bytes as f64 / entries as f64);
    let overwrites = Load { entries: ROUNDS * entries, ..load };
    let (zipfian, mut random) = (Zipfian::new(entries), Random(1));
    let written = write(&keyspace, &database, "overwrite", overwrites, |turn| {
        // Scattered, so that hot keys are no neighbours.
        (mix(zipfian.rank(random.share())) % entries, entries + turn)
    })?;
    database.close()?;
    Ok(written)
}

fn main() -> Result<(), Error> {
    let is_named = |argument: &String| argument.starts_with("noise=") || argument == "unpacked";
    let (named, told): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(is_named);
    let mut arguments = told.into_iter();
    let entries = arguments.next().and_then(|entries| entries.parse().ok()).unwrap_or(1_000_000);
    let memory: usize = arguments.next().and_then(|memory| memory.parse().ok()).unwrap_or(51);
    let level1: u64 = arguments.next().and_then(|level1| level1.parse().ok()).unwrap_or(256);
    let puts_a_commit: u64 = arguments.next().and_then(|puts| puts.parse().ok()).unwrap_or(1).max(1);
    let noise =
        named.iter().find_map(|argument| argument.strip_prefix("noise=")?.parse().ok()).unwrap_or(100);
    let load = Load { entries, puts_a_commit, noise: noise.min(100) };
    let directory = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = directory.join(format!("stroma-amplification-{}", std::process::id()));
    println!(
        "{entries} entries, {memory} MiB of memory, level 1 of {level1} MiB, {puts_a_commit} puts a commit"
    );
    let run = |name: &str, memory_cleaning| {
        let level1_bytes = level1 << 20;
        let limits = Limits { level1_bytes, table_bytes: level1_bytes / 4, ..Limits::default() };
        let merge_policy = MergePolicy::TieredThenLevelled(limits);
        let mut options =
            Options { memory_bytes: memory << 20, memory_cleaning, merge_policy, ..Options::default() };
        if named.iter().any(|argument| argument == "unpacked") {
            options.value_compression = Compression::None;
        }
        let written = measure(&directory.join(name), load, options);
        let _ = std::fs::remove_dir_all(directory.join(name));
        written
    };
    let outcome = run("plain", false).and_then(|plain| Ok((plain, run("cleaned", true)?)));
    let _ = std::fs::remove_dir_all(&directory);
    let (plain, cleaned) = outcome?;
    let ratio =
        |skipped: usize| cleaned.iter().skip(skipped).sum::<f64>() / plain.iter().skip(skipped).sum::<f64>();
    println!("with cleaning {:.2} of the bytes, {:.2} of those of tables", ratio(0), ratio(1));
    Ok(())
}
