//! What value files give and take: bytes written for each byte of the user, bytes on disk, and the time of puts, gets
//! and scans, with values in tables, in value files as they are, and in value files compressed.
//!
//! `cargo run --release -p stroma-lsm --example value_sizes [MEBIBYTES [SHARE [KIBIBYTES [MEMORY]]]]`, where SHARE is
//! the percentage of each value that nothing compresses, 100 if nothing is said; the rest of it is zeros. With
//! KIBIBYTES, the size of values, only those are put, compressed in value files, with MEMORY mebibytes of memory (32 if
//! not told).
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout, reason = "an example may")]

#[path = "../tests/shared/random.rs"]
mod random;
#[path = "../tests/shared/watch.rs"]
mod watch;

use std::time::Instant;

use random::{Random, fill, key};
use stroma_lsm::{Compression, Database, Options};
use watch::Watch;

fn main() {
    let mebibytes: u64 = std::env::args().nth(1).map_or(512, |argument| argument.parse().unwrap());
    let share: usize = std::env::args().nth(2).map_or(100, |argument| argument.parse().unwrap());
    let only: Option<usize> = std::env::args().nth(3).map(|argument| argument.parse().unwrap());
    let memory: usize = std::env::args().nth(4).map_or(32, |argument| argument.parse().unwrap());
    println!(
        "each key put twice on average, {mebibytes} MiB in all, {memory} MiB of memory, {share} % noise"
    );
    println!(
        "value     kept in       written/user  disk/live  put MiB/s  put ms/GiB (CPU)  waited ms/GiB  CPU s/GiB  \
         get µs  scan MiB/s"
    );
    for value_bytes in [1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20] {
        for (name, value_threshold, value_compression) in [
            ("tables", usize::MAX, Compression::None),
            ("value files", 512, Compression::None),
            ("... packed", 512, Options::default().value_compression),
        ] {
            if only.is_some_and(|only| only << 10 != value_bytes || name != "... packed") {
                continue;
            }
            let options = Options {
                memory_bytes: memory << 20,
                compression: Compression::None,
                value_threshold,
                value_compression,
                ..Options::default()
            };
            run(name, options, (value_bytes, value_bytes * share / 100), mebibytes << 20);
        }
    }
}

/// Processor time of this process so far, in seconds.
fn processor_seconds() -> f64 {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = status.rsplit(')').next().unwrap_or_default().split_whitespace();
    // Times of the process and of the system, in hundredths of a second.
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn run(name: &str, options: Options, (value_bytes, noise_bytes): (usize, usize), all_bytes: u64) {
    let puts = all_bytes / value_bytes as u64;
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(folder.path(), options).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let mut choices = Random(1);
    let mut value = vec![0; value_bytes];
    let keys = puts / 2;
    let (start, started) = (Instant::now(), processor_seconds());
    let mut putting = 0.0;
    for put in 0..puts {
        // What fills 2 KiB comes again after that, and LZ4 would find it.
        for (part, chunk) in value[..noise_bytes].chunks_mut(2048).enumerate() {
            fill(chunk, put << 16 | part as u64);
        }
        let watch = Watch::start();
        keyspace.put(key(choices.below(keys)), &value).unwrap();
        putting += watch.seconds();
    }
    let waits = database.statistics();
    database.flush().unwrap();
    // Until merges have caught up.
    while !database.statistics().jobs.is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let put_seconds = start.elapsed().as_secs_f64();
    let processor = processor_seconds() - started;
    let statistics = database.statistics();
    let disk = statistics.table_bytes() + statistics.value_file_bytes;
    let (mut live, mut gets) = (0, Vec::new());
    for number in 0..keys {
        live += keyspace.get(key(number)).unwrap().map_or(0, |value| value.len());
    }
    for _ in 0..5 {
        let start = Instant::now();
        let count = 2000.min(keys);
        for _ in 0..count {
            std::hint::black_box(keyspace.get(key(choices.below(keys))).unwrap());
        }
        gets.push(start.elapsed().as_secs_f64() * 1e6 / count as f64);
    }
    let start = Instant::now();
    let scanned: usize = keyspace.iter().map(|entry| entry.unwrap().1.len()).sum();
    let scan_seconds = start.elapsed().as_secs_f64();
    assert_eq!(scanned, live);
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let waited = (waits.slowdowns.1 + waits.stops.1).as_secs_f64();
    let per_gibibyte = |seconds: f64| seconds / (all_bytes as f64 / f64::from(1 << 30));
    println!(
        "{:>6} KiB  {name:<12}  {:>12.2}  {:>9.2}  {:>9.0}  {:>16.0}  {:>13.0}  {:>9.2}  {:>6.1}  {:>10.0}",
        value_bytes >> 10,
        statistics.write_amplification(),
        disk as f64 / live as f64,
        mib(all_bytes as f64) / put_seconds,
        per_gibibyte(putting) * 1e3,
        per_gibibyte(waited) * 1e3,
        per_gibibyte(processor),
        gets.iter().copied().fold(f64::INFINITY, f64::min),
        mib(scanned as f64) / scan_seconds,
    );
}
