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
    /// Most pieces that waited at a time.
    #[cfg(test)]
    most_waited: usize,
}

impl Along {
    /// Searches for queries, and counts their distinct k-mers if that is asked for.
    pub(super) fn search<W: Word>(queries: &[Query], layer: &Searcher<'_>, counts_distinct: bool) -> Self {
        Self::search_waiting::<W>(queries, layer, counts_distinct, MOST_WAITING)
    }

    /// The same with a number of pieces that may wait at a time.
    fn search_waiting<W: Word>(
        queries: &[Query],
        layer: &Searcher<'_>,
        counts_distinct: bool,
        most_waiting: usize,
    ) -> Self {
        let bases: usize = queries.iter().map(|query| query.sequence.len()).sum();
        let (most, overlap) = ((bases / LEAST_PIECES).max(LEAST_KMERS), usize::from(layer.k()) - 1);
        let mut pieces = Pieces::<W> {
            queries: Vec::new(),
            waiting: VecDeque::new(),
            along: Along {
                met: Vec::new(),
                distinct: Vec::new(),
                #[cfg(test)]
                most_waited: 0,
            },
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
                while pieces.waiting.len() >= most_waiting {
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
                Step::Awaiting => return self.wait(piece),
                Step::End => break,
            }
        }
        query.left -= 1;
        if query.left == 0 {
            self.finish(piece.query);
        }
    }

    fn wait(&mut self, piece: Piece<'s, W>) {
        self.waiting.push_back(piece);
        #[cfg(test)]
        {
            self.along.most_waited = self.along.most_waited.max(self.waiting.len());
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
    use std::sync::Arc;

    use stroma_strata::SetOptions;
    use stroma_strata::storage::{MemoryStorage, Storage};

    use super::*;
    use crate::kmer::{Geometry, Kmers};
    use crate::layer::paged::Awaited;
    use crate::layer::{ColdLayers, Layer};
    use crate::noise::noise;
    use crate::unitig::{DictionaryBuilder, UnitigDictionary};
    use crate::{IndexOptions, Input, NoProgress, SequenceIndex};

    const K: usize = 15;

    fn kmers(sequence: &[u8]) -> BTreeSet<u64> {
        let geometry = Geometry::new(K as u8, 0).expect("valid");
        Kmers::<u64>::new(sequence, geometry).map(|at| at.kmer).collect()
    }

    fn random(length: usize, state: &mut u64) -> Vec<u8> {
        (0..length).map(|_| b"ACGT"[noise(state) as usize % 4]).collect()
    }

    fn answers_as_the_whole(queries: &[Query], layer: &Searcher<'_>, held: &BTreeMap<u64, u32>) {
        let along = Along::search::<u64>(queries, layer, true);
        let mut met: BTreeMap<u64, u32> = BTreeMap::new();
        along.met.iter().for_each(|&(key, times)| *met.entry(key).or_default() += times);
        let mut expected: BTreeMap<u64, u32> = BTreeMap::new();
        for (number, query) in (0_u64..).zip(queries) {
            let wanted = kmers(&query.sequence);
            assert_eq!(along.distinct[number as usize], wanted.len() as u64);
            for set in wanted.iter().filter_map(|kmer| held.get(kmer)) {
                *expected.entry(u64::from(*set) << 32 | number).or_default() += 1;
            }
        }
        assert_eq!(met, expected);
        let uncounted = Along::search::<u64>(queries, layer, false);
        assert!(uncounted.distinct.is_empty() && uncounted.met == along.met);
    }

    #[test]
    fn pieces_of_queries_answer_as_the_whole() {
        let mut state = 4;
        let genome = random(20_000, &mut state);
        let held: Vec<(u64, u32)> = kmers(&genome).into_iter().map(|kmer| (kmer, kmer as u32 % 3)).collect();
        let mut builder = DictionaryBuilder::<u64>::new(K as u8).expect("odd");
        builder.add(&held).expect("canonical");
        let (bytes, awaited) = (builder.finish().expect("small"), Awaited::default());
        let layer = Searcher::new(UnitigDictionary::open(&bytes).expect("just built"), &awaited);
        let held: BTreeMap<u64, u32> = held.into_iter().collect();
        let of = |sequence: Vec<u8>| Query::new("", sequence);
        // Too short, short, and longer than all pieces, with what is not there and what is there twice.
        let lengths = [0, 14, 15, 142, 1000, 12_345];
        let mixed = lengths.map(|length| {
            let (there, repeated) = (&genome[500..500 + length], &genome[..length.min(60)]);
            of([there, &random(length, &mut state), b"N", repeated].concat())
        });
        answers_as_the_whole(&mixed, &layer, &held);
        // One k-mer around what some pieces have: as many as they have at least, in so few queries.
        let around = [1, 2, 3].map(|pieces| [-1, 0, 1].map(|more| pieces * LEAST_KMERS as isize + more));
        let around: Vec<Query> = around
            .iter()
            .flatten()
            .map(|&kmers| of(genome[700..700 + kmers as usize + K - 1].to_vec()))
            .collect();
        let bases: usize = around.iter().map(|query| query.sequence.len()).sum();
        assert!(bases / LEAST_PIECES <= LEAST_KMERS);
        answers_as_the_whole(&around, &layer, &held);
    }

    /// The only layer of an index of some genomes, cold and not touched yet.
    fn cold_layer(genomes: &[Vec<u8>]) -> Layer {
        let storage = Arc::new(MemoryStorage::new());
        storage.set_mapped(true);
        let options = IndexOptions { k: K as u8, partitions: 4, ..IndexOptions::default() };
        let index = SequenceIndex::create(storage.clone(), options, SetOptions::default()).expect("empty");
        index.set_cold_layers(ColdLayers::Always);
        for (number, genome) in genomes.iter().enumerate() {
            let record = [b">r\n", &genome[..]].concat();
            let input = Input::bytes("r.fa", record);
            index.add_sample(&number.to_string(), vec![input], &NoProgress).expect("sound");
        }
        index.compact().expect("room");
        index.close().expect("room");
        let layers = storage.list("layers").expect("listed");
        let layers = layers
            .iter()
            .map(|entry| Layer::open(storage.open(&entry.name).expect("listed")).expect("just written"));
        layers.into_iter().find(Layer::is_cold).expect("one is cold")
    }

    #[test]
    fn pieces_that_wait_answer_as_those_that_do_not() {
        let mut state = 9;
        let common = random(100_000, &mut state);
        let genomes = [0, 1].map(|_| [&common[..], &random(100_000, &mut state)].concat());
        // More pieces than may wait at a time; the first ones come again, in other pieces and queries.
        let mut queries: Vec<Query> =
            (0..300).map(|number| Query::new("", &genomes[number % 2][number * 600..][..400])).collect();
        queries.push(Query::new(
            "",
            [&genomes[0][..3000], &random(500, &mut state), &genomes[0][..3000]].concat(),
        ));
        let held: BTreeSet<u64> = genomes.iter().flat_map(|genome| kmers(genome)).collect();
        for (most_waiting, waits) in [(1, 1), (3, 3), (MOST_WAITING, 4)] {
            let layer = cold_layer(&genomes);
            let search = || {
                let along = |searcher: &Searcher<'_>| {
                    Along::search_waiting::<u64>(&queries, searcher, true, most_waiting)
                };
                let mut found = layer.search_dictionary(0, along).expect("sound").expect("cold");
                found.met.sort_unstable();
                found
            };
            let (first, again) = (search(), search());
            assert!((waits..=most_waiting).contains(&first.most_waited), "{} waited", first.most_waited);
            assert_eq!(again.most_waited, 0, "everything was read");
            assert_eq!((&first.met, &first.distinct), (&again.met, &again.distinct));
            for (number, query) in queries.iter().enumerate() {
                let wanted = kmers(&query.sequence);
                assert_eq!(first.distinct[number], wanted.len() as u64);
                let met = first.met.iter().filter(|(key, _)| *key as u32 == number as u32);
                let met: u32 = met.map(|&(_, times)| times).sum();
                assert_eq!(met as usize, wanted.intersection(&held).count());
            }
        }
    }
}
