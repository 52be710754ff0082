//! Writes a small database with all that this release can store, for later ones to open: `cargo run -p
//! stroma-lsm --all-features --example write_fixture -- crates/lsm/tests/fixtures/VERSION`. Beside it a text,
//! `CONTENTS.txt`, of what it holds. Each release adds a folder of its own and keeps those of the releases
//! before: `tests/fixtures.rs` opens them all.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it writes real files")]

#[path = "../tests/shared/fixture.rs"]
mod fixture;
#[path = "../tests/shared/random.rs"]
mod random;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use random::{Random, fill};
use stroma_lsm::{Compression, Database, Durability, FilterPolicy, IfExists, IndexPolicy, Options};
use stroma_strata::MergePolicy;

fn options(compression: Compression, index: IndexPolicy) -> Options {
    Options {
        block_bytes: 512,
        value_threshold: 600,
        compression,
        index,
        // Tables stay as they are written.
        merge_policy: MergePolicy::Tiered { fanout: 100 },
        ..fixture::options(1 << 20)
    }
}

/// Kinds of compression and index, each for a table.
fn settings() -> Vec<Options> {
    Vec::from([
        options(Compression::None, IndexPolicy::CostModel),
        options(Compression::None, IndexPolicy::RadixSpline),
        Options { filter: FilterPolicy::None, ..options(Compression::None, IndexPolicy::Plain) },
        #[cfg(feature = "lz4")]
        options(Compression::Lz4, IndexPolicy::SPlus),
        #[cfg(feature = "zstd")]
        options(Compression::Zstd { level: 3 }, IndexPolicy::CostModel),
    ])
}

/// Puts, deletes, range deletes, batches, and values in value files.
fn write_some(database: &Database, random: &mut Random) -> Result<(), stroma_lsm::Error> {
    let (numbers, words) = (database.keyspace("numbers")?, database.keyspace("words")?);
    for _ in 0..60 {
        let mut value = vec![0; random.below(60) as usize];
        fill(&mut value, random.next());
        numbers.put(random.below(150).to_be_bytes(), value)?;
    }
    numbers.delete(random.below(150).to_be_bytes())?;
    let from = random.below(140);
    numbers.delete_range(&from.to_be_bytes()[..]..&(from + 6).to_be_bytes()[..])?;
    let mut batch = database.batch();
    for _ in 0..10 {
        let word = format!("word {:03}", random.below(200));
        batch.put(&words, &word, format!("what is said of {word}, again and again and again"));
    }
    batch.commit_with(Durability::Synced)?;
    let mut large = vec![0; 700];
    fill(&mut large, random.next());
    words.put(format!("large {}", random.below(5)), large)?;
    let joined = database.keyspace("joined")?;
    for _ in 0..5 {
        joined.merge(format!("key {}", random.below(8)), format!(" and {}", random.below(100)))?;
    }
    // Not within the life of those who read this.
    let century = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    words.put_expiring(format!("brief {}", random.below(9)), "for a century", century)?;
    let mut transaction = database.transaction();
    let sum = transaction.get(&words, "count")?.map_or(0, |count| count.len());
    transaction.put(&words, "count", vec![b'*'; sum + 1])?;
    transaction.commit()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).ok_or("say where: crates/lsm/tests/fixtures/VERSION")?;
    let target = Path::new(&target);
    let folder = target.join("database");
    let mut random = Random(20_261_122);
    for options in settings() {
        let database = Database::open(&folder, options)?;
        database.keyspace("empty")?;
        database.keyspace("dropped")?.put("gone", "with it")?;
        write_some(&database, &mut random)?;
        database.drop_keyspace("dropped")?;
        database.close()?;
    }
    let database = Database::open(&folder, options(Compression::None, IndexPolicy::CostModel))?;
    let mut ingestion = database.keyspace("ingested")?.ingest()?;
    for number in 0..50_u32 {
        ingestion.add(number.to_be_bytes(), b"put past the log")?;
    }
    ingestion.finish()?;
    database.keyspace("words")?.put("", "of the empty key")?;
    database.keyspace("words")?.put_stream("streamed", &[7; 65_600][..])?;
    // What follows is in the log alone.
    write_some(&database, &mut random)?;
    database.sync()?;
    database.export_into(target.join("exported.stroma"), IfExists::Refuse)?;
    write_some(&database, &mut random)?;
    database.sync()?;
    std::fs::write(target.join("CONTENTS.txt"), fixture::contents(&database)?)?;
    drop(database);
    std::fs::remove_file(folder.join("LOCK"))?;
    std::fs::remove_dir_all(folder.join(".tmp"))?;
    println!("wrote {}", target.display());
    Ok(())
}
