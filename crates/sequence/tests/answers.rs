//! What a search can tell beyond the number of k-mers: positions and abundances; and that threads change nothing.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::*;
use stroma_sequence::{
    ColdLayers, Error, Hit, IndexOptions, Outcome, Query, QueryResult, SearchOptions, SequenceIndex,
};
use stroma_strata::storage::MemoryStorage;

/// The level's beginning: 1, 2, 3, 4, 6, 8, 12 …
fn told(count: u32) -> f64 {
    let starts = (0..16).flat_map(|octave| [1_u32 << octave, 3 << octave]).chain([1]);
    f64::from(starts.filter(|start| *start <= count).max().expect("1 at least"))
}

fn search_with(index: &SequenceIndex, queries: &[Query], options: SearchOptions) -> Vec<QueryResult> {
    let results = index.search(queries.iter().cloned().map(Ok), options).expect("valid");
    results.map(|result| result.expect("sound")).collect()
}

/// For each sample how often each k-mer occurs in it.
type SampleCounts = BTreeMap<String, BTreeMap<Vec<u8>, u32>>;

/// Samples of which each has some genomes several times, in an index of few and many layers.
fn counted_index(k: u8, seed: u64) -> (SequenceIndex, SampleCounts, Vec<Query>) {
    let mut random = Random::new(seed);
    let storage = Arc::new(MemoryStorage::new());
    let index =
        create(&storage, IndexOptions { k, partitions: 4, abundances: true, ..IndexOptions::default() });
    let ancestor = random_genome(&mut random, 500);
    let mut counts = SampleCounts::new();
    for number in 0..11 {
        let mut sequences = Vec::new();
        for _ in 0..1 + random.below(3) {
            let relative = mutated(&mut random, &ancestor, 10);
            sequences.extend(std::iter::repeat_n(relative, 1 + random.below(9)));
        }
        let name = format!("s{number}");
        add(&index, &name, &sequences).expect("room");
        let own: &mut BTreeMap<Vec<u8>, u32> = counts.entry(name).or_default();
        for sequence in &sequences {
            naive_kmers(sequence, k.into())
                .into_iter()
                .for_each(|(kmer, n)| *own.entry(kmer).or_default() += n);
        }
    }
    let mut queries: Vec<Query> = (0..8)
        .map(|number| {
            let start = random.below(300);
            Query::new(format!("q{number}"), mutated(&mut random, &ancestor[start..start + 200], 15))
        })
        .collect();
    queries.push(Query::new("short", "AC"));
    queries.push(Query::new("twice", [&ancestor[..150], b"N", &ancestor[..150]].concat()));
    (index, counts, queries)
}

fn check_hit(hit: &Hit, query: &Query, counts: &BTreeMap<Vec<u8>, u32>, k: usize) {
    let held: BTreeMap<Vec<u8>, u32> = naive_kmers(&query.sequence, k)
        .into_keys()
        .filter_map(|kmer| counts.get(&kmer).map(|&count| (kmer, count)))
        .collect();
    assert_eq!(hit.found, held.len() as u64);
    let mean = held.values().map(|&count| told(count)).sum::<f64>() / held.len() as f64;
    let abundance = hit.abundance.expect("asked for");
    assert!((abundance - mean).abs() < 1e-9, "{abundance} for {mean}");
    let expected: Vec<u64> = (0..query.sequence.len().saturating_sub(k - 1))
        .filter(|&start| {
            naive_kmers(&query.sequence[start..start + k], k).keys().any(|kmer| held.contains_key(kmer))
        })
        .map(|start| start as u64)
        .collect();
    let stretches = hit.positions.as_ref().expect("asked for");
    assert!(stretches.iter().cloned().flatten().eq(expected));
    assert!(stretches.windows(2).all(|pair| pair[0].end < pair[1].start), "gaps between stretches");
}

#[test]
fn positions_and_abundances_are_those_of_the_naive_windows() {
    for (k, seed) in [(9, 1), (21, 2), (35, 3)] {
        let (index, counts, queries) = counted_index(k, seed);
        for compacted in [None, Some(ColdLayers::Never), Some(ColdLayers::Always)] {
            if let Some(cold_layers) = compacted {
                index.set_cold_layers(cold_layers);
                index.compact().expect("room");
                let is_cold = index.statistics().layers.iter().all(|layer| layer.is_cold);
                assert_eq!(is_cold, cold_layers == ColdLayers::Always);
            }
            let options = SearchOptions {
                threshold: 0.1,
                positions: true,
                abundances: true,
                ..SearchOptions::default()
            };
            let results = search_with(&index, &queries, options);
            let mut hits_checked = 0;
            for (query, result) in queries.iter().zip(&results) {
                let Outcome::Hits(hits) = &result.outcome else { continue };
                for hit in hits {
                    check_hit(hit, query, &counts[&*hit.sample], k.into());
                    hits_checked += 1;
                }
            }
            assert!(hits_checked > 20);
        }
        assert!(index.check().is_sound());
    }
}

#[test]
fn threads_change_nothing() {
    let (index, _, queries) = counted_index(15, 4);
    let many: Vec<Query> = (0..3000)
        .map(|number| Query { name: number.to_string(), ..queries[number % queries.len()].clone() })
        .collect();
    let one = search_with(&index, &many, SearchOptions::default());
    for threads in [2, 5] {
        assert_eq!(search_with(&index, &many, SearchOptions { threads, ..SearchOptions::default() }), one);
    }
}

#[test]
fn abundances_that_are_not_kept_cannot_be_told() {
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, IndexOptions { k: 5, ..IndexOptions::default() });
    assert!(!index.keeps_abundances());
    let options = SearchOptions { abundances: true, ..SearchOptions::default() };
    assert!(matches!(index.search(std::iter::empty(), options).err(), Some(Error::NoAbundances)));
}
