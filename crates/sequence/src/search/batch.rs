//! Answers a handful of queries together: each partition of each layer is opened once, and its k-mers are
//! looked up in ascending order.

use super::threshold::needed;
use super::{Hit, Outcome, Query, QueryResult, SearchOptions};
use crate::Error;
use crate::kmer::{Geometry, KmerAt, Kmers};
use crate::layer::{ColourSet, Layer};
use crate::samples::SampleTable;

/// Most k-mers of a batch, except that a batch holds at least one query, whatever its length.
const MOST_KMERS: usize = 1 << 18;
/// Most queries of a batch.
const MOST_QUERIES: usize = 1 << 10;
/// Most counters (queries times samples) of a batch, except that a batch holds at least one query.
const MOST_COUNTERS: usize = 1 << 22;

/// Where wanted k-mers lie closer than this in a partition, seeking onward beats a look-up through the index.
const DENSE_DISTANCE: usize = 64;

/// Queries collected to be answered together.
pub(super) struct Batch {
    geometry: Geometry,
    most_queries: usize,
    /// Results without their hits, in order of the queries.
    results: Vec<QueryResult>,
    /// Distinct k-mers of each query, with its position in `results`.
    wanted: Vec<(KmerAt, u32)>,
}

impl Batch {
    pub(super) fn new(geometry: Geometry, samples: usize) -> Self {
        let most_queries = (MOST_COUNTERS / samples.max(1)).clamp(1, MOST_QUERIES);
        Batch { geometry, most_queries, results: Vec::new(), wanted: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.results.len() >= self.most_queries || self.wanted.len() >= MOST_KMERS
    }

    /// Takes a query in: its distinct canonical k-mers.
    pub(super) fn push(&mut self, query: Query, options: &SearchOptions) {
        let length = query.sequence.len() as u64;
        let k = self.geometry.k();
        let mut kmers: Vec<KmerAt> = Kmers::new(&query.sequence, self.geometry).collect();
        kmers.sort_unstable();
        kmers.dedup();
        let (outcome, needed) = if !kmers.is_empty() {
            (Outcome::Hits(Vec::new()), needed(kmers.len() as u64, options.threshold))
        } else if length < u64::from(k) {
            (Outcome::TooShort { length, k }, 0)
        } else {
            (Outcome::NoKmers, 0)
        };
        let position = self.results.len() as u32;
        let result = QueryResult { name: query.name, length, kmers: kmers.len() as u64, needed, outcome };
        self.results.push(result);
        self.wanted.extend(kmers.into_iter().map(|kmer| (kmer, position)));
    }

    /// Answers the queries, in their order.
    pub(super) fn answer<'a>(
        mut self,
        layers: impl Iterator<Item = &'a Layer>,
        samples: &SampleTable,
        options: &SearchOptions,
    ) -> Result<Vec<QueryResult>, Error> {
        self.wanted.sort_unstable();
        let mut counts = Counts::new(self.results.len(), samples.samples().len());
        for layer in layers {
            let mut found = self.look_up(layer)?;
            counts.add(layer, samples, &mut found)?;
        }
        for (position, result) in self.results.iter_mut().enumerate() {
            if let Outcome::Hits(hits) = &mut result.outcome {
                *hits = best_hits(counts.of(position), result.kmers, result.needed, samples, options.top);
            }
        }
        Ok(self.results)
    }

    /// Colour-set id and query of each wanted k-mer that the layer holds.
    fn look_up(&self, layer: &Layer) -> Result<Vec<(u32, u32)>, Error> {
        let mut found = Vec::new();
        for wanted in self.wanted.chunk_by(|(a, _), (b, _)| a.partition == b.partition) {
            let view = layer.partition(wanted[0].0.partition)?;
            if view.is_empty() {
                continue;
            }
            let dense = wanted.len() >= view.len() / DENSE_DISTANCE;
            let mut position = 0;
            for same in wanted.chunk_by(|(a, _), (b, _)| a.kmer == b.kmer) {
                let kmer = same[0].0.kmer;
                let set = if dense { view.set_id_onward(&mut position, kmer) } else { view.set_id(kmer) };
                if let Some(set) = set {
                    found.extend(same.iter().map(|&(_, query)| (set, query)));
                }
            }
        }
        Ok(found)
    }
}

/// For each query and each sample, how many k-mers were found.
struct Counts {
    counts: Vec<u32>,
    samples: usize,
}

impl Counts {
    fn new(queries: usize, samples: usize) -> Self {
        Counts { counts: vec![0; queries * samples], samples }
    }

    fn of(&self, query: usize) -> &[u32] {
        &self.counts[query * self.samples..][..self.samples]
    }

    /// Adds what one layer holds: every set is decoded once, then counted for all queries that met it.
    fn add(&mut self, layer: &Layer, samples: &SampleTable, found: &mut [(u32, u32)]) -> Result<(), Error> {
        // A colour without a sample belongs to one that was removed.
        let ranks: Vec<Option<usize>> = layer.samples().iter().map(|&id| samples.rank_of(id)).collect();
        let mut set = ColourSet::empty(0);
        let mut members = Vec::new();
        found.sort_unstable();
        for same_set in found.chunk_by(|a, b| a.0 == b.0) {
            layer.decode_set(same_set[0].0, &mut set)?;
            members.clear();
            members.extend(set.iter().filter_map(|colour| ranks[colour as usize]));
            for same_query in same_set.chunk_by(|a, b| a.1 == b.1) {
                let first = same_query[0].1 as usize * self.samples;
                let row = &mut self.counts[first..][..self.samples];
                members.iter().for_each(|&rank| row[rank] += same_query.len() as u32);
            }
        }
        Ok(())
    }
}

/// The samples with enough k-mers: most found first, equal ones by name.
fn best_hits(counts: &[u32], kmers: u64, needed: u64, samples: &SampleTable, top: Option<usize>) -> Vec<Hit> {
    let enough = counts.iter().zip(samples.samples()).filter(|(found, _)| u64::from(**found) >= needed);
    let mut hits: Vec<Hit> = enough
        .map(|(&found, sample)| {
            let share = f64::from(found) / kmers as f64;
            Hit { sample: sample.name.clone(), found: found.into(), share }
        })
        .collect();
    hits.sort_by(|a, b| b.found.cmp(&a.found).then_with(|| a.sample.cmp(&b.sample)));
    hits.truncate(top.unwrap_or(usize::MAX));
    hits
}
