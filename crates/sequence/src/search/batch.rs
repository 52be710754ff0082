//! Answers a handful of queries together. Each partition of each layer is opened once, and its k-mers are looked up in
//! ascending order; cold layers are searched along the queries.

use super::along::Along;
use super::counts::Counts;
use super::positions::add_positions;
use super::stream::Snapshot;
use super::threshold::needed;
use super::{Outcome, Query, QueryResult, SearchOptions};
use crate::Error;
use crate::kmer::{Kmers, Word, mixing};
use crate::layer::{Layer, Met};
use crate::unitig::Searcher;

/// Most bases of a batch, except that a batch holds at least one query, whatever its length.
const MOST_BASES: usize = 1 << 18;
/// Most queries of a batch.
const MOST_QUERIES: usize = 1 << 10;
/// Most counters (queries times samples) of a batch, except that a batch holds at least one query.
const MOST_COUNTERS: usize = 1 << 22;

/// Queries collected to be answered together.
pub(super) struct Batch {
    most_queries: usize,
    bases: usize,
    queries: Vec<Query>,
}

impl Batch {
    pub(super) fn new(samples: usize) -> Self {
        let most_queries = (MOST_COUNTERS / samples.max(1)).clamp(1, MOST_QUERIES);
        Batch { most_queries, bases: 0, queries: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.queries.len() >= self.most_queries || self.bases >= MOST_BASES
    }

    pub(super) fn push(&mut self, query: Query) {
        self.bases += query.sequence.len();
        self.queries.push(query);
    }

    /// Answers the queries, in their order.
    pub(super) fn answer(
        &self,
        snapshot: &Snapshot,
        options: &SearchOptions,
    ) -> Result<Vec<QueryResult>, Error> {
        if snapshot.geometry.is_wide() {
            self.answer_words::<u128>(snapshot, options)
        } else {
            self.answer_words::<u64>(snapshot, options)
        }
    }

    fn answer_words<W: Word>(
        &self,
        snapshot: &Snapshot,
        options: &SearchOptions,
    ) -> Result<Vec<QueryResult>, Error> {
        let layers: Vec<&Layer> = snapshot.version.layers().map(|layer| layer.layer()).collect();
        let is_all_cold = !layers.is_empty() && layers.iter().all(|layer| layer.is_cold());
        let wanted = (!is_all_cold).then(|| Wanted::<W>::new(&self.queries, snapshot));
        let mut distinct = wanted.as_ref().map(|wanted| wanted.distinct.clone());
        let mut counts = Counts::new(self.queries.len(), snapshot, options.abundances);
        for layer in layers {
            let counts_distinct = distinct.is_none();
            let along = |layer: &Searcher<'_>| Along::search::<W>(&self.queries, layer, counts_distinct);
            let met = match (layer.search_dictionary(self.bases, along)?, &wanted) {
                (Some(along), _) => {
                    distinct.get_or_insert(along.distinct);
                    along.met
                }
                (None, Some(wanted)) => wanted.look_up(layer)?,
                (None, None) => Vec::new(),
            };
            counts.add(layer, met)?;
        }
        let distinct = distinct.unwrap_or_default();
        let mut results = Vec::with_capacity(self.queries.len());
        for (position, query) in self.queries.iter().enumerate() {
            let length = query.sequence.len() as u64;
            let (kmers, k) = (distinct[position], snapshot.geometry.k());
            let (outcome, needed) = if kmers > 0 {
                let needed = needed(kmers, options.threshold);
                let mut hits = counts.best_hits(position, kmers, needed, options.top);
                if options.positions {
                    add_positions::<W>(&mut hits, &query.sequence, snapshot)?;
                }
                (Outcome::Hits(hits), needed)
            } else if length < u64::from(k) {
                (Outcome::TooShort { length, k }, 0)
            } else {
                (Outcome::NoKmers, 0)
            };
            results.push(QueryResult { name: query.name.clone(), length, kmers, needed, outcome });
        }
        Ok(results)
    }
}

/// The distinct mixed k-mers of some queries.
struct Wanted<W: Word> {
    /// For each partition the k-mers ascending, each tagged with the position of its query.
    partitions: Vec<Vec<W::Tagged>>,
    /// Distinct k-mers of each query.
    distinct: Vec<u64>,
}

impl<W: Word> Wanted<W> {
    fn new(queries: &[Query], snapshot: &Snapshot) -> Self {
        let geometry = snapshot.geometry;
        let mixing = mixing::<W>(geometry);
        let mut partitions: Vec<Vec<W::Tagged>> = vec![Vec::new(); geometry.partitions() as usize];
        for (position, query) in (0_u64..).zip(queries) {
            for at in Kmers::<W>::new(&query.sequence, geometry) {
                partitions[at.partition as usize].push(mixing.hash(at.kmer).tagged(position));
            }
        }
        let mut distinct = vec![0; queries.len()];
        for partition in &mut partitions {
            partition.sort_unstable();
            partition.dedup();
            partition.iter().for_each(|&tagged| distinct[W::untagged(tagged).1 as usize] += 1);
        }
        Wanted { partitions, distinct }
    }

    /// How often each query met each colour set of a layer in partitions.
    fn look_up(&self, layer: &Layer) -> Result<Vec<Met>, Error> {
        let mut found: Vec<u64> = Vec::new();
        let (mut kmers, mut sets): (Vec<W>, Vec<Option<u32>>) = (Vec::new(), Vec::new());
        for (partition, wanted) in (0_u32..).zip(&self.partitions).filter(|(_, wanted)| !wanted.is_empty()) {
            kmers.clear();
            kmers.extend(wanted.iter().map(|&tagged| W::untagged(tagged).0));
            kmers.dedup();
            sets.clear();
            layer.partition::<W>(partition)?.set_ids(&kmers, &mut sets);
            let mut at = 0;
            for (kmer, query) in wanted.iter().map(|&tagged| W::untagged(tagged)) {
                at += usize::from(kmers[at] != kmer);
                if let Some(set) = sets[at] {
                    found.push(u64::from(set) << 32 | query);
                }
            }
        }
        found.sort_unstable();
        Ok(found.chunk_by(|one, other| one == other).map(|same| (same[0], same.len() as u32)).collect())
    }
}
