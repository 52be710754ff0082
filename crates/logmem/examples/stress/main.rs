//! Stress with checksummed values, for as long as wanted: `cargo xtask stress` runs it.
//!
//! `stress SECONDS THREADS SEED CAPACITY_MIB`. Many threads put, get, remove, walk and clean one small store;
//! wrong bytes, lost keys, versions that go back and a passed budget are failures. Exit codes: 0 all was
//! right, 1 a failure, 2 the words are off, 3 no thread has moved for a minute.
#![allow(clippy::disallowed_methods, reason = "threads and time are what is tested")]
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "it talks to whoever runs it")]

mod harness;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use harness::{Settings, Stress};

/// After so long without a step, the threads are taken to wait for each other.
const DEADLOCK: Duration = Duration::from_secs(60);
/// Between two lines of progress.
const LINE: Duration = Duration::from_secs(5);
/// Steps of a thread in a round.
const STEPS: u64 = 100_000;

fn main() -> ExitCode {
    let words: Vec<Option<u64>> = std::env::args().skip(1).map(|word| word.parse().ok()).collect();
    let [Some(seconds), Some(threads @ 1..), Some(seed), Some(capacity @ 1..)] = words[..] else {
        eprintln!("usage: stress SECONDS THREADS SEED CAPACITY_MIB");
        return ExitCode::from(2);
    };
    println!("stress for {seconds} s: {threads} threads, {capacity} MiB, seed {seed}");
    let settings = Settings::new(seed, threads, (capacity as usize) << 20, STEPS);
    let heartbeat = Arc::new(AtomicU64::new(0));
    watch(Arc::clone(&heartbeat));
    match rounds(settings, Duration::from_secs(seconds), &heartbeat) {
        Ok(()) => ExitCode::SUCCESS,
        Err(flaw) => {
            println!("FAILED: {flaw} (seed {seed}, {threads} threads, {capacity} MiB)");
            ExitCode::FAILURE
        }
    }
}

/// Rounds until the time is over, at least one of each kind.
fn rounds(settings: Settings, time: Duration, heartbeat: &AtomicU64) -> Result<(), harness::Flaw> {
    let began = Instant::now();
    let mut stress = Stress::new(settings)?;
    let mut last_line = None;
    for round in 1.. {
        let report = stress.round(heartbeat)?;
        let over = round >= Stress::KINDS && began.elapsed() >= time;
        if over || last_line.is_none_or(|line: Instant| line.elapsed() >= LINE) {
            last_line = Some(Instant::now());
            println!("{:>5.0} s  round {round}, {report}", began.elapsed().as_secs_f64());
        }
        if over {
            println!("nothing wrong in {round} rounds, {:.0} s", began.elapsed().as_secs_f64());
            break;
        }
    }
    Ok(())
}

/// Ends the process if nothing moves any more.
fn watch(heartbeat: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        let (mut last, mut since) = (u64::MAX, Instant::now());
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let now = heartbeat.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() >= DEADLOCK {
                println!("FAILED: no thread has moved for {} s", DEADLOCK.as_secs());
                std::process::exit(3);
            }
        }
    });
}
