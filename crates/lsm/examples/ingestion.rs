//! Loads sorted entries of 16 and 100 bytes in commits of 1,000 and by an ingestion, three times in turn: `cargo run
//! --release -p stroma-lsm --example ingestion -- [ENTRIES]` (1,000,000 if not told). Tells the time until all is in
//! tables, and the bytes written by then for each byte given; merges of what was committed go on after that.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, on real files")]

#[path = "../tests/shared/random.rs"]
mod random;

use std::error::Error;
use std::time::{Duration, Instant};

use random::fill;
use stroma_lsm::{Database, Options};

const VALUE_BYTES: usize = 100;
const KEY_BYTES: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let entries: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |entries| entries.parse())?;
    for round in 0..3 {
        for is_ingested in [false, true] {
            let folder = tempfile::tempdir()?;
            let database = Database::open(folder.path(), Options::default())?;
            let start = Instant::now();
            load(&database, entries, is_ingested)?;
            let elapsed = start.elapsed();
            tell(&database, entries, is_ingested, elapsed);
            assert_eq!(database.keyspace("all")?.iter().count() as u64, entries, "round {round}");
        }
    }
    Ok(())
}

fn load(database: &Database, entries: u64, is_ingested: bool) -> Result<(), stroma_lsm::Error> {
    let keyspace = database.keyspace("all")?;
    let mut value = [0; VALUE_BYTES];
    let mut key = [0; KEY_BYTES];
    if is_ingested {
        let mut ingestion = keyspace.ingest()?;
        for number in 0..entries {
            key[..8].copy_from_slice(&number.to_be_bytes());
            fill(&mut value, number);
            ingestion.add(key, value)?;
        }
        ingestion.finish()?;
        return Ok(());
    }
    let mut batch = database.batch();
    for number in 0..entries {
        key[..8].copy_from_slice(&number.to_be_bytes());
        fill(&mut value, number);
        batch.put(&keyspace, key, value);
        if batch.len() == 1000 || number + 1 == entries {
            std::mem::replace(&mut batch, database.batch()).commit()?;
        }
    }
    drop(batch);
    database.flush()
}

fn tell(database: &Database, entries: u64, is_ingested: bool, elapsed: Duration) {
    let statistics = database.statistics();
    let written = statistics.log_bytes + statistics.flushed_bytes + statistics.merge_output_bytes;
    let user_bytes = entries * (KEY_BYTES + VALUE_BYTES) as u64;
    println!(
        "{:9} {:5.2} s, {:.2} bytes written for each of the user",
        if is_ingested { "ingested" } else { "committed" },
        elapsed.as_secs_f64(),
        written as f64 / user_bytes as f64
    );
}
