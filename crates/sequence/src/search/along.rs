//! Goes along queries in the strings of a cold layer, in many places at once: while one waits for what must be read,
//! others go on, and what they all need is read together.

use std::collections::VecDeque;

use super::Query;
use crate::kmer::Word;
use crate::layer::Met;
use crate::unitig::{Search, Searcher, Step};

/// Queries are cut into that many pieces at least,
const LEAST_PIECES: usize = 64;
/// of that many k-mers at least: each begins with a look-up that one who comes along a string need not make.
const LEAST_KMERS: usize = 128;
/// Most pieces that wait at a time.
const MOST_WAITING: usize = 256;

/// What a cold layer holds of some queries.
pub(super) struct Along {
    /// How often each query met each colour set, mostly.
    pub(super) met: Vec<Met>,
    /// Distinct k-mers of each query; empty where not asked for.
    pub(super) distinct: Vec<u64>,
}

impl Along {
    /// Searches for queries, and counts their distinct k-mers if that is asked for.
    pub(super) fn search<W: Word>(queries: &[Query], layer: &Searcher<'_>, counts_distinct: bool) -> Self {
        let bases: usize = queries.iter().map(|query| query.sequence.len()).sum();
        let (most, overlap) = ((bases / LEAST_PIECES).max(LEAST_KMERS), usize::from(layer.k()) - 1);
        let mut pieces = Pieces::<W> {
            queries: Vec::new(),
            waiting: VecDeque::new(),
            along: Along { met: Vec::new(), distinct: Vec::new() },
            counts_distinct,
        };
        if counts_distinct {
            pieces.along.distinct.resize(queries.len(), 0);
        }
        for (number, query) in (0_u32..).zip(queries) {
            let sequence = &query.sequence[..];
            let kmers = sequence.len().saturating_sub(overlap);
            let (found, missing, left) = (Vec::with_capacity(kmers), Vec::new(), kmers.div_ceil(most));
            pieces.queries.push(OfQuery { found, missing, left });
            for start in (0..kmers).step_by(most) {
                while pieces.waiting.len() >= MOST_WAITING {
                    pieces.turn();
                }
                let end = sequence.len().min(start + most + overlap);
                pieces.go_on(Piece { query: number, search: layer.search(&sequence[start..end]) }, None);
            }
        }
        while !pieces.waiting.is_empty() {
            pieces.turn();
        }
        pieces.along
    }
}

/// A part of a query, and how far it was searched for.
struct Piece<'s, W> {
    query: u32,
    search: Search<'s, W>,
}

/// What is known of a query.
struct OfQuery<W> {
    /// Where its k-mers are that were found, and their colour sets.
    found: Vec<(u64, u32)>,
    /// Those that are not there, canonical, where they are counted.
    missing: Vec<W>,
    /// Pieces that have not come to their end.
    left: usize,
}

/// A search under way.
struct Pieces<'s, W> {
    queries: Vec<OfQuery<W>>,
    /// The one that waits longest is in front.
    waiting: VecDeque<Piece<'s, W>>,
    along: Along,
    counts_distinct: bool,
}

impl<'s, W: Word> Pieces<'s, W> {
    /// Goes on with the piece that waits longest.
    fn turn(&mut self) {
        if let Some(mut piece) = self.waiting.pop_front() {
            let step = piece.search.again();
            self.go_on(piece, Some(step));
        }
    }

    /// Goes along a piece, from what a step of it came to that was made again, until there is something to wait for.
    fn go_on(&mut self, mut piece: Piece<'s, W>, mut made: Option<Step>) {
        let query = &mut self.queries[piece.query as usize];
        loop {
            match made.take().unwrap_or_else(|| piece.search.step()) {
                Step::At(at) => match at.found {
                    Some(at) => query.found.push((at.position, at.colour)),
                    None if self.counts_distinct => query.missing.push(piece.search.canonical()),
                    None => {}
                },
                Step::Awaiting => return self.waiting.push_back(piece),
                Step::End => break,
            }
        }
        query.left -= 1;
        if query.left == 0 {
            self.finish(piece.query);
        }
    }

    /// Adds up what is known of a query, all of which was searched for.
    fn finish(&mut self, number: u32) {
        let OfQuery { found, missing, .. } = &mut self.queries[number as usize];
        let (mut found, mut missing) = (std::mem::take(found), std::mem::take(missing));
        // Equal k-mers are at one position. Mostly these are a few stretches that ascend or descend, which this sort
        // makes use of.
        found.sort();
        found.dedup();
        // Neighbours in a string mostly have one set.
        let runs = found.chunk_by(|one, other| one.1 == other.1);
        let met = runs.map(|run| (u64::from(run[0].1) << 32 | u64::from(number), run.len() as u32));
        self.along.met.extend(met);
        if self.counts_distinct {
            missing.sort_unstable();
            missing.dedup();
            self.along.distinct[number as usize] = (found.len() + missing.len()) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::kmer::{Geometry, Kmers};
    use crate::layer::paged::Awaited;
    use crate::noise::noise;
    use crate::unitig::{DictionaryBuilder, UnitigDictionary};

    fn kmers(sequence: &[u8]) -> BTreeSet<u64> {
        let geometry = Geometry::new(15, 0).expect("valid");
        Kmers::<u64>::new(sequence, geometry).map(|at| at.kmer).collect()
    }

    #[test]
    fn pieces_of_queries_answer_as_the_whole() {
        let mut state = 4;
        let mut random =
            |length| -> Vec<u8> { (0..length).map(|_| b"ACGT"[noise(&mut state) as usize % 4]).collect() };
        let genome = random(20_000);
        let held: Vec<(u64, u32)> = kmers(&genome).into_iter().map(|kmer| (kmer, kmer as u32 % 3)).collect();
        let mut builder = DictionaryBuilder::<u64>::new(15).expect("odd");
        builder.add(&held).expect("canonical");
        let (bytes, awaited) = (builder.finish().expect("small"), Awaited::default());
        let layer = Searcher::new(UnitigDictionary::open(&bytes).expect("just built"), &awaited);
        let held: BTreeMap<u64, u32> = held.into_iter().collect();
        // Longer than all pieces, and one base around what a piece has.
        let lengths = [0, 14, 15, 141, 142, 143, 144, 1000, 12_345];
        let queries: Vec<Query> = lengths
            .iter()
            .map(|&length| {
                let repeated = &genome[..length.min(60)];
                Query::new("", [&genome[500..500 + length], &random(length), b"N", repeated].concat())
            })
            .collect();
        let along = Along::search::<u64>(&queries, &layer, true);
        let mut met: BTreeMap<u64, u32> = BTreeMap::new();
        along.met.iter().for_each(|&(key, times)| *met.entry(key).or_default() += times);
        let mut expected: BTreeMap<u64, u32> = BTreeMap::new();
        for (number, query) in (0_u64..).zip(&queries) {
            let wanted = kmers(&query.sequence);
            assert_eq!(along.distinct[number as usize], wanted.len() as u64);
            for set in wanted.iter().filter_map(|kmer| held.get(kmer)) {
                *expected.entry(u64::from(*set) << 32 | number).or_default() += 1;
            }
        }
        assert_eq!(met, expected);
        let uncounted = Along::search::<u64>(&queries, &layer, false);
        assert!(uncounted.distinct.is_empty() && uncounted.met == along.met);
    }
}
