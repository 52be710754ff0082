//! The work: insert a million entries, look keys up, scan; then insert again while another thread reads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stroma_bench_allocators::Resident;
use stroma_logmem::{Location, Log, Pool, PoolOptions};

use super::indexes::{KEY_BYTES, Key, OrderedIndex, Product};
use crate::Outcome;
use crate::arguments::Settings;
use crate::logmem::suite::in_a_process;
use crate::measure::{Cost, Samples, timed};
use crate::process::Figures;
use crate::random::{Random, mix};

pub(in crate::logmem) const PART: &str = "memtable";
const VALUE_BYTES: usize = 100;
const SCAN: usize = 50;
/// A kind of read is ended after this time: some peers look for some keys in linear time.
const LONGEST: Duration = Duration::from_secs(3);
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
    let mut random = Random(keys.seed);
    let (gets, cost) = repeat(entries / 2, || {
        let newest = index.newest(&keys.key(random.below(entries)));
        look_at(index.log(), newest.ok_or("an inserted key was not found")?);
        Ok(())
    })?;
    figures.add_rate(keys.order, "memtable get hit", gets, cost);
    let (gets, cost) = repeat(entries / 2, || {
        let newest = index.newest(&keys.missing(random.below(entries)));
        if newest.is_none() { Ok(()) } else { Err("a key was found that nobody inserted".into()) }
    })?;
    figures.add_rate(keys.order, "memtable get miss", gets, cost);
    let mut visited = 0;
    let (scans, cost) = repeat(entries / 50, || {
        index.scan(&keys.key(random.below(entries)), SCAN, &mut |location| {
            look_at(index.log(), location);
            visited += 1;
        });
        Ok(())
    })?;
    // The last keys of all have fewer than 50 behind them.
    let most = scans * SCAN as u64;
    if !(most - most / 20..=most).contains(&visited) {
        return Err(format!("scans visited {visited} of {most}").into());
    }
    figures.add_rate(keys.order, "memtable scan of 50", scans, cost);
    Ok(())
}

/// Does something so many times, or as often as there is time for: how often that was, and what it cost.
fn repeat(most: u64, mut operation: impl FnMut() -> Outcome) -> Outcome<(u64, Cost)> {
    let begin = Instant::now();
    timed(|| {
        for done in 0..most {
            operation()?;
            if (done < 16 || done % 16 == 0) && begin.elapsed() > LONGEST {
                return Ok(done + 1);
            }
        }
        Ok(most)
    })
}

/// Inserts while another thread looks up what is already there. Both times are the threads' own.
fn with_a_reader(word: &str, keys: Keys<'_>, entries: u64, figures: &mut Figures) -> Outcome {
    let (log, locations) = appended(keys, entries)?;
    let index = Product::make(word, entries, log)?;
    let (inserted, is_done) = (AtomicU64::new(0), AtomicBool::new(false));
    let ((reads, lost), inserting, reading) = std::thread::scope(|scope| {
        let reader =
            scope.spawn(|| read_until(&*index, keys, &inserted, &is_done).map_err(|e| e.to_string()));
        let inserting = timed(|| {
            insert_all(&*index, keys, &locations, |number| inserted.store(number + 1, Ordering::Release))
        });
        is_done.store(true, Ordering::Release);
        let (counts, reading) = reader.join().map_err(|_| "the reader panicked")??;
        let ((), inserting) = inserting?;
        Outcome::Ok((counts, inserting, reading))
    })?;
    let nanoseconds = |cost: Cost, operations: u64| cost.thread * 1e9 / operations.max(1) as f64;
    let time = nanoseconds(inserting, entries);
    figures.add(keys.order, "memtable insert beside a reader, processor time", time, "ns");
    let time = nanoseconds(reading, reads);
    figures.add(keys.order, "memtable get beside an inserter, processor time", time, "ns");
    let share = lost as f64 * 1e6 / reads.max(1) as f64;
    figures.add(
        keys.order,
        "memtable inserted keys not found beside an inserter",
        share,
        "of a million gets",
    );
    Ok(())
}

/// How many keys were looked up, and how many of them were not found though inserted before.
fn read_until(
    index: &dyn OrderedIndex,
    keys: Keys<'_>,
    inserted: &AtomicU64,
    is_done: &AtomicBool,
) -> Outcome<((u64, u64), Cost)> {
    let mut random = Random(keys.seed ^ 2);
    timed(|| {
        let (mut reads, mut lost) = (0, 0);
        while !is_done.load(Ordering::Acquire) {
            let there = inserted.load(Ordering::Acquire);
            if there == 0 {
                std::hint::spin_loop();
                continue;
            }
            match index.newest(&keys.key(random.below(there))) {
                Some(location) => look_at(index.log(), location),
                None => lost += 1,
            }
            reads += 1;
        }
        Ok((reads, lost))
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
