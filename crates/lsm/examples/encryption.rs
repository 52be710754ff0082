//! What encryption costs: loading, point reads that hit, and scans, with and without, in turn.
//!
//! `cargo run --release -p stroma-lsm --example encryption [ENTRIES] [ROUNDS]`
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout, reason = "an example may")]

#[path = "../tests/shared/random.rs"]
mod random;
#[path = "../tests/shared/watch.rs"]
mod watch;

use std::hint::black_box;
use std::sync::Arc;

use random::{Random, fill, key};
use stroma_lsm::{CipherAlgorithm, DataKey, Database, Encryption, Options, StaticKeys};
use watch::Watch;

const READS: u64 = 200_000;

/// Nanoseconds of processor time.
#[derive(Clone, Copy)]
struct Figures {
    load: f64,
    hit_all_cached: f64,
    hit_little_cached: f64,
    scan_of_50: f64,
    scan_entry: f64,
    disk_bytes: f64,
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().unwrap());
    let entries = arguments.next().unwrap_or(500_000);
    let rounds = arguments.next().unwrap_or(3);
    let encryption = |algorithm| {
        let keys = StaticKeys::new("main", DataKey::random().unwrap()).unwrap();
        Some(Encryption::new(Arc::new(keys)).with_algorithm(algorithm))
    };
    let settings = [
        ("none", None),
        ("AES-256-GCM", encryption(CipherAlgorithm::Aes256Gcm)),
        ("ChaCha20-Poly1305", encryption(CipherAlgorithm::ChaCha20Poly1305)),
    ];
    println!("{entries} entries of 16 and 100 bytes, the least of {rounds} rounds in turn, processor time");
    println!("encryption          load ns  hit, cached  hit, 8 MiB  scan of 50  scan an entry  disk/entry");
    let mut best: Vec<Option<Figures>> = vec![None; settings.len()];
    for _ in 0..rounds {
        for ((_, encryption), best) in settings.iter().zip(&mut best) {
            let found = run(entries, encryption.clone());
            *best = Some(best.map_or(found, |best| best.least(found)));
        }
    }
    for ((name, _), best) in settings.iter().zip(best.into_iter().flatten()) {
        println!(
            "{name:<18} {:>8.0} {:>12.0} {:>11.0} {:>11.0} {:>14.1} {:>11.1}",
            best.load,
            best.hit_all_cached,
            best.hit_little_cached,
            best.scan_of_50,
            best.scan_entry,
            best.disk_bytes,
        );
    }
}

impl Figures {
    fn least(self, other: Figures) -> Figures {
        Figures {
            load: self.load.min(other.load),
            hit_all_cached: self.hit_all_cached.min(other.hit_all_cached),
            hit_little_cached: self.hit_little_cached.min(other.hit_little_cached),
            scan_of_50: self.scan_of_50.min(other.scan_of_50),
            scan_entry: self.scan_entry.min(other.scan_entry),
            disk_bytes: other.disk_bytes,
        }
    }
}

fn run(entries: u64, encryption: Option<Encryption>) -> Figures {
    let folder = tempfile::tempdir().unwrap();
    // Without threads of its own all work is done, and measured, in this one.
    let options = |memory_bytes| Options {
        memory_bytes,
        background_threads: 0,
        encryption: encryption.clone(),
        ..Options::default()
    };
    let watch = Watch::start();
    let database = Database::open(folder.path(), options(32 << 20)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let mut value = [b'v'; 100];
    for number in 0..entries {
        fill(&mut value[..50], number);
        keyspace.put(key(number), value).unwrap();
    }
    database.flush().unwrap();
    let load = watch.seconds() * 1e9 / entries as f64;
    database.compact().unwrap();
    let disk_bytes = database.statistics().table_bytes() as f64 / entries as f64;
    database.close().unwrap();
    let (hit_all_cached, _, _) = read(folder.path(), options(512 << 20), entries);
    let (hit_little_cached, scan_of_50, scan_entry) = read(folder.path(), options(8 << 20), entries);
    Figures { load, hit_all_cached, hit_little_cached, scan_of_50, scan_entry, disk_bytes }
}

/// A point read, a scan of 50, and an entry of a scan of all.
fn read(path: &std::path::Path, options: Options, entries: u64) -> (f64, f64, f64) {
    let database = Database::open(path, options).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let mut choices = Random(7);
    let mut get = |reads: u64| {
        let watch = Watch::start();
        for _ in 0..reads {
            black_box(keyspace.get(key(choices.below(entries))).unwrap().unwrap());
        }
        watch.seconds() * 1e9 / reads as f64
    };
    // Twice over everything, so that what the cache is to hold is there.
    get(2 * entries);
    let hit = get(READS);
    let watch = Watch::start();
    for _ in 0..READS / 20 {
        let start = key(choices.below(entries));
        black_box(keyspace.range(start..).take(50).map(|entry| entry.unwrap().1.len()).sum::<usize>());
    }
    let scan_of_50 = watch.seconds() * 1e9 / (READS / 20) as f64;
    let watch = Watch::start();
    let mut range = keyspace.iter();
    while let Some(entry) = range.next_entry().unwrap() {
        black_box(entry.1.len());
    }
    let scan_entry = watch.seconds() * 1e9 / entries as f64;
    (hit, scan_of_50, scan_entry)
}
