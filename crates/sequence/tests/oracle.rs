//! An index must answer as a set of k-mers for each sample does: whatever k, cut-off, order of additions,
//! merges, removals and reopenings.

mod common;
#[path = "shared/filters.rs"]
mod filters;

use std::sync::Arc;

use common::*;
use proptest::prelude::*;
use stroma_sequence::{
    ColdLayers, Error, IndexOptions, Input, NoProgress, Outcome, Query, SearchOptions, SequenceIndex,
};
use stroma_strata::SetOptions;
use stroma_strata::storage::MemoryStorage;

/// Pieces of the genomes, changed more or less, and some that cannot be answered.
fn queries(random: &mut Random, genomes: &[Vec<u8>], k: usize) -> Vec<Query> {
    let mut queries = vec![
        Query::new("empty", ""),
        Query::new("short", "A".repeat(k - 1)),
        Query::new("unknown", "N".repeat(k + 40)),
        Query::new("foreign", random_genome(random, 300)),
        Query::new("repeat", "ACGT".repeat(30)),
    ];
    for number in 0..12 {
        let genome = &genomes[random.below(genomes.len())];
        let start = random.below(genome.len());
        let end = (start + 1 + random.below(400)).min(genome.len());
        let rate = [0, 5, 50][number % 3];
        queries.push(Query::new(format!("q{number}"), mutated(random, &genome[start..end], rate)));
    }
    queries
}

fn family(random: &mut Random, count: usize, length: usize) -> Vec<Vec<u8>> {
    let ancestor = random_genome(random, length);
    (0..count)
        .map(
            |_| {
                if random.chance(80) { mutated(random, &ancestor, 20) } else { random_genome(random, length) }
            },
        )
        .collect()
}

/// Which layers of the index are made cold, one choice after the other.
type Cold = &'static [ColdLayers];

const HOT: Cold = &[ColdLayers::Never];
const COLD: Cold = &[ColdLayers::Always];
const BOTH: Cold = &[ColdLayers::Always, ColdLayers::Never, ColdLayers::Always, ColdLayers::Automatic];

fn life_of_an_index(k: u8, minimum_count: u32, partitions: u32, seed: u64, cold: Cold) {
    let mut random = Random::new(seed);
    let storage = Arc::new(MemoryStorage::new());
    storage.set_mapped(seed.is_multiple_of(2));
    let mut index =
        create(&storage, IndexOptions { k, minimum_count, partitions, ..IndexOptions::default() });
    let mut oracle = Oracle { k: k.into(), minimum_count, ..Oracle::default() };
    let genomes = family(&mut random, 22, 700);
    let queries = queries(&mut random, &genomes, k.into());
    for (number, genome) in genomes.iter().enumerate() {
        let name = format!("sample {}", (number * 7) % 22);
        let cut = random.below(genome.len());
        let mut sequences = vec![genome[..cut].to_vec(), genome[cut..].to_vec()];
        sequences.retain(|sequence| !sequence.is_empty());
        if minimum_count > 1 {
            sequences.extend((1..minimum_count).map(|_| mutated(&mut random, genome, 10)));
        }
        index.set_cold_layers(cold[number % cold.len()]);
        add(&index, &name, &sequences).expect("room");
        oracle.add(&name, &sequences);
        if number % 5 == 3 {
            let gone = oracle.samples.keys().nth(random.below(oracle.samples.len())).cloned().expect("some");
            index.remove_sample(&gone).expect("it is there");
            oracle.samples.remove(&gone);
        }
        if number % 8 == 6 {
            drop(index);
            index = reopen(&storage);
        }
        if number % 6 == 5 {
            assert_agrees(&index, &oracle, &queries);
        }
    }
    assert_agrees(&index, &oracle, &queries);
    assert!(index.check().is_sound(), "{:?}", index.check());
    index.set_cold_layers(cold[0]);
    index.compact().expect("room");
    assert_agrees(&index, &oracle, &queries);
    let statistics = index.statistics();
    assert_eq!(statistics.layers.len(), 1);
    assert_eq!(statistics.layers[0].is_cold, cold[0] == ColdLayers::Always);
    assert_eq!(statistics.left_hot, None);
    assert!(index.check().is_sound(), "{:?}", index.check());
    assert_eq!(statistics.layers[0].samples, oracle.samples.len(), "removed colours go when all is merged");
    let distinct: std::collections::BTreeSet<_> = oracle.samples.values().flatten().collect();
    assert_eq!(statistics.kmers(), distinct.len() as u64);
    index.close().expect("room");
    assert_agrees(&reopen(&storage), &oracle, &queries);
}

/// Partitions of so many k-mers that they are filters, and a merge of them without a sample.
fn life_of_filters(k: u8, abundances: bool) {
    let mut random = Random::new(k.into());
    let storage = Arc::new(MemoryStorage::new());
    let options = IndexOptions { k, partitions: 1, abundances, ..IndexOptions::default() };
    let index = create(&storage, options);
    index.set_cold_layers(ColdLayers::Never);
    let mut oracle = Oracle { k: k.into(), minimum_count: 1, ..Oracle::default() };
    let genomes = family(&mut random, 3, 11_000);
    let queries = queries(&mut random, &genomes, k.into());
    for (number, genome) in genomes.iter().enumerate() {
        let (name, sequences) = (format!("sample {number}"), [genome.clone()]);
        add(&index, &name, &sequences).expect("room");
        oracle.add(&name, &sequences);
    }
    let is_sound = |index: &SequenceIndex, oracle: &Oracle| {
        filters::assert_are_filters(&storage);
        assert_agrees(index, oracle, &queries);
        assert!(index.check().is_sound(), "{:?}", index.check());
    };
    is_sound(&index, &oracle);
    index.remove_sample("sample 1").expect("it is there");
    oracle.samples.remove("sample 1");
    index.compact().expect("room");
    is_sound(&index, &oracle);
    index.close().expect("room");
    is_sound(&reopen(&storage), &oracle);
}

#[test]
fn filters() {
    life_of_filters(21, false);
    life_of_filters(13, true);
    life_of_filters(41, false);
}

#[test]
fn k_3() {
    life_of_an_index(3, 1, 4, 1, HOT);
}

#[test]
fn k_5_with_a_cut_off() {
    life_of_an_index(5, 3, 1, 2, HOT);
}

#[test]
fn k_15() {
    life_of_an_index(15, 1, 16, 3, HOT);
}

#[test]
fn k_21_with_a_cut_off() {
    life_of_an_index(21, 2, 8, 4, HOT);
}

#[test]
fn k_31() {
    life_of_an_index(31, 1, 64, 5, HOT);
}

#[test]
fn k_33() {
    life_of_an_index(33, 1, 4, 6, HOT);
}

#[test]
fn k_63_with_a_cut_off() {
    life_of_an_index(63, 2, 16, 7, HOT);
}

#[test]
fn cold_k_5() {
    life_of_an_index(5, 1, 4, 8, COLD);
    life_of_an_index(5, 1, 4, 9, BOTH);
}

#[test]
fn cold_k_23_with_a_cut_off() {
    life_of_an_index(23, 2, 16, 10, COLD);
    life_of_an_index(23, 1, 16, 11, BOTH);
}

#[test]
fn cold_k_31() {
    life_of_an_index(31, 1, 64, 12, COLD);
    life_of_an_index(31, 1, 1, 13, BOTH);
}

#[test]
fn cold_k_33_and_63() {
    life_of_an_index(33, 1, 4, 14, BOTH);
    life_of_an_index(63, 1, 8, 15, COLD);
    life_of_an_index(63, 1, 8, 16, BOTH);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_settings(half in 1u8..=31, minimum_count in 1u32..=2, bits in 0u32..=5, seed in any::<u64>()) {
        let k = usize::from(2 * half + 1);
        let mut random = Random::new(seed);
        let storage = Arc::new(MemoryStorage::new());
        let options =
            IndexOptions { k: k as u8, minimum_count, partitions: 1 << bits, ..IndexOptions::default() };
        let index = create(&storage, options);
        index.set_cold_layers(if seed % 2 == 0 { ColdLayers::Always } else { ColdLayers::Automatic });
        let mut oracle = Oracle { k, minimum_count, ..Oracle::default() };
        let genomes = family(&mut random, 6, 250);
        for (number, genome) in genomes.iter().enumerate() {
            let name = format!("s{number}");
            let sequences = [genome.clone(), mutated(&mut random, genome, 10)];
            add(&index, &name, &sequences).expect("room");
            oracle.add(&name, &sequences);
        }
        assert_agrees(&index, &oracle, &queries(&mut random, &genomes, k));
    }
}

#[test]
fn results_come_in_the_order_of_the_queries_over_many_batches() {
    let mut random = Random::new(77);
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, IndexOptions { k: 11, ..IndexOptions::default() });
    let genome = random_genome(&mut random, 2000);
    add(&index, "only", std::slice::from_ref(&genome)).expect("room");
    let queries: Vec<Query> =
        (0..3000).map(|n| Query::new(format!("{n}"), &genome[n % 1900..n % 1900 + 40])).collect();
    let results = search(&index, &queries, 100).expect("sound");
    assert_eq!(results.len(), queries.len());
    for (query, result) in queries.iter().zip(&results) {
        assert_eq!(query.name, result.name);
        assert!(matches!(&result.outcome, Outcome::Hits(hits) if hits.len() == 1));
    }
}

#[test]
fn top_keeps_the_best() {
    let mut random = Random::new(5);
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, IndexOptions { k: 11, ..IndexOptions::default() });
    let genome = random_genome(&mut random, 500);
    for (name, length) in [("half", 250), ("whole", 500), ("also whole", 500), ("bit", 50)] {
        add(&index, name, &[genome[..length].to_vec()]).expect("room");
    }
    let options = SearchOptions { threshold: 0.0, top: Some(3), ..SearchOptions::default() };
    let mut results = index.search([Ok(Query::new("q", genome))], options).expect("valid");
    let result = results.next().expect("one").expect("sound");
    let Outcome::Hits(hits) = result.outcome else { panic!("it has k-mers") };
    let names: Vec<&str> = hits.iter().map(|hit| &*hit.sample).collect();
    assert_eq!(names, ["also whole", "whole", "half"]);
}

#[test]
fn a_search_sees_the_index_as_it_was() {
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, IndexOptions { k: 5, ..IndexOptions::default() });
    add(&index, "before", &[b"ACGTTGCA".to_vec()]).expect("room");
    let mut results =
        index.search([Ok(Query::new("q", "ACGTTGCA"))], SearchOptions::default()).expect("valid");
    add(&index, "after", &[b"ACGTTGCA".to_vec()]).expect("room");
    index.remove_sample("before").expect("it is there");
    index.compact().expect("room");
    let Outcome::Hits(hits) = results.next().expect("one").expect("sound").outcome else { panic!("k-mers") };
    assert_eq!(hits.iter().map(|hit| &*hit.sample).collect::<Vec<_>>(), ["before"]);
}

#[test]
fn mistakes_are_named() {
    let storage = Arc::new(MemoryStorage::new());
    let options = SetOptions::default;
    let missing = SequenceIndex::open(storage.clone(), options()).expect_err("nothing there");
    assert!(matches!(missing, Error::NoIndex { .. }));
    for wrong in [
        IndexOptions { k: 32, ..IndexOptions::default() },
        IndexOptions { k: 65, ..IndexOptions::default() },
        IndexOptions { partitions: 3, ..IndexOptions::default() },
        IndexOptions { partitions: 8192, ..IndexOptions::default() },
        IndexOptions { minimum_count: 0, ..IndexOptions::default() },
    ] {
        assert!(SequenceIndex::create(storage.clone(), wrong, options()).is_err());
    }
    let index = create(&storage, IndexOptions { k: 5, ..IndexOptions::default() });
    add(&index, "a", &[b"ACGTTGCA".to_vec()]).expect("room");
    assert!(matches!(add(&index, "a", &[b"ACGT".to_vec()]), Err(Error::DuplicateSample { .. })));
    assert!(matches!(index.remove_sample("b"), Err(Error::UnknownSample { .. })));
    for name in ["", "tab\there", &"x".repeat(256)] {
        assert!(matches!(add(&index, name, &[b"ACGT".to_vec()]), Err(Error::InvalidName { .. })));
    }
    let bad = SearchOptions { threshold: 1.5, ..SearchOptions::default() };
    assert!(matches!(index.search(std::iter::empty(), bad).err(), Some(Error::InvalidThreshold { .. })));
    let broken = vec![Input::bytes("broken.fa", ">x\nAC!GT\n")];
    let error = index.add_sample("broken", broken, &NoProgress).expect_err("not a sequence");
    assert!(error.to_string().contains("broken.fa, line 2"), "{error}");
    assert_eq!(index.samples().len(), 1, "nothing of a failed addition is left");
    add(&index, "broken", &[b"ACGTTGCA".to_vec()]).expect("the name is free again");
    drop(index);
    let again = SequenceIndex::create(storage.clone(), IndexOptions::default(), options());
    assert!(matches!(again.err(), Some(Error::AlreadyExists { .. })));
}

#[test]
fn a_sample_without_a_kmer_is_an_error_that_says_why() {
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, IndexOptions { k: 5, ..IndexOptions::default() });
    for records in [vec![b"ACG".to_vec(), b"ACGT".to_vec()], vec![b"ACGTNACGT".to_vec()]] {
        let longest = records.iter().map(|record| record.len() as u64).max().expect("some");
        let error = add(&index, "short", &records).expect_err("no k-mer");
        let Error::NoKmers { records: told, longest: length, k: 5, .. } = error else { panic!("{error}") };
        assert_eq!((told, length), (records.len() as u64, longest));
    }
    assert!(index.samples().is_empty());
    add(&index, "mixed", &[b"ACG".to_vec(), b"ACGTTGCA".to_vec(), b"NNNNNNN".to_vec()])
        .expect("one has k-mers");
    let sample = index.sample("mixed").expect("added");
    assert_eq!((sample.records, sample.short_records), (3, 2));
}

#[test]
fn samples_whose_kmers_are_all_rare_are_kept_and_never_found() {
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, IndexOptions { k: 5, minimum_count: 2, ..IndexOptions::default() });
    add(&index, "rare", &[b"ACGTTGCA".to_vec()]).expect("room");
    let index = {
        drop(index);
        reopen(&storage)
    };
    assert_eq!(index.sample("rare").map(|sample| sample.indexed_kmers), Some(0));
    assert!(index.check().is_sound());
    index.remove_sample("rare").expect("it is there");
    assert!(index.samples().is_empty());
}
