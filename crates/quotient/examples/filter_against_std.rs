//! Times counting and lookups in the filter against `HashMap` and `BTreeMap`, and compares their memory.
//!
//! `cargo run --release -p stroma-quotient --example filter_against_std -- [quotient bits]`

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark prints times")]

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::time::Instant;

use stroma_quotient::{Builder, CountingFilter, Error, InvertibleHash, Shape};

/// Nanoseconds this thread has run, where Linux tells (so that other work on the machine does not count
/// in), else the time of day.
fn running(start: Instant) -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let first = told.and_then(|text| text.split(' ').next().and_then(|word| word.parse().ok()));
    first.unwrap_or_else(|| start.elapsed().as_nanos() as u64)
}

/// Runs something over `n` keys and prints the nanoseconds each.
fn time<T>(what: &str, n: usize, run: impl FnOnce() -> T) -> T {
    let clock = Instant::now();
    let start = running(clock);
    let result = black_box(run());
    let each = (running(clock) - start) as f64 / n as f64;
    println!("  {what:<34} {each:7.1} ns");
    result
}

fn main() -> Result<(), Error> {
    let quotient_bits: u32 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(22);
    let shape = Shape { quotient_bits, remainder_bits: 62 - quotient_bits };
    let mix = InvertibleHash::new(62, 1);
    // Every fourth key is counted three times, as in reads of a genome: about 1.25 slots a key.
    let keys = (shape.home_slots() as f64 * 0.95 / 1.25) as usize;
    let mut stream: Vec<u64> = (0..keys as u64).map(|key| mix.hash(key)).collect();
    stream.extend((0..keys as u64 / 4).flat_map(|key| [mix.hash(key * 4); 2]));
    // The order of arrival has nothing to do with the order of keys.
    let shuffle = InvertibleHash::new(64, 2);
    stream.sort_unstable_by_key(|key| shuffle.hash(*key));
    let n = stream.len();
    let probes: Vec<u64> = stream.iter().copied().step_by(3).take(1 << 20).collect();
    let absent: Vec<u64> = (0..1 << 20).map(|key| mix.hash(keys as u64 + key)).collect();
    println!("{n} insertions of {keys} different 62-bit keys");

    let mut filter = CountingFilter::new(shape)?;
    time("filter: count one", n, || stream.iter().try_for_each(|key| filter.insert(*key)))?;
    println!("  load {:.3}, {:.2} bytes a key", filter.load(), filter.size_bytes() as f64 / keys as f64);
    let sum = |filter: &CountingFilter, keys: &[u64]| keys.iter().map(|key| filter.count(*key)).sum::<u64>();
    time("filter: look up a present key", probes.len(), || sum(&filter, &probes));
    time("filter: look up an absent key", absent.len(), || sum(&filter, &absent));
    let sorted: Vec<(u64, u64)> = time("filter: iterate, a key", keys, || filter.iter().collect());
    time("filter: build from sorted keys", keys, || -> Result<CountingFilter, Error> {
        let mut builder = Builder::new(shape)?;
        sorted.iter().try_for_each(|(key, count)| builder.push(*key, *count))?;
        Ok(builder.finish())
    })?;
    let bytes = time("filter: serialise, a key", keys, || filter.to_bytes());
    time("filter: open and validate, a key", keys, || CountingFilter::open(&bytes))?;
    time("filter: merge two, a key", keys, || CountingFilter::merge([&filter, &filter]))?;
    let mut copy = filter.clone();
    time("filter: take one away", probes.len(), || {
        probes.iter().try_for_each(|key| copy.remove(*key, 1).map(drop))
    })?;

    let mut hashed: HashMap<u64, u64> = HashMap::new();
    time("HashMap: count one", n, || stream.iter().for_each(|key| *hashed.entry(*key).or_insert(0) += 1));
    // A slot is key, value and a control byte.
    println!("  about {:.2} bytes a key", hashed.capacity() as f64 * 8.0 / 7.0 * 17.0 / keys as f64);
    let find = |keys: &[u64]| keys.iter().map(|key| hashed.get(key).copied().unwrap_or(0)).sum::<u64>();
    time("HashMap: look up a present key", probes.len(), || find(&probes));
    time("HashMap: look up an absent key", absent.len(), || find(&absent));
    let mut ordered: BTreeMap<u64, u64> = BTreeMap::new();
    time("BTreeMap: count one", n, || stream.iter().for_each(|key| *ordered.entry(*key).or_insert(0) += 1));
    let find = |keys: &[u64]| keys.iter().map(|key| ordered.get(key).copied().unwrap_or(0)).sum::<u64>();
    time("BTreeMap: look up a present key", probes.len(), || find(&probes));
    Ok(())
}
