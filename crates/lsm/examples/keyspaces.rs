//! What thousands of keyspaces cost: `cargo run --release -p stroma-lsm --example keyspaces -- [COUNT]...` (1,000
//! and 10,000 if not told). Each has ten entries of 100 bytes. Processor time of this thread; memory is what the
//! process has more once the database is open again, with all handles had, than before.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, on real files")]

#[path = "../tests/shared/random.rs"]
mod random;
#[path = "../tests/shared/watch.rs"]
mod watch;

use std::error::Error;

use random::{fill, key};
use stroma_lsm::{Database, Keyspace, Options};
use watch::Watch;

const ENTRIES: u64 = 10;

/// What this process has in memory, in KiB; 0 where the system does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn measure(count: u64) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let name = |number: u64| format!("keyspace {number:06}");
    let options = || Options { memory_bytes: 16 << 20, background_threads: 0, ..Options::default() };
    let database = Database::open(folder.path(), options())?;
    let made = Watch::start();
    let keyspaces: Vec<Keyspace> =
        (0..count).map(|number| database.keyspace(&name(number))).collect::<Result<_, _>>()?;
    let made = made.seconds();
    let mut transaction = database.transaction();
    for (number, keyspace) in keyspaces.iter().enumerate() {
        for entry in 0..ENTRIES {
            let mut value = [0; 100];
            fill(&mut value, number as u64 ^ entry);
            transaction.put(keyspace, key(entry), value)?;
        }
    }
    let committed = Watch::start();
    transaction.commit()?;
    let committed = committed.seconds();
    drop(keyspaces);
    database.close()?;

    let before = resident_kib();
    let opened = Watch::start();
    let database = Database::open(folder.path(), options())?;
    let opened = opened.seconds();
    let had = Watch::start();
    let keyspaces: Vec<Keyspace> =
        (0..count).map(|number| database.keyspace(&name(number))).collect::<Result<_, _>>()?;
    let had = had.seconds();
    let memory = resident_kib().saturating_sub(before);
    let read = Watch::start();
    for keyspace in &keyspaces {
        keyspace.get(key(3))?.ok_or("an entry is gone")?;
    }
    let each = |seconds: f64| seconds * 1e6 / count as f64;
    println!(
        "{count:>7} keyspaces: make {:.2} us each, commit {:.2}, open {:.1} ms ({:.2} us each), handle {:.2} us, \
         first get {:.2} us; {memory} KiB ({:.0} bytes each)",
        each(made),
        each(committed),
        opened * 1e3,
        each(opened),
        each(had),
        each(read.seconds()),
        memory as f64 * 1024.0 / count as f64,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let told: Vec<u64> = std::env::args().skip(1).map(|count| count.parse()).collect::<Result<_, _>>()?;
    let counts = if told.is_empty() { vec![1_000, 10_000] } else { told };
    counts.into_iter().try_for_each(measure)
}
