//! Partitions in buckets beside quotient filters: a measurement, to be run by hand.
//!
//! `cargo test --release -p stroma-sequence --lib comparison -- --ignored --nocapture`

use std::hint::black_box;
use std::time::Instant;

use super::encode::{EncodedBuckets, filter};
use super::filtered::encode_sets;
use super::packed::width_for;
use super::partition::{PartitionForm, PartitionParts, PartitionView};
use super::writer::packed_sets;

const KMER_BITS: u32 = 46;

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

/// What belongs to a key: one of so many sets.
fn set_of(key: u64, sets: u64) -> u32 {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32 % sets as u32
}

fn measure(
    name: &str,
    keys: &[u64],
    sets: u64,
    encode: impl Fn(&[u32]) -> [Vec<u8>; 3],
    parts: &PartitionParts<'_>,
) {
    let hits = shuffled(keys);
    let misses: Vec<u64> =
        hits.iter().map(|key| key ^ 1).filter(|key| keys.binary_search(key).is_err()).collect();
    let chosen: Vec<u32> =
        if sets == 1 { Vec::new() } else { keys.iter().map(|&key| set_of(key, sets)).collect() };
    let [kmers, set_ids, starts] = encode(&chosen);
    let parts = PartitionParts { kmers: &kmers, set_ids: &set_ids, starts: &starts, ..*parts };
    let view = || PartitionView::<u64>::new(&parts).expect("whole");
    let mut ids = Vec::new();
    view().set_ids(&hits, &mut ids);
    assert!(hits.iter().zip(&ids).all(|(&key, &id)| id == Some(set_of(key, sets))));
    let bytes = kmers.len() + starts.len() + set_ids.len();
    let mut found = |keys: &[u64]| {
        ids.clear();
        view().set_ids(keys, &mut ids);
        ids.len()
    };
    println!(
        "{name} {:8} k-mers, {sets:5} sets: {:5.2} bits, build {:5.1}, in order {:5.1}, hit {:5.1}, miss {:5.1} ns",
        keys.len(),
        bytes as f64 * 8.0 / keys.len() as f64,
        fastest(keys.len(), || encode(&chosen)),
        fastest(keys.len(), || {
            let mut sum = 0;
            view().iter().each_below(None, |key, set| sum ^= key ^ u64::from(set));
            sum
        }),
        fastest(hits.len(), || found(&hits)),
        fastest(misses.len(), || found(&misses)),
    );
}

fn both(keys: &[u64], sets: u64) {
    let ids: Vec<u32> = (0..sets as u32).collect();
    let colour_width = width_for(sets - 1);
    let as_buckets = |chosen: &[u32]| {
        let buckets = EncodedBuckets::new(keys, KMER_BITS);
        [buckets.lows.bytes, packed_sets(keys.len(), chosen, &ids).bytes, buckets.starts.bytes]
    };
    let bucket_bits = EncodedBuckets::new(keys, KMER_BITS).bucket_bits;
    let [kmers, set_ids, starts] = [&[][..]; 3];
    let count = keys.len() as u64;
    let form = PartitionForm::Buckets;
    let parts = PartitionParts {
        form,
        kmers,
        set_ids,
        starts,
        count,
        bucket_bits,
        kmer_bits: KMER_BITS,
        colour_width,
    };
    measure("buckets", keys, sets, as_buckets, &parts);
    let as_filter = |chosen: &[u32]| {
        [filter(keys, chosen, sets - 1, KMER_BITS).expect("spread evenly"), encode_sets(&ids).0, Vec::new()]
    };
    measure(
        "filter ",
        keys,
        sets,
        as_filter,
        &PartitionParts { form: PartitionForm::Filter, bucket_bits: 0, ..parts },
    );
}

#[test]
#[ignore = "a measurement, not a test"]
fn buckets_beside_quotient_filters() {
    for count in [1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22] {
        for sets in [1, 500, 60_000] {
            both(&keys(count), sets);
        }
    }
}
