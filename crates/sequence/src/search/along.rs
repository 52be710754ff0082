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
const LEAST_KMERS: usize = 256;
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
                let end = sequence.len().min(start + most + overlap);
                pieces.go_on(Piece { query: number, search: layer.search(&sequence[start..end]) });
                if pieces.waiting.len() > MOST_WAITING {
                    pieces.turn();
                }
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

impl<W: Word> Pieces<'_, W> {
    /// Goes on with the piece that waits longest.
    fn turn(&mut self) {
        if let Some(piece) = self.waiting.pop_front() {
            self.go_on(piece);
        }
    }
}

impl<'s, W: Word> Pieces<'s, W> {
    /// Goes along a piece until there is something to wait for.
    fn go_on(&mut self, mut piece: Piece<'s, W>) {
        let query = &mut self.queries[piece.query as usize];
        loop {
            match piece.search.step() {
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
