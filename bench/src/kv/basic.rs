//! The basic work: load, read, scan, overwrite, commit with a sync, and what that took of memory and disk.

use std::path::Path;
use std::time::Instant;

use stroma_bench_allocators::Resident;

use super::bench::{BATCH, Bench, MEBIBYTE, SCAN, Scale, bytes_on_disk, expect, in_threads, written_bytes};
use super::engine::{Engine, EngineOptions, Reader};
use super::entries::{Entry, entry, key, pairs};
use crate::Outcome;
use crate::histogram::Histogram;
use crate::measure::timed;
use crate::random::{Random, Zipfian};

impl Bench {
    /// Load, read, scan, overwrite, commit with a sync.
    pub(super) fn basic(&mut self, folder: &Path) -> Outcome {
        self.load_singly(&folder.join("single"))?;
        self.load_ascending(&folder.join("ascending"))?;
        let batches = folder.join("batches");
        self.load_in_batches(&batches)?;
        self.read(&batches)?;
        self.overwrite(&batches)?;
        if self.product.has_durable_commits() {
            self.commit_synced(&folder.join("synced"), "synced commits", 1)?;
            let several = folder.join("synced by several");
            self.commit_synced(&several, "synced commits, 4 threads", 4)?;
        }
        Ok(())
    }

    /// Sorted beforehand, which is not timed.
    fn load_ascending(&mut self, folder: &Path) -> Outcome {
        let engine = self.product.open(folder, self.options)?;
        let mut entries: Vec<Entry> =
            (0..self.scale.entries).map(|number| entry(self.scale.seed, number)).collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        let ((), cost) = timed(|| engine.load_ascending(&mut entries.iter().copied()))?;
        self.add_rate("load sorted entries", self.scale.entries, cost);
        engine.close()
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
        self.add_written(case, written, self.scale.entries * size_of::<Entry>() as u64);
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
                let entry = [entry(seed, random.below(entries))];
                let start = Instant::now();
                engine.put(&pairs(&entry))?;
                latencies.add(start.elapsed().as_nanos() as u64);
            }
            engine.sync()
        })?;
        self.add_rate("overwrite one by one", puts, cost);
        self.add_percentiles("overwrite one by one", &latencies);
        engine.close()
    }

    /// Each of so many threads commits entries one by one, as many as one thread alone does, and waits for the device
    /// each time.
    fn commit_synced(&mut self, folder: &Path, case: &str, threads: u64) -> Outcome {
        let engine = self.product.open(folder, EngineOptions { is_synced: true, ..self.options })?;
        let (commits, bench) = (self.scale.commits, &*self);
        let (timed_apart, cost) = timed(|| {
            in_threads(threads, |thread| {
                bench.time_commits(&*engine, thread * commits..(thread + 1) * commits)
            })
        })?;
        let mut latencies = Histogram::new();
        timed_apart.iter().for_each(|of_thread| latencies.add_all(of_thread));
        self.figures.add(case, "rate", (threads * commits) as f64 / 1000.0 / cost.wall, "1000/s");
        self.add_percentiles(case, &latencies);
        engine.close()
    }

    fn time_commits(&self, engine: &dyn Engine, numbers: std::ops::Range<u64>) -> Outcome<Histogram> {
        let mut latencies = Histogram::new();
        for number in numbers {
            let start = Instant::now();
            self.put_range(engine, number, number + 1, 1)?;
            latencies.add(start.elapsed().as_nanos() as u64);
        }
        Ok(latencies)
    }
}
