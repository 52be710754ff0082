//! Reads of compressed tables with and without the cache of blocks: `cargo run --release -p stroma-lsm --example
//! block_cache --features zstd -- [ENTRIES] [MEMORY_MIB]...` (1,000,000 entries and 16, 64 and 256 MiB if not told).
#![allow(clippy::disallowed_methods, reason = "it measures, on real files")]
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

#[path = "../tests/shared/random.rs"]
mod random;
#[path = "../tests/shared/watch.rs"]
mod watch;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use random::{Random, Zipfian, fill, key};
use stroma_lsm::{Compression, Database, Keyspace, Options};
use stroma_strata::storage::{LocalOptions, LocalStorage};
use watch::Watch;

const VALUE_BYTES: usize = 100;
/// Entries of a short scan.
const SCAN: usize = 50;

/// Half of it is noise, half repeats: LZ4 halves it.
fn value(random: &mut Random) -> Vec<u8> {
    let noise = VALUE_BYTES / 2;
    let mut value = vec![b'.'; VALUE_BYTES];
    fill(&mut value[..noise], random.next());
    value
}

fn load(folder: &Path, entries: u64, compression: Compression) -> Result<(), Box<dyn Error>> {
    let database = Database::open(folder, Options { compression, ..Options::default() })?;
    let keyspace = database.keyspace("k")?;
    let mut random = Random(1);
    for first in (0..entries).step_by(1000) {
        let mut batch = database.batch();
        for number in first..(first + 1000).min(entries) {
            batch.put(&keyspace, key(number), value(&mut random));
        }
        batch.commit()?;
    }
    database.compact()?;
    Ok(database.close()?)
}

/// Runs `step` so many times, after a fifth as many to warm up; thousands of steps a second.
fn rate(steps: u64, mut step: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    for _ in 0..steps / 5 {
        step()?;
    }
    let watch = Watch::start();
    for _ in 0..steps {
        step()?;
    }
    Ok(steps as f64 / watch.seconds() / 1000.0)
}

fn get(keyspace: &Keyspace, number: u64) -> Result<(), Box<dyn Error>> {
    keyspace.get(key(number))?.map(drop).ok_or_else(|| "a key is missing".into())
}

fn measure(
    folder: &Path,
    map: bool,
    entries: u64,
    memory_mib: usize,
    cached: bool,
) -> Result<(), Box<dyn Error>> {
    let options = Options { memory_bytes: memory_mib << 20, block_cache: cached, ..Options::default() };
    let storage = LocalStorage::open_with(folder, LocalOptions { map })?;
    let database = Database::open_storage(Arc::new(storage), options)?;
    let keyspace = database.keyspace("k")?;
    let (mut random, zipf) = (Random(2), Zipfian::new(entries));
    let ratio_since = |before: (u64, u64)| {
        let now = database.statistics().cache;
        let (hits, misses) = (now.hits - before.0, now.misses - before.1);
        if hits + misses == 0 { 0.0 } else { 100.0 * hits as f64 / (hits + misses) as f64 }
    };
    let counts = || {
        let now = database.statistics().cache;
        (now.hits, now.misses)
    };
    let before = counts();
    let uniform = rate(entries, || get(&keyspace, random.next() % entries))?;
    let uniform_ratio = ratio_since(before);
    let before = counts();
    let zipfian = rate(entries, || get(&keyspace, zipf.rank(random.share())))?;
    let zipfian_ratio = ratio_since(before);
    let scans = rate(entries / 20, || {
        let from = key(zipf.rank(random.share()));
        keyspace.range(&from[..]..).take(SCAN).try_for_each(|entry| entry.map(drop))?;
        Ok(())
    })?;
    let watch = Watch::start();
    let counted = keyspace.iter().count();
    let full = counted as f64 / watch.seconds() / 1e6;
    let cache = database.statistics().cache;
    println!(
        "  {memory_mib:>4} MiB, {:<9} {uniform:>7.0} ({uniform_ratio:>3.0} %) {zipfian:>7.0} ({zipfian_ratio:>3.0} %) \
         {scans:>7.1} {full:>6.2}   cache {:.1} MiB, {} blocks",
        if cached { "cache" } else { "no cache" },
        cache.bytes as f64 / (1 << 20) as f64,
        cache.blocks,
    );
    Ok(database.close()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let words = std::env::args().skip(1).map(|word| word.parse::<u64>()).collect::<Result<Vec<_>, _>>()?;
    let entries = words.first().copied().unwrap_or(1_000_000).max(1000);
    let memory: Vec<usize> = match words.get(1..) {
        Some(told @ [_, ..]) => told.iter().map(|mib| *mib as usize).collect(),
        _ => vec![16, 64, 256],
    };
    println!("{entries} entries, keys of 16 bytes, values of {VALUE_BYTES}, one thread, seed 1");
    println!("gets uniform, gets zipfian, scans of {SCAN}: thousands a second of processor time (hit ratio)");
    println!("full scan: million entries a second");
    let kinds = [
        ("stored as is, mapped", Compression::None, true),
        ("stored as is, read", Compression::None, false),
        #[cfg(feature = "lz4")]
        ("LZ4, mapped", Compression::Lz4, true),
        #[cfg(feature = "zstd")]
        ("Zstandard 3, mapped", Compression::Zstd { level: 3 }, true),
    ];
    for (name, compression, map) in kinds {
        let folder = tempfile::tempdir()?;
        load(folder.path(), entries, compression)?;
        println!("{name}");
        for mib in &memory {
            for cached in [false, true] {
                // Blocks that are read in place need no cache, and without one the memory does not matter.
                let in_place = compression == Compression::None && map;
                if if cached { !in_place } else { *mib == memory[0] } {
                    measure(folder.path(), map, entries, *mib, cached)?;
                }
            }
        }
    }
    Ok(())
}
