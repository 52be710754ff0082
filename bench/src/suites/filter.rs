//! Counting 62-bit keys exactly: the quotient filter against `HashMap` and `BTreeMap`; then against its like.

use std::collections::{BTreeMap, HashMap};

use stroma_quotient::{CountingFilter, InvertibleHash, Shape};

use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::{OURS, Samples, timed};

const LOOKUPS: u64 = 1 << 20;

/// What is counted and looked up.
struct Work {
    shape: Shape,
    keys: u64,
    stream: Vec<u64>,
    present: Vec<u64>,
    absent: Vec<u64>,
}

/// Measures counting a stream and looking up.
pub(super) fn run(settings: &Settings) -> Outcome<Samples> {
    let mut samples = Samples::new("filter");
    // First, while memory is as the system gave it to a new process.
    super::filter_peer::run(settings, &mut samples)?;
    let work = work(settings)?;
    for _ in 0..settings.runs {
        let total = filter(&work, &mut samples)?;
        if hash_map(&work, &mut samples)? != total || tree_map(&work, &mut samples)? != total {
            return Err("the filter and the maps counted differently".into());
        }
    }
    Ok(samples)
}

/// Every fourth key is counted three times, as in reads of a genome: about 1.25 slots a key, and a filter
/// 95 % full. The order of arrival has nothing to do with the order of keys.
fn work(settings: &Settings) -> Outcome<Work> {
    let quotient_bits = settings.size(22, 17) as u32;
    let shape = Shape::new(62, 1 << quotient_bits)?;
    let mixing = InvertibleHash::new(62, settings.seed);
    let keys = ((1_u64 << quotient_bits) as f64 * 0.95 / 1.25) as u64;
    let mut stream: Vec<u64> = (0..keys).map(|key| mixing.hash(key)).collect();
    stream.extend((0..keys / 4).flat_map(|key| [mixing.hash(key * 4); 2]));
    let shuffle = InvertibleHash::new(64, settings.seed + 1);
    stream.sort_unstable_by_key(|key| shuffle.hash(*key));
    let present = stream.iter().copied().cycle().step_by(3).take(LOOKUPS as usize).collect();
    let absent = (0..LOOKUPS).map(|key| mixing.hash(keys + key)).collect();
    Ok(Work { shape, keys, stream, present, absent })
}

/// Times both kinds of lookup; the sum of all counts found.
fn look_up(work: &Work, subject: &str, samples: &mut Samples, count: impl Fn(u64) -> u64) -> Outcome<u64> {
    let mut sum = 0;
    for (case, keys) in [("look up a present key", &work.present), ("look up an absent key", &work.absent)] {
        let (found, cost) = timed(|| Ok(keys.iter().map(|key| count(*key)).sum::<u64>()))?;
        samples.add_time(case, subject, LOOKUPS, cost);
        sum += found;
    }
    Ok(sum)
}

fn filter(work: &Work, samples: &mut Samples) -> Outcome<u64> {
    let mut filter = CountingFilter::new(work.shape)?;
    let insert_all = || Ok(work.stream.iter().try_for_each(|key| filter.insert(*key))?);
    let ((), cost) = timed(insert_all)?;
    samples.add_time("count one", OURS, work.stream.len() as u64, cost);
    samples.add("memory", OURS, "bytes a key", filter.size_bytes() as f64 / work.keys as f64, "bytes");
    look_up(work, OURS, samples, |key| filter.count(key))
}

fn hash_map(work: &Work, samples: &mut Samples) -> Outcome<u64> {
    let mut map: HashMap<u64, u64> = HashMap::new();
    let ((), cost) = timed(|| {
        work.stream.iter().for_each(|key| *map.entry(*key).or_insert(0) += 1);
        Ok(())
    })?;
    samples.add_time("count one", "HashMap", work.stream.len() as u64, cost);
    // Seven of eight slots are usable, and each is key, value and a control byte.
    let bytes = map.capacity() as f64 * 8.0 / 7.0 * 17.0;
    samples.add("memory", "HashMap", "bytes a key", bytes / work.keys as f64, "bytes");
    look_up(work, "HashMap", samples, |key| map.get(&key).copied().unwrap_or(0))
}

fn tree_map(work: &Work, samples: &mut Samples) -> Outcome<u64> {
    let mut map: BTreeMap<u64, u64> = BTreeMap::new();
    let ((), cost) = timed(|| {
        work.stream.iter().for_each(|key| *map.entry(*key).or_insert(0) += 1);
        Ok(())
    })?;
    samples.add_time("count one", "BTreeMap", work.stream.len() as u64, cost);
    look_up(work, "BTreeMap", samples, |key| map.get(&key).copied().unwrap_or(0))
}
