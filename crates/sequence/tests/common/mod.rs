//! Small random genomes and the naive oracle: sets of k-mers as text, compared one by one.
#![allow(dead_code, unreachable_pub, reason = "each test file includes it and uses a part")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stroma_sequence::{
    Error, Hit, IndexOptions, Input, NoProgress, Outcome, Query, QueryResult, SearchOptions, SequenceIndex,
};
use stroma_strata::SetOptions;
use stroma_strata::storage::MemoryStorage;

/// A seeded source of numbers (the linear congruential generator of Knuth's MMIX).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

pub fn random_genome(random: &mut Random, length: usize) -> Vec<u8> {
    (0..length).map(|_| b"ACGT"[random.below(4)]).collect()
}

/// The genome with some bases changed, some unknown, in either case of letters and on either strand.
pub fn mutated(random: &mut Random, genome: &[u8], per_thousand: usize) -> Vec<u8> {
    let mut mutant = genome.to_vec();
    for base in &mut mutant {
        if random.below(1000) < per_thousand {
            *base = if random.chance(20) { b'N' } else { b"ACGTacgtRu"[random.below(10)] };
        }
    }
    if random.chance(50) { reverse_complement(&mutant) } else { mutant }
}

pub fn reverse_complement(sequence: &[u8]) -> Vec<u8> {
    let complement = |base: &u8| match base.to_ascii_uppercase() {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' | b'U' => b'A',
        _ => b'N',
    };
    sequence.iter().rev().map(complement).collect()
}

/// The canonical k-mers of a sequence as text, with their counts.
pub fn naive_kmers(sequence: &[u8], k: usize) -> BTreeMap<Vec<u8>, u32> {
    let mut kmers = BTreeMap::new();
    let plain: Vec<u8> = sequence
        .iter()
        .map(|base| base.to_ascii_uppercase())
        .map(|b| if b == b'U' { b'T' } else { b })
        .collect();
    for window in plain.windows(k).filter(|window| window.iter().all(|base| b"ACGT".contains(base))) {
        let canonical = window.to_vec().min(reverse_complement(window));
        *kmers.entry(canonical).or_default() += 1;
    }
    kmers
}

/// What an index should answer: for each sample its k-mers.
#[derive(Default)]
pub struct Oracle {
    pub k: usize,
    pub minimum_count: u32,
    pub samples: BTreeMap<String, BTreeSet<Vec<u8>>>,
}

impl Oracle {
    pub fn add(&mut self, name: &str, sequences: &[Vec<u8>]) {
        let mut counts: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        for sequence in sequences {
            naive_kmers(sequence, self.k)
                .into_iter()
                .for_each(|(kmer, n)| *counts.entry(kmer).or_default() += n);
        }
        let frequent = counts.into_iter().filter(|(_, n)| *n >= self.minimum_count);
        self.samples.insert(name.to_owned(), frequent.map(|(kmer, _)| kmer).collect());
    }

    pub fn answer(&self, query: &Query, threshold_percent: u64) -> QueryResult {
        let kmers: BTreeSet<Vec<u8>> = naive_kmers(&query.sequence, self.k).into_keys().collect();
        let (length, distinct) = (query.sequence.len() as u64, kmers.len() as u64);
        let result = |needed, outcome| QueryResult {
            name: query.name.clone(),
            length,
            kmers: distinct,
            needed,
            outcome,
        };
        if length < self.k as u64 {
            return result(0, Outcome::TooShort { length, k: self.k as u8 });
        }
        if kmers.is_empty() {
            return result(0, Outcome::NoKmers);
        }
        let needed = (threshold_percent * distinct).div_ceil(100).max(1);
        let mut hits: Vec<Hit> = Vec::new();
        for (name, sample) in &self.samples {
            let found = kmers.intersection(sample).count() as u64;
            if found >= needed {
                let share = found as f64 / distinct as f64;
                hits.push(Hit { sample: name.as_str().into(), found, share });
            }
        }
        hits.sort_by(|a, b| b.found.cmp(&a.found).then_with(|| a.sample.cmp(&b.sample)));
        result(needed, Outcome::Hits(hits))
    }
}

pub fn fasta(sequences: &[Vec<u8>]) -> Vec<u8> {
    let mut text = Vec::new();
    for (number, sequence) in sequences.iter().enumerate() {
        text.extend_from_slice(format!(">record{number} some words\n").as_bytes());
        for line in sequence.chunks(60) {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
    }
    text
}

pub fn add(index: &SequenceIndex, name: &str, sequences: &[Vec<u8>]) -> Result<(), Error> {
    let report = index.add_sample(name, vec![Input::bytes(name, fasta(sequences))], &NoProgress)?;
    report.merge_failure.map_or(Ok(()), Err)
}

pub fn create(storage: &Arc<MemoryStorage>, options: IndexOptions) -> SequenceIndex {
    SequenceIndex::create(storage.clone(), options, SetOptions::default()).expect("an empty storage")
}

pub fn reopen(storage: &Arc<MemoryStorage>) -> SequenceIndex {
    SequenceIndex::open(storage.clone(), SetOptions::default()).expect("an index")
}

pub fn search(
    index: &SequenceIndex,
    queries: &[Query],
    threshold_percent: u64,
) -> Result<Vec<QueryResult>, Error> {
    let threshold = format!("{}.{:02}", threshold_percent / 100, threshold_percent % 100);
    let options = SearchOptions { threshold: threshold.parse().expect("a number"), top: None };
    index.search(queries.iter().cloned().map(Ok), options)?.collect()
}

/// Searches for all queries at all thresholds and compares with the oracle.
pub fn assert_agrees(index: &SequenceIndex, oracle: &Oracle, queries: &[Query]) {
    for threshold in [0, 30, 50, 80, 100] {
        let found = search(index, queries, threshold).expect("a sound index");
        let expected: Vec<QueryResult> =
            queries.iter().map(|query| oracle.answer(query, threshold)).collect();
        assert_eq!(found, expected, "threshold {threshold} %");
    }
}
