//! Times lookups through the index against `partition_point` and `BTreeMap`.
//!
//! `cargo run --release -p stroma-hybrid --example against_std -- [keys]`

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

/// Nanoseconds of one call, over all probes.
fn time(probes: &[u64], mut look_up: impl FnMut(u64) -> usize) -> f64 {
    let start = Instant::now();
    let sum = probes.iter().fold(0usize, |sum, probe| sum.wrapping_add(look_up(*probe)));
    black_box(sum);
    start.elapsed().as_nanos() as f64 / probes.len() as f64
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
        "{n} keys of 8 bytes; nanoseconds a lower bound of a random present key, bytes of index per key"
    );
    for (name, keys) in [("uniform", uniform), ("timestamps", smooth), ("rough", rough)] {
        let probes: Vec<u64> = (0..1_000_000).map(|_| keys[(next(&mut state) % n) as usize]).collect();
        let map: BTreeMap<u64, usize> = keys.iter().copied().zip(0..).collect();
        println!("{name}");
        let binary = time(&probes, |probe| keys.partition_point(|key| *key < probe));
        println!("  partition_point      {binary:7.1} ns");
        let tree = time(&probes, |probe| map.range(probe..).next().map_or(0, |(_, at)| *at));
        println!("  BTreeMap             {tree:7.1} ns");
        for kind in [LayerKind::BTree, LayerKind::Linear] {
            let index = Index::build(&keys, &ForcePolicy(kind))?;
            let cost = time(&probes, |probe| index.lower_bound(&keys, probe));
            let bytes = index.size_bytes() as f64 / n as f64;
            println!("  Index, {:<13} {cost:7.1} ns  {bytes:.4}", kind.to_string());
        }
        let start = Instant::now();
        let index = Index::build(&keys, &CostModelPolicy::default())?;
        let build = start.elapsed().as_nanos() as f64 / n as f64;
        let cost = time(&probes, |probe| index.lower_bound(&keys, probe));
        let bytes = index.size_bytes() as f64 / n as f64;
        println!("  Index, by cost model {cost:7.1} ns  {bytes:.4}  built in {build:.1} ns a key");
        println!("    {}", index.explain().replace('\n', "\n    "));
    }
    Ok(())
}
