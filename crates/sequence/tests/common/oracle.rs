//! The naive oracle: sets of k-mers as text, compared one by one.

use std::collections::{BTreeMap, BTreeSet};

use stroma_sequence::{Hit, Outcome, Query, QueryResult};

use super::reverse_complement;

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
                hits.push(Hit {
                    sample: name.as_str().into(),
                    found,
                    share,
                    abundance: None,
                    positions: None,
                });
            }
        }
        hits.sort_by(|a, b| b.found.cmp(&a.found).then_with(|| a.sample.cmp(&b.sample)));
        result(needed, Outcome::Hits(hits))
    }
}
