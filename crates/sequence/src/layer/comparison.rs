//! Fresh layers as buckets beside counting quotient filters: a measurement, to be run by hand.
//!
//! `cargo test --release -p stroma-sequence --lib comparison -- --ignored --nocapture`

use std::hint::black_box;
use std::time::Instant;

use stroma_quotient::{CountingFilter, Entry, Shape, SortedBuilder};

use super::encode::EncodedKmers;
use super::packed::PackedBuffer;
use super::partition::{PartitionParts, PartitionView};

const KMER_BITS: u32 = 46;
const SET_BITS: u32 = 17;

/// Distinct random keys, ascending.
fn keys(count: usize) -> Vec<u64> {
    let mut state = 1_u64;
    let mut draw = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> (64 - KMER_BITS)
    };
    let mut keys: Vec<u64> = (0..count).map(|_| draw()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Keys in an order that is not theirs.
fn shuffled(keys: &[u64]) -> Vec<u64> {
    let mut order: Vec<u64> = keys.to_vec();
    order.sort_unstable_by_key(|key| key.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    order
}

/// Nanoseconds an item of the fastest of five rounds.
fn fastest<T>(items: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        black_box(work());
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / items as f64);
    }
    best
}

fn buckets(keys: &[u64], hits: &[u64], misses: &[u64]) {
    let set_of = |key: u64| key & ((1 << SET_BITS) - 1);
    let build = || {
        let kmers = EncodedKmers::new(keys, KMER_BITS);
        let sets = PackedBuffer::from_values(keys.iter().map(|&key| set_of(key)), SET_BITS);
        (kmers, sets)
    };
    let (kmers, sets) = build();
    let parts = PartitionParts {
        starts: &kmers.starts.bytes,
        lows: &kmers.lows.bytes,
        set_ids: &sets.bytes,
        count: keys.len() as u64,
        bucket_bits: kmers.bucket_bits,
        kmer_bits: KMER_BITS,
        colour_width: SET_BITS,
    };
    let view = PartitionView::<u64>::new(&parts).expect("whole");
    assert!(hits.iter().all(|&key| view.set_id(key).map(u64::from) == Some(set_of(key))));
    let bytes = parts.starts.len() + parts.lows.len() + parts.set_ids.len();
    let found = |keys: &[u64]| keys.iter().filter(|&&key| view.set_id(key).is_some()).count();
    println!(
        "buckets          {:8} k-mers: {:5.2} bits, build {:5.1}, in order {:5.1}, hit {:5.1}, miss {:5.1} ns",
        keys.len(),
        bytes as f64 * 8.0 / keys.len() as f64,
        fastest(keys.len(), build),
        fastest(keys.len(), || view.iter().map(|(key, set)| key ^ u64::from(set)).fold(0, |a, b| a ^ b)),
        fastest(hits.len(), || found(hits)),
        fastest(misses.len(), || found(misses)),
    );
}

fn filter(keys: &[u64], hits: &[u64], misses: &[u64]) {
    let set_of = |key: u64| key & ((1 << SET_BITS) - 1);
    let shape = Shape::for_slots(keys.len() as u64, KMER_BITS).expect("fits").with_value_bits(SET_BITS);
    let build = || {
        let mut builder = SortedBuilder::new(shape).expect("fits");
        for &key in keys {
            builder.push_entry(Entry { key, count: 1, value: set_of(key) }).expect("room");
        }
        builder.finish().expect("whole")
    };
    let filter: CountingFilter = build();
    assert!(hits.iter().all(|&key| filter.get(key).value == set_of(key)));
    let found = |keys: &[u64]| keys.iter().filter(|&&key| filter.contains(key)).count();
    println!(
        "quotient filter  {:8} k-mers: {:5.2} bits, build {:5.1}, in order {:5.1}, hit {:5.1}, miss {:5.1} ns",
        keys.len(),
        filter.size_bytes() as f64 * 8.0 / keys.len() as f64,
        fastest(keys.len(), build),
        fastest(keys.len(), || filter.iter().map(|entry| entry.key ^ entry.value).fold(0, |a, b| a ^ b)),
        fastest(hits.len(), || found(hits)),
        fastest(misses.len(), || found(misses)),
    );
}

#[test]
#[ignore = "a measurement, not a test"]
fn buckets_beside_quotient_filters() {
    for count in [1 << 16, 1 << 20, 1 << 23] {
        let keys = keys(count);
        let hits = shuffled(&keys);
        let misses: Vec<u64> =
            hits.iter().map(|key| key ^ 1).filter(|key| keys.binary_search(key).is_err()).collect();
        buckets(&keys, &hits, &misses);
        filter(&keys, &hits, &misses);
    }
}
