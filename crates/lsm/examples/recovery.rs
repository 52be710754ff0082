//! What opening costs after a kill: `cargo run --release -p stroma-lsm --example recovery -- [ENTRIES] [MIB] [ROUNDS]`
//! (1,000,000 entries of 16 and 100 bytes, 512 MiB of memory, 5 rounds if not told). Each round is a process that
//! commits the entries one by one and aborts, and another one that opens what it left.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, on real files")]

#[path = "../tests/shared/random.rs"]
mod random;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use random::{fill, key};
use stroma_lsm::{Database, Options};

fn options(mebibytes: usize) -> Options {
    Options { memory_bytes: mebibytes << 20, ..Options::default() }
}

/// Commits and does not return.
fn commit_and_abort(folder: &Path, entries: u64, mebibytes: usize) -> Result<(), Box<dyn Error>> {
    let database = Database::open(folder, options(mebibytes))?;
    let keyspace = database.keyspace("all")?;
    let start = Instant::now();
    for number in 0..entries {
        let mut value = [0; 100];
        fill(&mut value[..50], number);
        keyspace.put(key(number), value)?;
    }
    println!(
        "  committed in {:.2} s, flushes {}",
        start.elapsed().as_secs_f64(),
        database.statistics().flushes
    );
    std::process::abort()
}

/// Processor time of all threads of this process so far, in seconds.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let told = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = told.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks: u64 =
        fields.get(11..13).ok_or("no times")?.iter().map(|t| t.parse::<u64>().unwrap_or(0)).sum();
    Ok(ticks as f64 / 100.0)
}

fn open(folder: &Path, entries: u64, mebibytes: usize) -> Result<(), Box<dyn Error>> {
    let (start, busy) = (Instant::now(), processor_seconds()?);
    let database = Database::open(folder, options(mebibytes))?;
    let (took, busy) = (start.elapsed().as_secs_f64(), processor_seconds()? - busy);
    let report = database.recovery_report();
    println!(
        "  {:.1} ms by the clock, {:.0} ms of processor time; {} commits of {} segments",
        took * 1e3,
        busy * 1e3,
        report.replayed_commits,
        report.log_segments,
    );
    let levels: u64 = database.statistics().levels.iter().map(|level| level.entries).sum();
    println!("  in tables {levels}; flushed since {}", database.statistics().flushes);
    assert!(database.keyspace("all")?.get(key(entries - 1))?.is_some());
    // Without the flush that closing is: the process ends at once.
    std::mem::forget(database);
    Ok(())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, usual: usize| words.get(place).map_or(Ok(usual), |word| word.parse());
    let (entries, mebibytes, rounds) = (number(0, 1_000_000)? as u64, number(1, 512)?, number(2, 5)?);
    if let [_, _, _, role, folder] = &words[..] {
        let folder = PathBuf::from(folder);
        match role.as_str() {
            // With twice the memory, so that none of it is flushed before the end.
            "commit" => commit_and_abort(&folder, entries, 2 * mebibytes)?,
            _ => open(&folder, entries, mebibytes)?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let folder = std::env::temp_dir().join(format!("recovery-{}", std::process::id()));
    let program = std::env::current_exe()?;
    for _ in 0..rounds {
        let run = |role: &str| {
            let mut command = Command::new(&program);
            command.args([entries.to_string(), mebibytes.to_string(), "0".to_owned(), role.to_owned()]);
            command.arg(&folder).status()
        };
        run("commit")?;
        if !run("open")?.success() {
            return Ok(ExitCode::FAILURE);
        }
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(ExitCode::SUCCESS)
}
