//! Puts when memory is nearly full: what cleaning costs, and how long a put may take.
//!
//! The store is filled until key and value bytes are a share of its budget; then random keys are overwritten
//! with values of random sizes. A first round is not measured, so that cleaning has come to a steady state.

use std::time::Instant;

use stroma_bench_allocators::Random;
use stroma_logmem::{Error, Pool, PoolOptions, Store, StoreOptions};

use super::suite::in_a_process;
use crate::Outcome;
use crate::arguments::Settings;
use crate::histogram::Histogram;
use crate::measure::{OURS, Samples, timed};
use crate::process::Figures;

pub(super) const PART: &str = "fill";
const FILL_PERCENTS: [u64; 4] = [50, 80, 90, 95];
const KEY_BYTES: u64 = 8;
/// Sizes of values, evenly drawn. Small enough that the index counts, large enough that 95 % can be reached.
const SMALLEST_VALUE: u64 = 100;
const LARGEST_VALUE: u64 = 1900;
const MEAN_ENTRY: u64 = KEY_BYTES + (SMALLEST_VALUE + LARGEST_VALUE) / 2;

/// Measures each fill in a process of its own, without and with a thread that cleans; then each rate as a share
/// of that at the first fill.
pub(super) fn run(settings: &Settings, seed: u64, samples: &mut Samples) -> Outcome {
    let budget = settings.size(256 << 20, 16 << 20).to_string();
    for threads in ["0", "1"] {
        let mut at_first = None;
        for percent in FILL_PERCENTS {
            let figures = in_a_process(&[PART, &percent.to_string(), &budget, threads, &seed.to_string()])?;
            let rate = figures.value("put by fill, rate")?;
            let share = rate / *at_first.get_or_insert(rate);
            samples.add(
                &case_of(percent, threads),
                OURS,
                "put by fill, share of the rate at 50 %",
                share,
                "/s per /s",
            );
            figures.file(OURS, samples);
        }
    }
    Ok(())
}

fn case_of(percent: u64, threads: &str) -> String {
    format!("{percent} % full{}", if threads == "0" { "" } else { ", a thread cleans" })
}

/// A store, its keys `0..keys`, and what the values are made of.
struct Filled {
    store: Store,
    keys: u64,
    random: Random,
    value: Vec<u8>,
}

impl Filled {
    fn put(&mut self, key: u64) -> Outcome {
        let size = SMALLEST_VALUE + self.random.below(LARGEST_VALUE - SMALLEST_VALUE + 1);
        self.store.put(&key.to_le_bytes(), &self.value[..size as usize])?;
        Ok(())
    }

    fn fill(percent: u64, budget_bytes: u64, cleaner_threads: usize, seed: u64) -> Outcome<Filled> {
        let segment_bytes = (budget_bytes / 512).next_power_of_two().max(64 << 10) as usize;
        let pool = Pool::new(PoolOptions { capacity_bytes: budget_bytes as usize, segment_bytes })?;
        let store = Store::new(StoreOptions { cleaner_threads, ..StoreOptions::new(pool, seed) })?;
        let keys = budget_bytes * percent / 100 / MEAN_ENTRY;
        let value = vec![0x5a; LARGEST_VALUE as usize];
        let mut filled = Filled { store, keys, random: Random(seed), value };
        for key in 0..keys {
            filled.put(key)?;
        }
        Ok(filled)
    }

    fn overwrite(&mut self, mut after_each: impl FnMut(u64)) -> Outcome {
        for _ in 0..2 * self.keys {
            let key = self.random.below(self.keys);
            let begin = Instant::now();
            self.put(key)?;
            after_each(begin.elapsed().as_nanos() as u64);
        }
        Ok(())
    }
}

/// Measures one fill: percent, budget, threads that clean, seed.
pub(super) fn measure(arguments: &[&str]) -> Outcome<Figures> {
    let [percent, budget_bytes, threads, seed] = arguments else {
        return Err("needed: percent, budget, threads, seed".into());
    };
    let percent = percent.parse()?;
    let case = case_of(percent, threads);
    let mut figures = Figures::default();
    let filled = Filled::fill(percent, budget_bytes.parse()?, threads.parse()?, seed.parse()?);
    match filled.and_then(|filled| measure_fill(filled, &case, &mut figures)) {
        // That is a figure, too: so full it cannot be.
        Err(error) if matches!(error.downcast_ref(), Some(Error::OutOfMemory { .. })) => {
            figures.add(&case, "put by fill, rate", 0.0, "1000/s");
        }
        other => other?,
    }
    Ok(figures)
}

fn measure_fill(mut filled: Filled, case: &str, figures: &mut Figures) -> Outcome {
    filled.overwrite(|_| {})?;
    let copied_before = filled.store.statistics().cleaned.bytes_moved;
    let mut histogram = Histogram::new();
    let ((), cost) = timed(|| filled.overwrite(|nanoseconds| histogram.add(nanoseconds)))?;
    let puts = 2 * filled.keys;
    figures.add_rate(case, "put by fill", puts, cost);
    let copied = (filled.store.statistics().cleaned.bytes_moved - copied_before) as f64;
    figures.add(case, "put by fill, copied", copied / (puts * MEAN_ENTRY) as f64, "bytes a byte");
    for (name, share) in [("median", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let microseconds = histogram.percentile(share) as f64 / 1000.0;
        figures.add(case, &format!("put by fill, {name}"), microseconds, "µs");
    }
    figures.add(case, "put by fill, longest", histogram.largest() as f64 / 1000.0, "µs");
    Ok(())
}
