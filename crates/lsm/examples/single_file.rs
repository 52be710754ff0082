//! What a database in one file costs to open and to read, beside the folder it came from: `cargo run --release -p
//! stroma-lsm --example single_file -- [ENTRIES]` (1,000,000 entries if not told). Wall time, the least of several
//! rounds; files in the cache of the operating system.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, on real files")]

#[path = "../tests/shared/random.rs"]
mod random;

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use random::{fill, key, mix};
use stroma_lsm::{Database, IfExists, Options};

const ROUNDS: usize = 15;
const GETS: u64 = 200_000;

fn main() -> Result<(), Box<dyn Error>> {
    let entries: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let (place, file) = (folder.path().join("database"), folder.path().join("database.stroma"));
    let database = Database::open(&place, Options::default())?;
    let keyspace = database.keyspace("all")?;
    for start in (0..entries).step_by(1000) {
        let mut batch = database.batch();
        for number in start..(start + 1000).min(entries) {
            let mut value = [0; 100];
            fill(&mut value[..50], number);
            batch.put(&keyspace, key(number), value);
        }
        batch.commit()?;
    }
    let start = Instant::now();
    database.export_into(&file, IfExists::Refuse)?;
    let bytes = std::fs::metadata(&file)?.len();
    println!("export       {:>9.1} ms, {:.1} MB", start.elapsed().as_secs_f64() * 1e3, bytes as f64 / 1e6);
    database.compact()?;
    drop(keyspace);
    database.close()?;

    let small = Options { memory_bytes: 16 << 20, ..Options::default() };
    let folder_open = least(|| Database::open_read_only(&place, small.clone()))?;
    let file_open = least(|| Database::open_file(&file, small.clone()))?;
    let mut turn = 0;
    let first_get = least(|| {
        let opened = Database::open_file(&file, small.clone())?;
        turn += 1;
        opened.keyspace("all")?.get(key(mix(turn) % entries))
    })?;
    println!("open folder  {folder_open:>9.1} us");
    println!("open file    {file_open:>9.1} us");
    println!("open, a get  {first_get:>9.1} us");

    let in_folder = Database::open_read_only(&place, Options::default())?;
    let in_file = Database::open_file(&file, Options::default())?;
    for (what, database) in [("folder", &in_folder), ("file", &in_file)] {
        let keyspace = database.keyspace("all")?;
        let gets = least(|| {
            for turn in 0..GETS {
                black_box(keyspace.get(key(mix(turn) % entries))?);
            }
            Ok(())
        })?;
        let scan = least(|| Ok(keyspace.iter().count()))?;
        println!(
            "{what:<7} get {:>8.1} ns, scan {:>6.1} ns an entry",
            gets * 1e3 / GETS as f64,
            scan * 1e3 / entries as f64
        );
    }
    Ok(())
}

/// The least microseconds of several rounds.
fn least<T>(mut round: impl FnMut() -> Result<T, stroma_lsm::Error>) -> Result<f64, stroma_lsm::Error> {
    let mut least = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(round()?);
        least = least.min(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(least)
}
