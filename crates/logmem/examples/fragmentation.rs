//! The fragmentation workloads of Rumble, Kejriwal and Ousterhout (FAST 2014), scaled down: how much memory a
//! store needs for its live bytes when sizes change.
//!
//! `cargo run --release --example fragmentation -- [live MiB, default 64] [first ratio in percent]`
//!
//! Each workload runs under budgets of 105 %, 110 %, ... of the live bytes until one suffices. Printed are
//! that budget, the resident memory the process gained and the pool's own count, all over the live bytes of
//! keys and values (keys are 8 bytes of the stated size), bytes copied per byte put, and puts a second.
#![allow(clippy::print_stdout, clippy::disallowed_methods)] // a measurement prints, reads the clock and /proc

use std::ops::RangeInclusive;
use std::time::Instant;

use stroma_logmem::{Error, Pool, PoolOptions, Store, StoreOptions};

/// Scaled down with the live bytes: 64 MiB in segments of 128 KiB, a gigabyte in segments of 1 MiB.
fn segment_bytes(live: u64) -> usize {
    (live as usize / 512).next_power_of_two().clamp(64 << 10, 1 << 20)
}

type Sizes = RangeInclusive<u64>;

/// Sizes before, percent deleted, sizes after (none: the workload ends after the first phase).
const WORKLOADS: [(&str, Sizes, u64, Option<Sizes>); 8] = [
    ("W1", 100..=100, 0, None),
    ("W2", 100..=100, 0, Some(130..=130)),
    ("W3", 100..=100, 90, Some(130..=130)),
    ("W4", 100..=150, 0, Some(200..=250)),
    ("W5", 100..=150, 90, Some(200..=250)),
    ("W6", 100..=200, 50, Some(1000..=2000)),
    ("W7", 1000..=2000, 90, Some(1500..=2500)),
    ("W8", 50..=150, 90, Some(5000..=15000)),
];

/// SplitMix64, so that every run does the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What the workload knows of the live objects: key and size.
struct Live {
    objects: Vec<(u64, u32)>,
    bytes: u64,
    next_key: u64,
    random: Random,
    puts: u64,
}

impl Live {
    fn remove_one(&mut self, store: &Store) {
        let victim = (self.random.next() % self.objects.len() as u64) as usize;
        let (key, size) = self.objects.swap_remove(victim);
        assert!(store.remove(&key.to_le_bytes()).is_some());
        self.bytes -= u64::from(size);
    }

    /// Puts five times `target` bytes, deleting at random so that at most `target` are live.
    fn churn(&mut self, store: &Store, target: u64, sizes: &Sizes) -> Result<(), Error> {
        let value = vec![0x5a; *sizes.end() as usize];
        let mut put = 0;
        while put < 5 * target {
            let size = sizes.start() + self.random.next() % (sizes.end() - sizes.start() + 1);
            while self.bytes + size > target {
                self.remove_one(store);
            }
            store.put(&self.next_key.to_le_bytes(), &value[..size as usize - 8])?;
            self.objects.push((self.next_key, size as u32));
            self.next_key += 1;
            self.bytes += size;
            self.puts += 1;
            put += size;
        }
        Ok(())
    }
}

fn run(store: &Store, target: u64, live: &mut Live, workload: usize) -> Result<(), Error> {
    let (_, before, deleted, after) = &WORKLOADS[workload];
    live.churn(store, target, before)?;
    let Some(after) = after else { return Ok(()) };
    let keep = live.objects.len() as u64 * (100 - deleted) / 100;
    while live.objects.len() as u64 > keep {
        live.remove_one(store);
    }
    live.churn(store, target, after)
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// Runs one workload under one budget; the row of the table, or the error that ended it.
fn measure(target: u64, workload: usize, ratio: u64) -> Result<String, Error> {
    let (name, before, _, after) = &WORKLOADS[workload];
    // The workload's own list is written once beforehand, so that it is not counted as the store's memory.
    let mut objects = vec![(1, 1); (target / before.start()) as usize + 1];
    objects.clear();
    let mut live = Live { objects, bytes: 0, next_key: 0, random: Random(1), puts: 0 };
    let resident_before = resident_bytes();
    let pool = Pool::new(PoolOptions {
        capacity_bytes: (target * ratio / 100) as usize,
        segment_bytes: segment_bytes(target),
    })?;
    let store = Store::new(StoreOptions::new(pool.clone(), 1))?;
    let start = Instant::now();
    run(&store, target, &mut live, workload)?;
    let seconds = start.elapsed().as_secs_f64();
    let resident = resident_bytes().saturating_sub(resident_before);
    let counted = pool.statistics();
    let put = target as f64 * if after.is_some() { 10.0 } else { 5.0 };
    Ok(format!(
        "| {name} | {:.2} | {:.2} | {:.2} | {:.1} | {:.0} |",
        ratio as f64 / 100.0,
        resident as f64 / live.bytes as f64,
        (counted.allocated_bytes + counted.charged_bytes + counted.table_bytes) as f64 / live.bytes as f64,
        store.statistics().cleaned.bytes_moved as f64 / put,
        live.puts as f64 / seconds / 1000.0
    ))
}

/// Each measurement is a process of its own: what an earlier one left resident would falsify the next.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<u64> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    if let [mebibytes, _, ratio, workload] = numbers[..] {
        match measure(mebibytes << 20, workload as usize, ratio) {
            Ok(row) => println!("{row}"),
            Err(Error::OutOfMemory { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        return Ok(());
    }
    let mebibytes = numbers.first().copied().unwrap_or(64);
    let first_ratio = numbers.get(1).copied().unwrap_or(105);
    println!("| | budget / live | resident / live | counted / live | copied / put | thousand puts/s |");
    println!("|---|---|---|---|---|---|");
    let program = std::env::current_exe()?;
    for workload in 0..WORKLOADS.len() {
        for ratio in (first_ratio..=200).step_by(5) {
            let arguments = [mebibytes, first_ratio, ratio, workload as u64].map(|number| number.to_string());
            let output = std::process::Command::new(&program).args(arguments).output()?;
            if !output.stdout.is_empty() {
                print!("{}", String::from_utf8_lossy(&output.stdout));
                break;
            }
        }
    }
    Ok(())
}
