//! A policy of one's own: the fastest index that fits a given number of bytes.
//!
//! A cost model weighs time against memory. A program that shares a small cache with others knows better
//! what it wants: "as few candidates as possible, but at most so many bytes". A [`Policy`] says which layers
//! are built side by side while the keys stream by, and picks one of them when all keys were seen.
//!
//! `cargo run --release -p stroma-hybrid --example custom_policy -- [keys]`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use stroma_hybrid::{Below, Choice, Index, IndexBuilder, LayerPlan, Offer, Policy, Reason};

/// At most this many bytes for the layer that stands on the keys.
struct Budget {
    bytes: usize,
}

impl Policy for Budget {
    fn plans(&self, level: usize) -> Vec<LayerPlan> {
        if level > 0 {
            // Whatever stands above the bottom is small: a plain tree does.
            return vec![LayerPlan::BTree { fanout: 16 }];
        }
        let lines = [2, 8, 32, 128, 512].map(|epsilon| LayerPlan::Linear { epsilon });
        let trees = [16, 64, 256, 1024].map(|fanout| LayerPlan::BTree { fanout });
        lines.into_iter().chain(trees).collect()
    }

    fn choose(&self, _below: Below, offers: &[Offer]) -> Choice {
        let fitting = offers.iter().enumerate().filter(|(_, offer)| offer.size_bytes <= self.bytes);
        let finest = fitting.min_by_key(|(_, offer)| offer.window);
        // Where nothing fits, the smallest is the nearest to what was wanted.
        let smallest = || offers.iter().enumerate().min_by_key(|(_, offer)| offer.size_bytes);
        let offer = finest.or_else(smallest).map_or(0, |(offer, _)| offer);
        Choice { offer, reason: Reason::Forced }
    }
}

/// Keys that are smooth in one half and rough, with gaps of all sizes, in the other.
fn keys(count: u64) -> impl Iterator<Item = u64> {
    let gap = move |n: u64| match n < count / 2 {
        true => 1000,
        false => 1 << (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59),
    };
    (0..count).scan(0, move |key, n| {
        *key += gap(n);
        Some(*key)
    })
}

fn build(count: u64, bytes: usize) -> Result<Index<u64>, stroma_hybrid::Error> {
    let mut builder = IndexBuilder::new(Budget { bytes })?;
    for key in keys(count) {
        builder.push(key)?;
    }
    builder.finish()
}

fn demonstrate(count: u64) -> Result<(), Box<dyn Error>> {
    let all: Vec<u64> = keys(count).collect();
    for bytes in [100, 10_000, 1_000_000] {
        let index = build(count, bytes)?;
        let probe = all[all.len() / 3];
        let candidates = index.candidates(probe + 1);
        println!("At most {bytes} bytes: {} candidates.\n{}\n", candidates.len(), index.explain());
        assert_eq!(index.get(&all, probe), Some(all.len() / 3));
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let count = std::env::args().nth(1).map_or(Ok(4_000_000), |text| text.parse())?;
    demonstrate(count)
}

#[test]
fn a_larger_budget_leaves_fewer_candidates() {
    demonstrate(30_000).unwrap();
    let all: Vec<u64> = keys(30_000).collect();
    let candidates = |bytes| build(30_000, bytes).unwrap().candidates(all[25_000] + 1).len();
    assert!(candidates(100_000) < candidates(200), "{} {}", candidates(100_000), candidates(200));
    assert!(build(30_000, 2_000).unwrap().size_bytes() < 2_500);
}
