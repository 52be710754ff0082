//! What thousands of keyspaces cost: `cargo run --release -p stroma-lsm --example keyspaces -- [COUNT]...` (1,000
//! and 10,000 if not told). Each has ten entries of 100 bytes. Processor time of this thread for each keyspace; memory
//! is what the process has more once the database is open again, with all handles had, than before.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, on real files")]

#[path = "../tests/shared/random.rs"]
mod random;
#[path = "../tests/shared/watch.rs"]
mod watch;

use std::error::Error;

use random::{fill, key};
use stroma_lsm::{Database, Keyspace, Options};
use watch::Watch;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ENTRIES: u64 = 10;

/// What this process has in memory, in KiB; 0 where the system does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// How many microseconds each of `count` took in `work`, on average.
fn each<T>(count: u64, work: impl FnOnce() -> Outcome<T>) -> Outcome<(f64, T)> {
    let watch = Watch::start();
    let done = work()?;
    Ok((watch.seconds() * 1e6 / count as f64, done))
}

fn options() -> Options {
    Options { memory_bytes: 16 << 20, background_threads: 0, ..Options::default() }
}

fn handles(database: &Database, count: u64) -> Outcome<Vec<Keyspace>> {
    Ok((0..count).map(|number| database.keyspace(&name(number))).collect::<Result<_, _>>()?)
}

fn name(number: u64) -> String {
    format!("keyspace {number:06}")
}

fn fill_all(database: &Database, keyspaces: &[Keyspace]) -> Outcome<()> {
    let mut transaction = database.transaction();
    for (number, keyspace) in keyspaces.iter().enumerate() {
        for entry in 0..ENTRIES {
            let mut value = [0; 100];
            fill(&mut value, number as u64 ^ entry);
            transaction.put(keyspace, key(entry), value)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn measure(count: u64) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let database = Database::open(folder.path(), options())?;
    let (made, keyspaces) = each(count, || handles(&database, count))?;
    let (filled, ()) = each(count, || fill_all(&database, &keyspaces))?;
    let (flushed, ()) = each(count, || Ok(database.flush()?))?;
    drop(keyspaces);
    database.close()?;

    let before = resident_kib();
    let (opened, database) = each(count, || Ok(Database::open(folder.path(), options())?))?;
    let (had, keyspaces) = each(count, || handles(&database, count))?;
    let memory = resident_kib().saturating_sub(before);
    let (read, ()) = each(count, || {
        keyspaces
            .iter()
            .try_for_each(|keyspace| keyspace.get(key(3))?.map(drop).ok_or("an entry is gone".into()))
    })?;
    let (scanned, found) =
        each(count, || Ok(keyspaces.iter().map(|keyspace| keyspace.iter().count() as u64).sum::<u64>()))?;
    drop(keyspaces);
    let (dropped, ()) = each(count, || {
        (0..count).try_for_each(|number| Ok(database.drop_keyspace(&name(number)).map(drop)?))
    })?;
    let (emptied, ()) = each(count, || Ok(database.compact()?))?;
    let left = database.statistics().table_bytes();
    database.close()?;
    let (reopened, database) = each(count, || Ok(Database::open(folder.path(), options())?))?;
    if found != count * ENTRIES || !database.keyspaces().is_empty() {
        return Err("something else than what was written was found".into());
    }
    println!(
        "{count:>7} keyspaces, us each: make {made:.2}, commit of all {filled:.2}, flush {flushed:.2}, open \
         {opened:.2} ({:.1} ms in all), handle {had:.2}, first get {read:.2}, scan of its {ENTRIES} {scanned:.2}, drop \
         {dropped:.2}, merge of everything {emptied:.2}, open after that {reopened:.2}; {memory} KiB ({:.0} bytes \
         each), {left} bytes of tables left",
        opened * count as f64 / 1e3,
        memory as f64 * 1024.0 / count as f64,
    );
    Ok(())
}

fn main() -> Outcome<()> {
    let told: Vec<u64> = std::env::args().skip(1).map(|count| count.parse()).collect::<Result<_, _>>()?;
    let counts = if told.is_empty() { vec![1_000, 10_000] } else { told };
    counts.into_iter().try_for_each(measure)
}
