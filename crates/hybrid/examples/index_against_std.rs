//! Times lookups through the index against `partition_point` and `BTreeMap`.
//!
//! `cargo run --release -p stroma-hybrid --example index_against_std -- [keys]`

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark prints times")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use stroma_hybrid::{CostModelPolicy, ForcePolicy, Index, LayerKind};

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Prints nanoseconds a lookup: independent ones that may overlap, then ones that await each other.
fn report(name: &str, probes: &[u64], look_up: impl Fn(u64) -> usize, note: &str) {
    let start = Instant::now();
    let sum = probes.iter().fold(0usize, |sum, probe| sum.wrapping_add(look_up(*probe)));
    let independent = start.elapsed().as_nanos() as f64 / probes.len() as f64;
    black_box(sum);
    let start = Instant::now();
    let last = (0..probes.len() - 1).fold(0, |found, at| look_up(probes[at + (found & 1)]));
    let dependent = start.elapsed().as_nanos() as f64 / probes.len() as f64;
    black_box(last);
    println!("  {name:<20} {independent:7.1} {dependent:7.1}  {note}");
}

fn main() -> Result<(), stroma_hybrid::Error> {
    let n: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(4_000_000);
    let mut state = 42;
    let mut uniform: Vec<u64> = (0..n).map(|_| next(&mut state)).collect();
    uniform.sort_unstable();
    let smooth: Vec<u64> = (0..n).map(|i| 1_700_000_000_000 + i * 40 + next(&mut state) % 40).collect();
    let mut rough: Vec<u64> = (0..n)
        .map(|_| {
            let width = next(&mut state) % 56;
            next(&mut state) >> width << (next(&mut state) % (width + 1))
        })
        .collect();
    rough.sort_unstable();
    println!(
        "{n} keys of 8 bytes; nanoseconds for the lower bound of a random present key (lookups\n\
         independent, dependent), bytes of index per key"
    );
    for (name, keys) in [("uniform", uniform), ("timestamps", smooth), ("rough", rough)] {
        let probes: Vec<u64> = (0..1_000_000).map(|_| keys[(next(&mut state) % n) as usize]).collect();
        let map: BTreeMap<u64, usize> = keys.iter().copied().zip(0..).collect();
        println!("{name}");
        report("partition_point", &probes, |probe| keys.partition_point(|key| *key < probe), "");
        report("BTreeMap", &probes, |probe| map.range(probe..).next().map_or(0, |(_, at)| *at), "");
        for kind in [LayerKind::BTree, LayerKind::Linear] {
            let index = Index::build(&keys, &ForcePolicy(kind))?;
            let bytes = format!("{:.4}", index.size_bytes() as f64 / n as f64);
            report(&format!("Index, {kind}"), &probes, |probe| index.lower_bound(&keys, probe), &bytes);
        }
        let start = Instant::now();
        let index = Index::build(&keys, &CostModelPolicy::default())?;
        let build = start.elapsed().as_nanos() as f64 / n as f64;
        let note = format!("{:.4}  built in {build:.1} ns a key", index.size_bytes() as f64 / n as f64);
        report("Index, by cost model", &probes, |probe| index.lower_bound(&keys, probe), &note);
        println!("    {}", index.explain().replace('\n', "\n    "));
    }
    Ok(())
}
