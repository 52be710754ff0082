//! Times lookups through the index against `partition_point` and `BTreeMap`.
//!
//! `cargo run --release -p stroma-hybrid --example index_against_std -- [keys] [key set] [subject]`: of key set
//! and subject a part of the name is enough, of subjects several with commas; without them all are measured.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark prints times")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use stroma_hybrid::{CostModelPolicy, Index, LayerPlan};

#[path = "../tests/shared/key_sets.rs"]
mod key_sets;
use key_sets::{KeySet, next};

const LOOKUPS: usize = 500_000;
const ROUNDS: usize = 3;
/// A `BTreeMap` of more keys would not fit beside the rest.
const MOST_IN_MAP: usize = 10_000_000;

/// The time this thread has had a processor; the time that passed where the system does not tell.
fn cpu_time(since: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// Nanoseconds a lookup, the best of several rounds.
fn time(mut round: impl FnMut()) -> f64 {
    let since = Instant::now();
    let rounds = (0..ROUNDS).map(|_| {
        let start = cpu_time(since);
        round();
        (cpu_time(since) - start).as_nanos() as f64 / LOOKUPS as f64
    });
    rounds.fold(f64::INFINITY, f64::min)
}

/// Prints the times of independent lookups, which may overlap, and of ones that await each other.
fn report(name: &str, probes: &[u64], look_up: impl Fn(u64) -> usize, note: &str) {
    let independent = time(|| {
        black_box(probes.iter().fold(0usize, |sum, probe| sum.wrapping_add(look_up(*probe))));
    });
    let dependent = time(|| {
        black_box((0..probes.len() - 1).fold(0, |found, at| look_up(probes[at + (found & 1)])));
    });
    println!("  {name:<22} {independent:7.1} {dependent:7.1} {note}");
}

fn report_index(name: &str, keys: &[u64], probes: &[u64], index: &Index<u64>, build: f64) {
    let mut positions = vec![0; probes.len()];
    let batch = time(|| {
        for (probes, positions) in probes.chunks(32).zip(positions.chunks_mut(32)) {
            index.lower_bound_batch(keys, probes, positions);
        }
        black_box(&positions);
    });
    let bytes = index.size_bytes() as f64 / keys.len() as f64;
    let note = format!("{batch:7.1}  {bytes:9.6}  {build:5.1}");
    report(name, probes, |probe| index.lower_bound(keys, probe), &note);
}

/// The layers on the keys that are measured; above linear ones stands an S+-tree of all their entries.
const PLANS: [LayerPlan; 8] = [
    LayerPlan::BTree { fanout: 16 },
    LayerPlan::SPlus { fanout: 16 },
    LayerPlan::SPlus { fanout: 32 },
    LayerPlan::SPlus { fanout: 64 },
    LayerPlan::Linear { epsilon: 16 },
    LayerPlan::Linear { epsilon: 64 },
    LayerPlan::RadixSpline { epsilon: 16 },
    LayerPlan::RadixSpline { epsilon: 64 },
];

/// An index with such a layer on the keys.
fn build(keys: &[u64], plan: LayerPlan) -> Result<Index<u64>, stroma_hybrid::Error> {
    let above = match plan {
        LayerPlan::BTree { fanout } => {
            let mut plans = vec![plan];
            let mut entries = keys.len() / fanout;
            while entries > fanout {
                plans.push(plan);
                entries /= fanout;
            }
            return Index::with_plans(keys, &plans);
        }
        LayerPlan::Linear { .. } => vec![plan, LayerPlan::SPlus { fanout: 1 }],
        _ => vec![plan],
    };
    Index::with_plans(keys, &above)
}

fn report_set(keys: &[u64], subject: &str) -> Result<(), stroma_hybrid::Error> {
    let mut state = 7;
    let probes: Vec<u64> =
        (0..LOOKUPS).map(|_| keys[(next(&mut state) % keys.len() as u64) as usize]).collect();
    let wanted = |name: &str| subject.split(',').any(|subject| name.to_lowercase().contains(subject));
    if wanted("partition_point") {
        report("partition_point", &probes, |probe| keys.partition_point(|key| *key < probe), "");
    }
    if wanted("BTreeMap") && keys.len() <= MOST_IN_MAP {
        let map: BTreeMap<u64, usize> = keys.iter().copied().zip(0..).collect();
        report("BTreeMap", &probes, |probe| map.range(probe..).next().map_or(0, |(_, at)| *at), "");
    }
    let since = Instant::now();
    for plan in PLANS {
        let parameter = match plan {
            LayerPlan::BTree { fanout } | LayerPlan::SPlus { fanout } => fanout,
            LayerPlan::Linear { epsilon } | LayerPlan::RadixSpline { epsilon } => epsilon,
            _ => 0,
        };
        let name = format!("{} {parameter}", plan.kind());
        if !wanted(&name) {
            continue;
        }
        let start = cpu_time(since);
        let index = build(keys, plan)?;
        let build = (cpu_time(since) - start).as_nanos() as f64 / keys.len() as f64;
        report_index(&name, keys, &probes, &index, build);
    }
    if wanted("by cost model") {
        let start = cpu_time(since);
        let index = Index::build(keys, &CostModelPolicy::default())?;
        let build = (cpu_time(since) - start).as_nanos() as f64 / keys.len() as f64;
        report_index("by cost model", keys, &probes, &index, build);
        println!("    {}", index.explain().replace('\n', "\n    "));
    }
    Ok(())
}

fn main() -> Result<(), stroma_hybrid::Error> {
    let argument = |at| std::env::args().nth(at).unwrap_or_default().to_lowercase();
    let count: usize = argument(1).parse().unwrap_or(4_000_000);
    println!(
        "{count} keys of 8 bytes, {LOOKUPS} random present ones looked up; processor time in nanoseconds\n\
         independent, dependent, in batches of 32; bytes of index per key; nanoseconds a key to build"
    );
    for set in KeySet::ALL {
        let name = format!("{set:?}");
        if name.to_lowercase().contains(&argument(2)) {
            println!("{name}");
            report_set(&set.keys(count, 42), &argument(3))?;
        }
    }
    Ok(())
}
