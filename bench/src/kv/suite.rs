//! The work of the suite: load, read, scan, commit with a sync, and what is on disk after it.

use std::path::Path;

use super::engine::{Engine, EngineOptions, Product, Reader};
use super::entries::{entry, key};
use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::{Samples, timed};
use crate::random::{Random, Zipfian};

const BATCH: u64 = 100;
const SCAN: u64 = 50;

/// Measures each engine in turn, and that several times over, so that other load on the machine hits all.
pub(crate) fn run(settings: &Settings) -> Outcome<Samples> {
    let mut samples = Samples::new("kv");
    let zipfian = Zipfian::new(settings.entries, 0.99);
    for run in 1..=settings.runs {
        for product in Product::ALL {
            eprintln!("run {run} of {}: {}", settings.runs, product.subject());
            let folder = tempfile::tempdir_in(&settings.directory)?;
            let options = EngineOptions {
                memory_bytes: settings.memory_bytes,
                is_synced: false,
                most_entries: settings.entries,
            };
            let bench = Bench { settings, subject: product.subject(), product, options };
            bench.load_singly(&folder.path().join("single"), &mut samples)?;
            let batches = folder.path().join("batches");
            bench.load_in_batches(&batches, &mut samples)?;
            bench.read(&batches, &zipfian, &mut samples)?;
            bench.commit_synced(&folder.path().join("synced"), &mut samples)?;
        }
    }
    Ok(samples)
}

/// One engine under measurement.
struct Bench<'a> {
    settings: &'a Settings,
    product: Product,
    subject: String,
    options: EngineOptions,
}

impl Bench<'_> {
    fn put_range(&self, engine: &dyn Engine, from: u64, until: u64, batch: u64) -> Outcome {
        let mut entries = Vec::with_capacity(batch as usize);
        for start in (from..until).step_by(batch as usize) {
            entries.clear();
            let numbers = start..(start + batch).min(until);
            entries.extend(numbers.map(|number| entry(self.settings.seed, number)));
            engine.put(&entries)?;
        }
        Ok(())
    }

    /// Loads and syncs; background work done meanwhile shows in the processor time of all threads.
    fn load(&self, case: &str, engine: &dyn Engine, load: (u64, u64), samples: &mut Samples) -> Outcome {
        let (count, batch) = load;
        let ((), cost) = timed(|| {
            self.put_range(engine, 0, count, batch)?;
            engine.sync()
        })?;
        samples.add_rate(case, &self.subject, count, cost);
        let each = cost.process * 1e6 / count as f64;
        samples.add(case, &self.subject, "processor time of all threads", each, "µs");
        Ok(())
    }

    /// A fifth of the entries: a commit for each is slow in some engines.
    fn load_singly(&self, folder: &Path, samples: &mut Samples) -> Outcome {
        let engine = self.product.open(folder, self.options)?;
        self.load("load one by one", &*engine, (self.settings.entries / 5, 1), samples)?;
        engine.close()
    }

    fn load_in_batches(&self, folder: &Path, samples: &mut Samples) -> Outcome {
        let engine = self.product.open(folder, self.options)?;
        self.load("load in batches of 100", &*engine, (self.settings.entries, BATCH), samples)?;
        engine.close()?;
        let mebibytes = bytes_on_disk(folder)? as f64 / f64::from(1 << 20);
        samples.add("after the load", &self.subject, "on disk", mebibytes, "MiB");
        Ok(())
    }

    /// Reads what the load left, after it was closed and opened again.
    fn read(&self, folder: &Path, zipfian: &Zipfian, samples: &mut Samples) -> Outcome {
        let (engine, cost) = timed(|| self.product.open(folder, self.options))?;
        samples.add("after the load", &self.subject, "open", cost.wall * 1000.0, "ms");
        let entries = self.settings.entries;
        let gets = self.settings.size(300_000, 20_000);
        let mut random = Random(self.settings.seed);
        engine.read(&mut |reader| {
            self.get("get hot (zipfian)", reader, gets, samples, || Some(zipfian.draw(&mut random)))?;
            self.get("get uniform hit", reader, gets, samples, || Some(random.below(entries)))?;
            self.get("get miss", reader, gets, samples, || None)?;
            let scans = gets / 20;
            let (walked, cost) = timed(|| {
                let starts = (0..scans).map(|_| key(self.settings.seed, random.below(entries)));
                starts.map(|start| reader.scan(&start, SCAN)).sum::<Outcome<u64>>()
            })?;
            // The last keys of all have fewer than 50 behind them.
            expect("entries of scans", walked, scans * SCAN - scans..=scans * SCAN)?;
            samples.add_rate("scan of 50", &self.subject, scans, cost);
            let (walked, cost) = timed(|| reader.scan(&[], u64::MAX >> 1))?;
            expect("entries of a full scan", walked, entries..=entries)?;
            samples.add_rate("full scan, entries", &self.subject, entries, cost);
            Ok(())
        })?;
        engine.close()
    }

    /// Looks up drawn keys that are there; keys that are not where `draw` gives none.
    fn get(
        &self,
        case: &str,
        reader: &dyn Reader,
        gets: u64,
        samples: &mut Samples,
        mut draw: impl FnMut() -> Option<u64>,
    ) -> Outcome {
        let mut missing = self.settings.entries;
        let (found, cost) = timed(|| {
            let mut found = 0;
            for _ in 0..gets {
                let number = draw().unwrap_or_else(|| {
                    missing += 1;
                    missing
                });
                found += u64::from(reader.get(&key(self.settings.seed, number))?);
            }
            Ok(found)
        })?;
        let expected = if missing == self.settings.entries { gets } else { 0 };
        expect(case, found, expected..=expected)?;
        samples.add_rate(case, &self.subject, gets, cost);
        Ok(())
    }

    fn commit_synced(&self, folder: &Path, samples: &mut Samples) -> Outcome {
        let engine = self.product.open(folder, EngineOptions { is_synced: true, ..self.options })?;
        let commits = self.settings.size(500, 100);
        let ((), cost) = timed(|| self.put_range(&*engine, 0, commits, 1))?;
        samples.add("synced commits", &self.subject, "rate", commits as f64 / 1000.0 / cost.wall, "1000/s");
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
