//! Many seeds, one after the other or on several threads: which failed, and how to repeat them.

use std::io::{IsTerminal as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::history::{Extent, Report, run};

/// What is asked for, in the environment: `cargo xtask torture` sets it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    first_seed: u64,
    seeds: u64,
    /// Ends sooner than after all seeds.
    time: Option<Duration>,
    threads: u64,
}

impl Request {
    /// As the environment says, and else so many seeds.
    pub(crate) fn from_environment(seeds: u64) -> Request {
        let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
        let time = number("STROMA_TORTURE_SECONDS").map(Duration::from_secs);
        Request {
            first_seed: number("STROMA_TORTURE_SEED").unwrap_or(0),
            seeds: number("STROMA_TORTURE_SEEDS").unwrap_or(seeds),
            time,
            threads: number("STROMA_TORTURE_THREADS").unwrap_or(1),
        }
    }

    /// Whether nobody asked for anything.
    pub(crate) fn is_default(&self) -> bool {
        std::env::var_os("STROMA_TORTURE_SEEDS").is_none() && self.first_seed == 0
    }
}

/// What a failed assertion said.
pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// Runs all seeds; a line for each that fails.
///
/// # Panics
/// At the end, if some failed.
pub(crate) fn torture(request: Request, extent: Extent) -> Report {
    let start = Instant::now();
    let next = AtomicU64::new(0);
    let outcome = Mutex::new((Report::default(), Vec::new(), 0_u64));
    let out_of_time = || request.time.is_some_and(|time| start.elapsed() >= time);
    std::thread::scope(|scope| {
        for _ in 0..request.threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= request.seeds || out_of_time() {
                        break;
                    }
                    let seed = request.first_seed.wrapping_add(number);
                    let ended = catch_unwind(AssertUnwindSafe(|| run(seed, extent)));
                    let (total, failed, done) = &mut *outcome.lock().unwrap();
                    *done += 1;
                    match ended {
                        Ok(report) => total.add(report),
                        Err(panic) => {
                            failed.push(seed);
                            println!(
                                "seed {seed} failed: {}\n    repeat it: cargo xtask torture --seed {seed} --seeds 1",
                                message(&*panic)
                            );
                        }
                    }
                    show_progress(*done, failed.len(), total);
                }
            });
        }
    });
    let (report, failed, done) = outcome.into_inner().unwrap();
    println!(
        "{done} seeds from {}, {:.1} s, {} failed: {report:?}",
        request.first_seed,
        start.elapsed().as_secs_f64(),
        failed.len()
    );
    assert!(failed.is_empty(), "failing seeds: {failed:?}");
    report
}

/// A line that is written over, for a person who waits.
fn show_progress(done: u64, failed: usize, report: &Report) {
    let mut terminal = std::io::stderr();
    if done.is_multiple_of(10) && terminal.is_terminal() {
        let crashes = report.lives + report.side_images;
        let _ = write!(terminal, "\r{done} seeds, {crashes} crashes, {failed} failed ");
        let _ = terminal.flush();
    }
}
