//! The work: insert a million entries, look keys up, scan; then insert again while another thread reads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stroma_bench_allocators::Resident;
use stroma_logmem::{Location, Log, Pool, PoolOptions};

use super::indexes::{KEY_BYTES, Key, OrderedIndex, Product};
use crate::Outcome;
use crate::arguments::Settings;
use crate::logmem::process::{Figures, in_a_process};
use crate::measure::{Cost, Samples, timed};
use crate::random::{Random, mix};

pub(in crate::logmem) const PART: &str = "memtable";
const VALUE_BYTES: usize = 100;
const SCAN: usize = 50;
/// A key that differs from others only in its last four bytes, as keys under a long common prefix do.
const SHARED_HEAD: [u8; 12] = *b"collection/7";
const ORDERS: [&str; 3] = ["random", "ascending", "random under a shared head"];

/// Measures each index in a process of its own for each order of keys.
pub(in crate::logmem) fn run(settings: &Settings, seed: u64, samples: &mut Samples) -> Outcome {
    let entries = settings.size(1_000_000, 20_000).to_string();
    for order in ORDERS {
        for product in Product::ALL {
            let arguments = [PART, product.word(), order, &entries, &seed.to_string()];
            in_a_process(&arguments)?.file(&product.subject(), samples);
        }
    }
    Ok(())
}

/// How keys come.
#[derive(Clone, Copy)]
struct Keys<'a> {
    order: &'a str,
    seed: u64,
}

impl Keys<'_> {
    /// The key that comes as number `number`; all are different.
    fn key(self, number: u64) -> Key {
        let mut key = [0; KEY_BYTES];
        match self.order {
            "ascending" => key[..8].copy_from_slice(&number.to_be_bytes()),
            "random" => {
                key[..8].copy_from_slice(&mix(self.seed ^ number).to_be_bytes());
                key[8..].copy_from_slice(&mix(number).to_be_bytes());
            }
            _ => {
                key[..12].copy_from_slice(&SHARED_HEAD);
                // An odd factor: a bijection on 32 bits.
                key[12..].copy_from_slice(&(number as u32).wrapping_mul(0x9e37_79b1).to_be_bytes());
            }
        }
        key
    }

    /// A key that never comes, among those that do.
    fn missing(self, number: u64) -> Key {
        if self.order == "random under a shared head" {
            return self.key(number + (1 << 31));
        }
        let mut key = self.key(number);
        key[KEY_BYTES - 1] ^= 1;
        key
    }
}

/// Measures one index: its name, order of keys, entries, seed.
pub(in crate::logmem) fn measure(arguments: &[&str]) -> Outcome<Figures> {
    let [word, order, entries, seed] = arguments else {
        return Err("needed: index, order, entries, seed".into());
    };
    let (entries, seed) = (entries.parse::<u64>()?, seed.parse()?);
    let keys = Keys { order, seed };
    let mut figures = Figures::default();
    alone(word, keys, entries, &mut figures)?;
    with_a_reader(word, keys, entries, &mut figures)?;
    Ok(figures)
}

/// A log of all entries, and where each is.
fn appended(keys: Keys<'_>, entries: u64) -> Outcome<(Log, Vec<u64>)> {
    let entry_bytes = (KEY_BYTES + VALUE_BYTES) as u64;
    let pool = Pool::new(PoolOptions::new((entries * entry_bytes) as usize * 9 / 8 + (16 << 20)))?;
    let log = Log::new(&pool);
    let append = |number| Ok(log.append(&[&keys.key(number), &[0x5a; VALUE_BYTES]])?.to_bits());
    let locations: Outcome<Vec<u64>> = (0..entries).map(append).collect();
    let locations = locations?;
    Ok((log, locations))
}

/// Looks at the value of an entry: readers of a memtable want that, not a location.
fn look_at(log: &Log, location: u64) {
    std::hint::black_box(log.get(Location::from_bits(location)).last());
}

fn alone(word: &str, keys: Keys<'_>, entries: u64, figures: &mut Figures) -> Outcome {
    let (log, locations) = appended(keys, entries)?;
    let memory = Resident::begin();
    let index = Product::make(word, entries, log)?;
    let ((), cost) = timed(|| insert_all(&*index, keys, &locations, |_| {}))?;
    figures.add_rate(keys.order, "memtable insert", entries, cost);
    let bytes = memory.gained_bytes() as f64 / entries as f64;
    figures.add(keys.order, "memtable index", bytes, "bytes an entry");
    let gets = entries / 2;
    let mut random = Random(keys.seed);
    let (found, cost) = timed(|| {
        let found = (0..gets).filter(|_| {
            let newest = index.newest(&keys.key(random.below(entries)));
            newest.map(|location| look_at(index.log(), location)).is_some()
        });
        Ok(found.count() as u64)
    })?;
    expect("found", found, gets)?;
    figures.add_rate(keys.order, "memtable get hit", gets, cost);
    let (found, cost) = timed(|| {
        let found = (0..gets).filter(|_| index.newest(&keys.missing(random.below(entries))).is_some());
        Ok(found.count() as u64)
    })?;
    expect("found of what is missing", found, 0)?;
    figures.add_rate(keys.order, "memtable get miss", gets, cost);
    scans(&*index, keys, entries, figures)
}

fn scans(index: &dyn OrderedIndex, keys: Keys<'_>, entries: u64, figures: &mut Figures) -> Outcome {
    let scans = entries / 50;
    let mut random = Random(keys.seed ^ 1);
    let (visited, cost) = timed(|| {
        let mut visited = 0;
        for _ in 0..scans {
            index.scan(&keys.key(random.below(entries)), SCAN, &mut |location| {
                look_at(index.log(), location);
                visited += 1;
            });
        }
        Ok(visited)
    })?;
    // The last keys of all have fewer than 50 behind them.
    let most = scans * SCAN as u64;
    if !(most - most / 20..=most).contains(&visited) {
        return Err(format!("scans visited {visited} of {most}").into());
    }
    figures.add_rate(keys.order, "memtable scan of 50", scans, cost);
    Ok(())
}

/// Inserts while another thread looks up what is already there. Both times are the threads' own.
fn with_a_reader(word: &str, keys: Keys<'_>, entries: u64, figures: &mut Figures) -> Outcome {
    let (log, locations) = appended(keys, entries)?;
    let index = Product::make(word, entries, log)?;
    let (inserted, is_done) = (AtomicU64::new(0), AtomicBool::new(false));
    let (reads, inserting, reading) = std::thread::scope(|scope| {
        let reader =
            scope.spawn(|| read_until(&*index, keys, &inserted, &is_done).map_err(|e| e.to_string()));
        let inserting = timed(|| {
            insert_all(&*index, keys, &locations, |number| inserted.store(number + 1, Ordering::Release))
        });
        is_done.store(true, Ordering::Release);
        let (reads, reading) = reader.join().map_err(|_| "the reader panicked")??;
        let ((), inserting) = inserting?;
        Outcome::Ok((reads, inserting, reading))
    })?;
    let nanoseconds = |cost: Cost, operations: u64| cost.thread * 1e9 / operations.max(1) as f64;
    let time = nanoseconds(inserting, entries);
    figures.add(keys.order, "memtable insert beside a reader, processor time", time, "ns");
    let time = nanoseconds(reading, reads);
    figures.add(keys.order, "memtable get beside an inserter, processor time", time, "ns");
    Ok(())
}

fn read_until(
    index: &dyn OrderedIndex,
    keys: Keys<'_>,
    inserted: &AtomicU64,
    is_done: &AtomicBool,
) -> Outcome<(u64, Cost)> {
    let mut random = Random(keys.seed ^ 2);
    timed(|| {
        let mut reads = 0;
        while !is_done.load(Ordering::Acquire) {
            let there = inserted.load(Ordering::Acquire);
            if there == 0 {
                std::hint::spin_loop();
                continue;
            }
            let newest = index.newest(&keys.key(random.below(there)));
            look_at(index.log(), newest.ok_or("an inserted key was not found")?);
            reads += 1;
        }
        Ok(reads)
    })
}

fn insert_all(
    index: &dyn OrderedIndex,
    keys: Keys<'_>,
    locations: &[u64],
    mut after_each: impl FnMut(u64),
) -> Outcome {
    for (number, location) in (0..).zip(locations) {
        if !index.insert(&keys.key(number), number + 1, *location) {
            return Err("an entry was not inserted".into());
        }
        after_each(number);
    }
    Ok(())
}

fn expect(what: &str, found: u64, expected: u64) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found} instead of {expected}").into()) }
}
