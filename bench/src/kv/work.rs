//! The work of the suite: load, read, scan, overwrite, commit with a sync, and what that took of memory and disk.

use std::path::Path;
use std::time::Instant;

use stroma_bench_allocators::Resident;

use super::engine::{Engine, EngineOptions, Entry, Product, Reader};
use super::entries::{entry, key};
use crate::Outcome;
use crate::histogram::Histogram;
use crate::measure::{Cost, timed};
use crate::process::Figures;
use crate::random::{Random, Zipfian};

const BATCH: u64 = 100;
const SCAN: u64 = 50;
const MEBIBYTE: f64 = (1 << 20) as f64;

/// How much is done.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) entries: u64,
    pub(super) memory_bytes: usize,
    pub(super) gets: u64,
    /// With a sync each.
    pub(super) commits: u64,
    pub(super) seed: u64,
}

/// One engine under measurement.
pub(super) struct Bench {
    product: Product,
    scale: Scale,
    options: EngineOptions,
    figures: Figures,
}

impl Bench {
    pub(super) fn new(product: Product, scale: Scale) -> Bench {
        let options =
            EngineOptions { memory_bytes: scale.memory_bytes, is_synced: false, most_entries: scale.entries };
        Bench { product, scale, options, figures: Figures::default() }
    }

    /// Does all of it, in a folder of `directory` that goes away.
    pub(super) fn run(mut self, directory: &Path) -> Outcome<Figures> {
        let folder = tempfile::tempdir_in(directory)?;
        self.load_singly(&folder.path().join("single"))?;
        let batches = folder.path().join("batches");
        self.load_in_batches(&batches)?;
        self.read(&batches)?;
        self.overwrite(&batches)?;
        if self.product.has_durable_commits() {
            self.commit_synced(&folder.path().join("synced"))?;
        }
        Ok(self.figures)
    }

    fn put_range(&self, engine: &dyn Engine, from: u64, until: u64, batch: u64) -> Outcome {
        let mut entries = Vec::with_capacity(batch as usize);
        for start in (from..until).step_by(batch as usize) {
            entries.clear();
            let numbers = start..(start + batch).min(until);
            entries.extend(numbers.map(|number| entry(self.scale.seed, number)));
            engine.put(&entries)?;
        }
        Ok(())
    }

    fn add_rate(&mut self, case: &str, operations: u64, cost: Cost) {
        let thousands = operations as f64 / 1000.0;
        self.figures.add(case, "rate", thousands / cost.wall, "1000/s");
        self.figures.add(case, "rate of the thread", thousands / cost.thread, "1000/cpu s");
    }

    fn add_percentiles(&mut self, case: &str, latencies: &Histogram) {
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            self.figures.add(case, name, latencies.percentile(share) as f64 / 1000.0, "µs");
        }
        self.figures.add(case, "longest", latencies.largest() as f64 / 1000.0, "µs");
    }

    /// Loads and syncs; background work done meanwhile shows in the processor time of all threads.
    fn load(&mut self, case: &str, engine: &dyn Engine, count: u64, batch: u64) -> Outcome {
        let ((), cost) = timed(|| {
            self.put_range(engine, 0, count, batch)?;
            engine.sync()
        })?;
        self.add_rate(case, count, cost);
        let each = cost.process * 1e6 / count as f64;
        self.figures.add(case, "processor time of all threads", each, "µs");
        Ok(())
    }

    /// A fifth of the entries: a commit for each is slow in some engines.
    fn load_singly(&mut self, folder: &Path) -> Outcome {
        let engine = self.product.open(folder, self.options)?;
        self.load("load one by one", &*engine, self.scale.entries / 5, 1)?;
        engine.close()
    }

    /// What was written to the device since the load began, closing included, for each byte of keys and values.
    fn load_in_batches(&mut self, folder: &Path) -> Outcome {
        let (resident, written) = (Resident::begin(), written_bytes());
        let engine = self.product.open(folder, self.options)?;
        self.load("load in batches of 100", &*engine, self.scale.entries, BATCH)?;
        let peak = resident.peak_bytes() as f64 / MEBIBYTE;
        let anonymous = resident.gained_bytes() as f64 / MEBIBYTE;
        engine.close()?;
        let case = "load in batches of 100";
        self.figures.add(case, "peak resident, mapped files included", peak, "MiB");
        self.figures.add(case, "resident at the end, without mapped files", anonymous, "MiB");
        if let (Some(before), Some(after)) = (written, written_bytes()) {
            let user_bytes = self.scale.entries * size_of::<Entry>() as u64;
            let amplification = (after - before) as f64 / user_bytes as f64;
            self.figures.add(case, "written for each byte", amplification, "bytes");
        }
        self.figures.add("after the load", "on disk", bytes_on_disk(folder)? as f64 / MEBIBYTE, "MiB");
        Ok(())
    }

    /// Reads what the load left, after it was closed and opened again.
    fn read(&mut self, folder: &Path) -> Outcome {
        let Scale { entries, gets, seed, .. } = self.scale;
        let zipfian = Zipfian::new(entries, 0.99);
        let resident = Resident::begin();
        let (engine, cost) = timed(|| self.product.open(folder, self.options))?;
        self.figures.add("after the load", "open", cost.wall * 1000.0, "ms");
        let mut random = Random(seed);
        engine.read(&mut |reader| {
            self.get("get hot (zipfian)", reader, || Some(zipfian.draw(&mut random)))?;
            self.get("get uniform hit", reader, || Some(random.below(entries)))?;
            self.get("get miss", reader, || None)?;
            self.time_gets(reader, || random.below(entries))?;
            let scans = gets / 20;
            let (walked, cost) = timed(|| {
                let starts = (0..scans).map(|_| key(seed, random.below(entries)));
                starts.map(|start| reader.scan(&start, SCAN)).sum::<Outcome<u64>>()
            })?;
            // The last keys of all have fewer than 50 behind them.
            expect("entries of scans", walked, scans * SCAN - scans..=scans * SCAN)?;
            self.add_rate("scan of 50", scans, cost);
            let (walked, cost) = timed(|| reader.scan(&[], u64::MAX >> 1))?;
            expect("entries of a full scan", walked, entries..=entries)?;
            self.add_rate("full scan, entries", entries, cost);
            Ok(())
        })?;
        let (peak, anonymous) = (resident.peak_bytes() as f64, resident.gained_bytes() as f64);
        self.figures.add("reads", "peak resident, mapped files included", peak / MEBIBYTE, "MiB");
        self.figures.add("reads", "resident at the end, without mapped files", anonymous / MEBIBYTE, "MiB");
        engine.close()
    }

    /// Looks up drawn keys that are there; keys that are not where `draw` gives none.
    fn get(&mut self, case: &str, reader: &dyn Reader, mut draw: impl FnMut() -> Option<u64>) -> Outcome {
        let Scale { entries, gets, seed, .. } = self.scale;
        let mut missing = entries;
        let (found, cost) = timed(|| {
            let mut found = 0;
            for _ in 0..gets {
                let number = draw().unwrap_or_else(|| {
                    missing += 1;
                    missing
                });
                found += u64::from(reader.get(&key(seed, number))?);
            }
            Ok(found)
        })?;
        let expected = if missing == entries { gets } else { 0 };
        expect(case, found, expected..=expected)?;
        self.add_rate(case, gets, cost);
        Ok(())
    }

    /// How long single lookups take, by the clock on the wall, the reading of which counts in.
    fn time_gets(&mut self, reader: &dyn Reader, mut draw: impl FnMut() -> u64) -> Outcome {
        let mut latencies = Histogram::new();
        for _ in 0..self.scale.gets {
            let key = key(self.scale.seed, draw());
            let start = Instant::now();
            let found = reader.get(&key)?;
            latencies.add(start.elapsed().as_nanos() as u64);
            expect("a key", u64::from(found), 1..=1)?;
        }
        self.add_percentiles("get uniform hit", &latencies);
        Ok(())
    }

    /// Single puts of keys that are there, each timed, over the database as the load left it, so that flushes and
    /// merges are under way. A fifth of the entries.
    fn overwrite(&mut self, folder: &Path) -> Outcome {
        let engine = self.product.open(folder, self.options)?;
        let Scale { entries, seed, .. } = self.scale;
        let mut random = Random(seed ^ 1);
        let mut latencies = Histogram::new();
        let puts = entries / 5;
        let ((), cost) = timed(|| {
            for _ in 0..puts {
                let entry = entry(seed, random.below(entries));
                let start = Instant::now();
                engine.put(&[entry])?;
                latencies.add(start.elapsed().as_nanos() as u64);
            }
            engine.sync()
        })?;
        self.add_rate("overwrite one by one", puts, cost);
        self.add_percentiles("overwrite one by one", &latencies);
        engine.close()
    }

    fn commit_synced(&mut self, folder: &Path) -> Outcome {
        let engine = self.product.open(folder, EngineOptions { is_synced: true, ..self.options })?;
        let commits = self.scale.commits;
        let mut latencies = Histogram::new();
        let ((), cost) = timed(|| {
            for number in 0..commits {
                let start = Instant::now();
                self.put_range(&*engine, number, number + 1, 1)?;
                latencies.add(start.elapsed().as_nanos() as u64);
            }
            Ok(())
        })?;
        self.figures.add("synced commits", "rate", commits as f64 / 1000.0 / cost.wall, "1000/s");
        self.add_percentiles("synced commits", &latencies);
        engine.close()
    }
}

/// A benchmark of wrong answers would be worth nothing.
fn expect(what: &str, found: u64, allowed: std::ops::RangeInclusive<u64>) -> Outcome {
    let wrong = || format!("{what}: found {found}, which is not in {allowed:?}").into();
    if allowed.contains(&found) { Ok(()) } else { Err(wrong()) }
}

/// Blocks that a folder takes: holes of sparse files are not counted.
fn bytes_on_disk(folder: &Path) -> Outcome<u64> {
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
fn written_bytes() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/self/io").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("write_bytes: "))?;
    line.trim().parse().ok()
}
