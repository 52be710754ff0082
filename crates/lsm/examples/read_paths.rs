//! What point reads and scans cost once a database was closed and opened again: `cargo run --release -p stroma-lsm
//! --example read_paths -- [ENTRIES] [folder=FOLDER] [part=hit|hot|miss|scan|full|recover] [memory=MIB] [merged]`
//! (1,000,000 entries, all parts and 64 MiB if not told). Processor time of the thread, the first and the least of
//! several rounds. With a part alone and under a profiler it tells where the time goes; `merged` merges everything into
//! one run first. A folder that is told is kept, and used again if it holds a database.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, on real files")]

#[path = "../tests/shared/random.rs"]
mod random;
#[path = "../tests/shared/watch.rs"]
mod watch;

use std::error::Error;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use random::{fill, key, mix, share_of};
use stroma_lsm::{Database, Keyspace, Options, Snapshot};
use watch::Watch;

const ROUNDS: usize = 5;
const GETS: u64 = 100_000;
const SCANS: u64 = 5_000;

fn options(memory: usize) -> Options {
    Options { memory_bytes: memory << 20, ..Options::default() }
}

/// Tells the runs of each level.
fn tell_shape(database: &Database) {
    let statistics = database.statistics();
    let levels: Vec<_> =
        statistics.levels.iter().map(|level| (level.level, level.runs, level.bytes >> 20)).collect();
    let merged = statistics.merge_output_bytes >> 20;
    println!("  (level, runs, MiB) {levels:?}; merges wrote {merged} MiB since it was opened");
}

fn load(folder: &Path, entries: u64, memory: usize) -> Result<Database, stroma_lsm::Error> {
    let database = Database::open(folder, options(memory))?;
    let keyspace = database.keyspace("all")?;
    for start in (0..entries).step_by(100) {
        let mut batch = database.batch();
        for number in start..(start + 100).min(entries) {
            let mut value = [0; 100];
            fill(&mut value[..50], number);
            batch.put(&keyspace, key(number), value);
        }
        batch.commit()?;
    }
    Ok(database)
}

/// Prints the least nanoseconds an operation takes.
fn measure(
    what: &str,
    operations: u64,
    rounds: usize,
    mut round: impl FnMut(u64) -> Result<(), stroma_lsm::Error>,
) -> Result<(), stroma_lsm::Error> {
    let (mut first, mut least) = (None, f64::MAX);
    for number in 0..rounds {
        let watch = Watch::start();
        round(number as u64)?;
        let took = watch.seconds() * 1e9 / operations as f64;
        least = least.min(took);
        first.get_or_insert(took);
    }
    println!("{what:<12} first {:>9.1} ns, least {least:>9.1} ns", first.unwrap_or_default());
    Ok(())
}

fn read(
    (keyspace, snapshot): (&Keyspace, &Snapshot),
    entries: u64,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), stroma_lsm::Error> {
    let drawn = |round: u64, turn: u64| mix(round << 32 | turn) % entries;
    // Some are drawn much more often than others: half of them from a thousandth.
    let skewed = |round: u64, turn: u64| {
        let share = share_of(mix(round << 32 | turn));
        mix((entries as f64).powf(share) as u64) % entries
    };
    for (what, first) in [("hot", 0), ("hit", 0), ("miss", entries)] {
        let drawn = |round, turn| if what == "hot" { skewed(round, turn) } else { drawn(round, turn) };
        if wanted(what) {
            measure(what, GETS, ROUNDS, |round| {
                (0..GETS).try_for_each(|turn| {
                    let look_at = |value: &[u8]| _ = black_box(value.last());
                    let found = snapshot.get_with(keyspace, key(first + drawn(round, turn)), look_at)?;
                    assert_eq!(found.is_some(), first == 0);
                    Ok(())
                })
            })?;
            measure("  as a value", GETS, ROUNDS, |round| {
                (0..GETS).try_for_each(|turn| {
                    let found = snapshot.get(keyspace, key(first + drawn(round, turn)))?;
                    assert_eq!(found.is_some(), first == 0);
                    black_box(found.as_deref().and_then(<[u8]>::last));
                    Ok(())
                })
            })?;
        }
    }
    if wanted("scan") {
        scan((keyspace, snapshot), &drawn)?;
    }
    if wanted("full") {
        measure("full, lent", entries, 3, |_| {
            let mut walked = 0;
            snapshot.range_with::<&[u8], ()>(keyspace, .., |key, value| {
                black_box((key, value));
                walked += 1;
                ControlFlow::Continue(())
            })?;
            assert_eq!(walked, entries);
            Ok(())
        })?;
        measure("full scan", entries, 3, |_| {
            let (mut range, mut walked) = (snapshot.range::<&[u8]>(keyspace, ..), 0);
            while let Some(entry) = range.next_entry()? {
                black_box(entry);
                walked += 1;
            }
            assert_eq!(walked, entries);
            Ok(())
        })?;
    }
    Ok(())
}

/// Scans of 50 from drawn keys on: lent to a closure, lent by a range, and owned.
fn scan(
    (keyspace, snapshot): (&Keyspace, &Snapshot),
    drawn: &impl Fn(u64, u64) -> u64,
) -> Result<(), stroma_lsm::Error> {
    measure("scan of 50", SCANS, ROUNDS, |round| {
        (0..SCANS).try_for_each(|turn| {
            let (start, mut walked) = (key(drawn(round, turn)), 0);
            let _ = snapshot.range_with(keyspace, start.as_slice().., |key, value| {
                black_box((key, value));
                walked += 1;
                if walked < 50 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            Ok(())
        })
    })?;
    measure("as a range", SCANS, ROUNDS, |round| {
        (0..SCANS).try_for_each(|turn| {
            let start = key(drawn(round, turn));
            let mut range = snapshot.range(keyspace, start.as_slice()..);
            (0..50).try_for_each(|_| range.next_entry().map(|entry| _ = black_box(entry)))
        })
    })?;
    measure("owned", SCANS, ROUNDS, |round| {
        (0..SCANS).try_for_each(|turn| {
            let start = key(drawn(round, turn));
            let mut entries = snapshot.range(keyspace, start.as_slice()..).take(50);
            entries.try_for_each(|entry| entry.map(|entry| drop(black_box(entry))))
        })
    })
}

/// Copies the folder of a database that is open, as a kill would leave it, and opens the copy.
fn recover(folder: &Path, entries: u64) -> Result<(), Box<dyn Error>> {
    let big = || Options { memory_bytes: 1 << 30, ..Options::default() };
    let _ = std::fs::remove_dir_all(folder);
    let database = Database::open(folder.join("living"), big())?;
    let keyspace = database.keyspace("all")?;
    for number in 0..entries {
        let mut value = [0; 100];
        fill(&mut value[..50], number);
        keyspace.put(key(number), value)?;
    }
    for round in 0..3 {
        let dead = folder.join(round.to_string());
        copy_folder(&folder.join("living"), &dead)?;
        let (start, watch) = (Instant::now(), Watch::start());
        let reopened = Database::open(&dead, big())?;
        let (took, busy) = (start.elapsed().as_secs_f64(), watch.seconds());
        println!(
            "recovery of {} commits {:>9.1} ms by the clock, {:>9.1} ms of processor time",
            reopened.recovery_report().replayed_commits,
            took * 1e3,
            busy * 1e3
        );
        assert!(reopened.keyspace("all")?.get(key(entries - 1))?.is_some());
        reopened.close()?;
    }
    database.close()?;
    Ok(std::fs::remove_dir_all(folder)?)
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let (entry, target) = (entry?, to.to_owned());
        let target = target.join(entry.file_name());
        if entry.metadata()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if entry.file_name() != "LOCK" {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut entries, mut folder, mut part, mut memory, mut merged) = (1_000_000, None, None, 64, false);
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("folder", path)) => folder = Some(PathBuf::from(path)),
            Some(("part", name)) => part = Some(name.to_owned()),
            Some(("memory", mebibytes)) => memory = mebibytes.parse()?,
            None if argument == "merged" => merged = true,
            _ => entries = argument.parse()?,
        }
    }
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let is_kept = folder.is_some();
    let folder = folder.unwrap_or_else(|| std::env::temp_dir().join(format!("read-{}", std::process::id())));
    if wanted("recover") {
        recover(&folder.join("recover"), entries)?;
    }
    if !folder.join("main/manifest").exists() {
        let database = load(&folder.join("main"), entries, memory)?;
        if merged {
            database.compact()?;
        }
        database.close()?;
    }
    let start = Instant::now();
    let database = Database::open(folder.join("main"), options(memory))?;
    println!("{:<12} {:>9.0} µs", "open", start.elapsed().as_secs_f64() * 1e6);
    tell_shape(&database);
    let keyspace = database.keyspace("all")?;
    read((&keyspace, &database.snapshot()), entries, wanted)?;
    tell_shape(&database);
    database.close()?;
    if !is_kept {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}
