//! Figures for decision 031: `cargo test --release -p stroma-lsm --lib -- --ignored --nocapture
//! measure_restart_search`.

#[path = "../../tests/shared/watch.rs"]
pub(crate) mod watch;

use std::hint::black_box;

use watch::Watch;

use super::builder::RESTART_INTERVAL;
use super::{BlockBuilder, BlockView, Damage};
use crate::entry::{EntryRef, Kind, MAX_SEQUENCE, Sequence};
use crate::filter::key_hash;

/// Blocks, so that not all of them are in the processor's nearest cache.
const BLOCKS: usize = 64;
const LOOKUPS: usize = 200_000;

type Search = fn(BlockView<'_>, &[u8], Sequence) -> Result<usize, Damage>;

fn keys(kind: &str, count: usize) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = (0..count as u64)
        .map(|number| match kind {
            "counted" => number.to_be_bytes().to_vec(),
            "random" => [key_hash(&number.to_le_bytes()).to_be_bytes(), number.to_be_bytes()].concat(),
            // Clusters of very different width.
            _ => ((number % 7) << 56 | key_hash(&number.to_le_bytes()) >> (8 + number % 7 * 7))
                .to_be_bytes()
                .to_vec(),
        })
        .collect();
    keys.sort();
    keys
}

/// Nanoseconds of processor time.
fn nanoseconds(blocks: &[Vec<u8>], keys: &[Vec<u8>], search: Search) -> f64 {
    let per_block = keys.len() / blocks.len();
    let watch = Watch::start();
    for turn in 0..LOOKUPS as u64 {
        let block = (key_hash(&turn.to_le_bytes()) % blocks.len() as u64) as usize;
        let key = &keys[block * per_block + (key_hash(&(!turn).to_le_bytes()) % per_block as u64) as usize];
        let view = BlockView::new(&blocks[block]).unwrap();
        black_box(search(view, key, MAX_SEQUENCE).unwrap());
    }
    watch.seconds() * 1e9 / LOOKUPS as f64
}

#[test]
#[ignore = "prints figures"]
fn measure_restart_search() {
    let halving: Search = |view, key, sequence| view.restart_between(0, view.restart_count(), key, sequence);
    let guess: Search = |view, key, sequence| view.restart_by_guess(key, sequence);
    for kind in ["counted", "random", "clusters"] {
        for restarts in [3, 8, 16, 32, 64, 128, 512] {
            let keys = keys(kind, BLOCKS * restarts * RESTART_INTERVAL);
            let value = [7; 20];
            let blocks: Vec<Vec<u8>> = keys
                .chunks(restarts * RESTART_INTERVAL)
                .map(|keys| {
                    let mut builder = BlockBuilder::default();
                    for key in keys {
                        let entry = EntryRef { user_key: key, sequence: 1, kind: Kind::Put, value: &value };
                        builder.add(&entry, key_hash(key));
                    }
                    builder.finish().to_vec()
                })
                .collect();
            let mut best = [f64::INFINITY; 2];
            for _ in 0..7 {
                best[0] = best[0].min(nanoseconds(&blocks, &keys, halving));
                best[1] = best[1].min(nanoseconds(&blocks, &keys, guess));
            }
            println!("{kind}, {restarts} restart points: halving {:.1} ns, guess {:.1} ns", best[0], best[1]);
        }
    }
}
