//! What a merge of several runs into one costs: `cargo run --release -p stroma-lsm --example merge_speed --
//! [ENTRIES] [runs=N] [again=PERCENT] [value=BYTES] [rounds=N]` (1,000,000 entries of 16 and 100 bytes in six runs,
//! none written again and three rounds, if not told). Processor time of the thread, for an entry read: there are no
//! threads but that one.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, on real files")]

#[path = "../tests/shared/random.rs"]
mod random;
#[path = "../tests/shared/watch.rs"]
mod watch;

use std::path::Path;
use std::time::Instant;

use random::{Random, fill, key};
use stroma_lsm::{Database, Error, Options, Upkeep};
use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;
use watch::Watch;

const BATCH: u64 = 1000;

/// What is merged.
struct Work {
    entries: u64,
    runs: u64,
    /// Of a hundred entries of each run but the first so many are of keys that another one has.
    again: u64,
    value_bytes: usize,
}

fn merge(folder: &Path, work: &Work) -> Result<(), Error> {
    let limits = Limits { level0_runs: usize::MAX, ..Limits::default() };
    let options = Options {
        memory_bytes: 1 << 30,
        background_threads: 0,
        merge_policy: MergePolicy::TieredThenLevelled(limits),
        upkeep: Upkeep::none(),
        ..Options::default()
    };
    let database = Database::open(folder, options)?;
    let keyspace = database.keyspace("all")?;
    let (mut random, mut next) = (Random(42), 0);
    let mut value = vec![0; work.value_bytes];
    for _ in 0..work.runs {
        for _ in 0..work.entries / work.runs / BATCH {
            let mut batch = database.batch();
            for _ in 0..BATCH {
                let is_again = next > 0 && random.below(100) < work.again;
                let number = if is_again { random.below(next) } else { next };
                next += u64::from(!is_again);
                fill(&mut value[..work.value_bytes / 2], number);
                batch.put(&keyspace, key(number), &value);
            }
            batch.commit()?;
        }
        database.flush()?;
    }
    let runs: usize = database.statistics().levels.iter().map(|level| level.runs).sum();
    let (watch, clock) = (Watch::start(), Instant::now());
    database.compact()?;
    let (seconds, waited) = (watch.seconds(), clock.elapsed().as_secs_f64());
    let statistics = database.statistics();
    println!(
        "{runs} runs merged, {} MiB written: {:>6.0} ns an entry read, {:.2} s by the clock",
        statistics.merge_output_bytes >> 20,
        seconds * 1e9 / work.entries as f64,
        waited
    );
    database.close()
}

fn main() -> Result<(), Error> {
    let mut work = Work { entries: 1_000_000, runs: 6, again: 0, value_bytes: 100 };
    let mut rounds = 3;
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("runs", count)) => work.runs = count.parse().unwrap_or(6).max(1),
            Some(("again", percent)) => work.again = percent.parse().unwrap_or(0),
            Some(("value", bytes)) => work.value_bytes = bytes.parse().unwrap_or(100),
            Some(("rounds", count)) => rounds = count.parse().unwrap_or(3),
            _ => work.entries = argument.parse().unwrap_or(work.entries),
        }
    }
    let folder = std::env::temp_dir().join(format!("merge-speed-{}", std::process::id()));
    let outcome = (0..rounds).try_for_each(|round: u64| merge(&folder.join(round.to_string()), &work));
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}
