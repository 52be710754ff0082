//! 46-bit keys in a filter of 2^22 slots at 93 % load: ours beside the crate `qfilter`, turn by turn.

use std::hint::black_box;

use stroma_quotient::{CountingFilter, InvertibleHash, Shape};

use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::{OURS, Samples, timed};

const KEY_BITS: u32 = 46;
const LOAD: f64 = 0.93;
const LOOKUPS: usize = 1 << 20;
const PEER: &str = "qfilter";

struct Work {
    shape: Shape,
    keys: Vec<u64>,
    present: Vec<u64>,
    absent: Vec<u64>,
}

/// Measures both filters, one after the other in each run.
pub(super) fn run(settings: &Settings, samples: &mut Samples) -> Outcome<()> {
    let work = work(settings)?;
    for _ in 0..settings.runs {
        ours(&work, samples)?;
        peer(&work, samples)?;
    }
    Ok(())
}

fn work(settings: &Settings) -> Outcome<Work> {
    let slots = 1_u64 << settings.size(22, 17);
    let mixing = InvertibleHash::new(KEY_BITS, settings.seed);
    let keys: Vec<u64> = (0..(slots as f64 * LOAD) as u64).map(|key| mixing.hash(key)).collect();
    let order = InvertibleHash::new(slots.ilog2(), settings.seed);
    let shuffled = (0..slots).filter_map(|at| keys.get(order.hash(at) as usize).copied());
    let present = shuffled.take(LOOKUPS).collect();
    let absent = (0..LOOKUPS as u64).map(|key| mixing.hash(keys.len() as u64 + key)).collect();
    Ok(Work { shape: Shape::new(KEY_BITS, slots)?, keys, present, absent })
}

fn bits_an_item(work: &Work, bytes: usize) -> f64 {
    bytes as f64 * 8.0 / work.keys.len() as f64
}

fn ours(work: &Work, samples: &mut Samples) -> Outcome<()> {
    let mut filter = CountingFilter::new(work.shape)?;
    let (count, lookups) = (work.keys.len() as u64, work.present.len() as u64);
    let ((), cost) = timed(|| Ok(work.keys.iter().try_for_each(|key| filter.insert(*key))?))?;
    samples.add_time("46 bits: insert", OURS, count, cost);
    for (case, keys) in [("46 bits: hit", &work.present), ("46 bits: miss", &work.absent)] {
        let (_, cost) = timed(|| Ok(black_box(keys.iter().map(|key| filter.count(*key)).sum::<u64>())))?;
        samples.add_time(case, OURS, lookups, cost);
        let mut answers = Vec::with_capacity(keys.len());
        let ((), cost) = timed(|| {
            filter.get_all(keys, &mut answers);
            Ok(())
        })?;
        samples.add_time(&format!("{case}, in batches"), OURS, lookups, cost);
        black_box(answers);
    }
    let walk = || Ok(black_box(filter.iter().fold(0, |sum, entry| sum ^ entry.key ^ entry.count)));
    let (_, cost) = timed(walk)?;
    samples.add_time("46 bits: iterate", OURS, count, cost);
    samples.add("46 bits: memory", OURS, "bits an item", bits_an_item(work, filter.size_bytes()), "bits");
    let mut batched = CountingFilter::new(work.shape)?;
    let ((), cost) = timed(|| Ok(batched.insert_all(&work.keys)?))?;
    samples.add_time("46 bits: insert, in batches", OURS, count, cost);
    if batched == filter { Ok(()) } else { Err("a batch made another filter".into()) }
}

fn peer(work: &Work, samples: &mut Samples) -> Outcome<()> {
    let (count, lookups) = (work.keys.len() as u64, work.present.len() as u64);
    let refused = |error| format!("qfilter: {error:?}");
    let mut filter = qfilter::Filter::with_fingerprint_size(count, KEY_BITS as u8).map_err(refused)?;
    let ((), cost) = timed(|| {
        for key in &work.keys {
            filter.insert_fingerprint(true, *key).map_err(refused)?;
        }
        Ok(())
    })?;
    samples.add_time("46 bits: insert", PEER, count, cost);
    for (case, keys) in [("46 bits: hit", &work.present), ("46 bits: miss", &work.absent)] {
        let look_up = || Ok(black_box(keys.iter().map(|key| filter.count_fingerprint(*key)).sum::<u64>()));
        let (_, cost) = timed(look_up)?;
        samples.add_time(case, PEER, lookups, cost);
    }
    let (_, cost) = timed(|| Ok(black_box(filter.fingerprints().fold(0, |sum, key| sum ^ key))))?;
    samples.add_time("46 bits: iterate", PEER, count, cost);
    samples.add("46 bits: memory", PEER, "bits an item", bits_an_item(work, filter.memory_usage()), "bits");
    Ok(())
}
