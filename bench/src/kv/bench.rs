//! One engine under measurement: how it is opened, what it is filled with, and how figures are told.

use std::path::Path;

use super::engine::{Engine, EngineOptions, Product};
use super::entries::{Entry, entry, pairs};
use crate::Outcome;
use crate::histogram::Histogram;
use crate::measure::Cost;
use crate::process::Figures;

/// Entries of a commit in loads.
pub(super) const BATCH: u64 = 100;
/// Entries of a short scan.
pub(super) const SCAN: u64 = 50;
/// Bytes of a mebibyte.
pub(super) const MEBIBYTE: f64 = (1 << 20) as f64;

/// How much is done.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) entries: u64,
    pub(super) memory_bytes: usize,
    pub(super) gets: u64,
    /// With a sync each.
    pub(super) commits: u64,
    /// Of each size of values, live.
    pub(super) value_bytes: u64,
    pub(super) seed: u64,
}

/// One engine under measurement.
pub(super) struct Bench {
    pub(super) product: Product,
    pub(super) scale: Scale,
    pub(super) options: EngineOptions,
    pub(super) figures: Figures,
}

impl Bench {
    pub(super) fn new(product: Product, scale: Scale) -> Bench {
        let options = EngineOptions {
            memory_bytes: scale.memory_bytes,
            is_synced: false,
            most_bytes: scale.entries * size_of::<Entry>() as u64,
            has_large_values: false,
        };
        Bench { product, scale, options, figures: Figures::default() }
    }

    /// Opens a database in the folder and loads all entries in batches; nothing of it is timed.
    pub(super) fn loaded(&self, folder: &Path) -> Outcome<Box<dyn Engine>> {
        let engine = self.product.open(folder, self.options)?;
        self.put_range(&*engine, 0, self.scale.entries, BATCH)?;
        engine.sync()?;
        Ok(engine)
    }

    /// Puts entries of a range of numbers, so many in a commit.
    pub(super) fn put_range(&self, engine: &dyn Engine, from: u64, until: u64, batch: u64) -> Outcome {
        let mut entries = Vec::with_capacity(batch as usize);
        for start in (from..until).step_by(batch as usize) {
            entries.clear();
            let numbers = start..(start + batch).min(until);
            entries.extend(numbers.map(|number| entry(self.scale.seed, number)));
            engine.put(&pairs(&entries))?;
        }
        Ok(())
    }

    /// Thousand operations a second, by the clock on the wall and by the time of the thread.
    pub(super) fn add_rate(&mut self, case: &str, operations: u64, cost: Cost) {
        let thousands = operations as f64 / 1000.0;
        self.figures.add(case, "rate", thousands / cost.wall, "1000/s");
        self.figures.add(case, "rate of the thread", thousands / cost.thread, "1000/cpu s");
    }

    /// How long single operations took.
    pub(super) fn add_percentiles(&mut self, case: &str, latencies: &Histogram) {
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            self.figures.add(case, name, latencies.percentile(share) as f64 / 1000.0, "µs");
        }
        self.figures.add(case, "longest", latencies.largest() as f64 / 1000.0, "µs");
    }

    /// Bytes written to the device since `before`, for each byte of `user_bytes`; nothing where the system does not
    /// tell.
    pub(super) fn add_written(&mut self, case: &str, before: Option<u64>, user_bytes: u64) {
        if let (Some(before), Some(after)) = (before, written_bytes()) {
            let amplification = (after - before) as f64 / user_bytes as f64;
            self.figures.add(case, "written for each byte", amplification, "bytes");
        }
    }
}

/// Does the same in so many threads, which are told their number; what each came to.
pub(super) fn in_threads<T: Send>(threads: u64, work: impl Fn(u64) -> Outcome<T> + Sync) -> Outcome<Vec<T>> {
    let work = &work;
    std::thread::scope(|scope| {
        // The library's errors may not leave their thread; their text may.
        let started: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || work(thread).map_err(|failure| failure.to_string())))
            .collect();
        let died = || Err("a thread panicked".to_owned());
        let ended = started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| died()));
        Ok(ended.collect::<Result<_, String>>()?)
    })
}

/// A benchmark of wrong answers would be worth nothing.
pub(super) fn expect(what: &str, found: u64, allowed: std::ops::RangeInclusive<u64>) -> Outcome {
    let wrong = || format!("{what}: found {found}, which is not in {allowed:?}").into();
    if allowed.contains(&found) { Ok(()) } else { Err(wrong()) }
}

/// Blocks that a folder takes: holes of sparse files are not counted.
pub(super) fn bytes_on_disk(folder: &Path) -> Outcome<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        let metadata = file.metadata()?;
        bytes += if metadata.is_dir() { bytes_on_disk(&file.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}

/// Bytes that this process has made the system write to a device, pages of mapped files included; none where the system
/// does not tell.
pub(super) fn written_bytes() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/self/io").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("write_bytes: "))?;
    line.trim().parse().ok()
}
