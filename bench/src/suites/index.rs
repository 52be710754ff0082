//! Lookups in sorted keys: the hybrid index against binary search and `BTreeMap`.

use std::collections::BTreeMap;

use stroma_hybrid::{CostModelPolicy, Index};

use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::{OURS, Samples, timed};
use crate::random::Random;

const LOOKUPS: usize = 1_000_000;

/// Measures on keys that are smooth, random, and rough.
pub(super) fn run(settings: &Settings) -> Outcome<Samples> {
    let mut samples = Samples::new("index");
    let count = settings.size(4_000_000, 200_000);
    let mut random = Random(settings.seed);
    for (name, keys) in data_sets(count, &mut random) {
        let probes: Vec<u64> = (0..LOOKUPS).map(|_| keys[random.below(count) as usize]).collect();
        for _ in 0..settings.runs {
            measure(name, &keys, &probes, &mut samples)?;
        }
    }
    Ok(samples)
}

fn data_sets(count: u64, random: &mut Random) -> [(&'static str, Vec<u64>); 3] {
    let mut uniform: Vec<u64> = (0..count).map(|_| random.next()).collect();
    uniform.sort_unstable();
    let timestamps = (0..count).map(|at| 1_700_000_000_000 + at * 40 + random.below(40)).collect();
    let mut rough: Vec<u64> = (0..count)
        .map(|_| {
            let width = random.below(56);
            random.next() >> width << random.below(width + 1)
        })
        .collect();
    rough.sort_unstable();
    [("uniform", uniform), ("timestamps", timestamps), ("rough", rough)]
}

fn measure(name: &str, keys: &[u64], probes: &[u64], samples: &mut Samples) -> Outcome {
    let count = keys.len() as u64;
    let (index, cost) = timed(|| Ok(Index::build(keys, &CostModelPolicy::default())?))?;
    samples.add_time(&format!("{name}: build, a key"), OURS, count, cost);
    samples.add(name, OURS, "index", index.size_bytes() as f64 / count as f64, "bytes a key");
    let (map, cost) = timed(|| Ok(keys.iter().copied().zip(0..).collect::<BTreeMap<u64, usize>>()))?;
    samples.add_time(&format!("{name}: build, a key"), "BTreeMap", count, cost);
    let ours = look_up(name, OURS, probes, samples, |probe| index.lower_bound(keys, probe))?;
    let search = |probe| keys.partition_point(|key| *key < probe);
    let naive = look_up(name, "partition_point", probes, samples, search)?;
    let in_map = |probe| map.range(probe..).next().map_or(0, |(_, at)| *at);
    // Of equal keys the map keeps one, so that positions in it may differ.
    look_up(name, "BTreeMap", probes, samples, in_map)?;
    if ours == naive { Ok(()) } else { Err(format!("{name}: index and binary search disagree").into()) }
}

/// Lookups that may overlap, and lookups each of which awaits the one before; the sum of the positions.
fn look_up(
    name: &str,
    subject: &str,
    probes: &[u64],
    samples: &mut Samples,
    find: impl Fn(u64) -> usize,
) -> Outcome<usize> {
    let lookups = probes.len() as u64;
    let (sum, cost) = timed(|| Ok(probes.iter().fold(0_usize, |sum, probe| sum.wrapping_add(find(*probe)))))?;
    samples.add_time(&format!("{name}: independent"), subject, lookups, cost);
    let last = probes.len() - 1;
    let (_, cost) = timed(|| Ok((0..last).fold(0, |found, at| find(probes[at + (found & 1)]))))?;
    samples.add_time(&format!("{name}: dependent"), subject, lookups, cost);
    Ok(sum)
}
