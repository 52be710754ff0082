//! Builds an index of the shipped genomes and searches it, against a hash set of k-mers for each sample.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stroma_sequence::kmer::{Geometry, Kmers};
use stroma_sequence::reader::open_path;
use stroma_sequence::{
    IndexOptions, Input, NoProgress, Outcome as Answer, Query, QueryResult, SearchOptions, SequenceIndex,
};
use stroma_strata::SetOptions;
use stroma_strata::storage::LocalStorage;

use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::{OURS, Samples, timed};
use crate::random::Random;

const NAIVE: &str = "HashSet a sample";
const QUERY_BASES: usize = 1000;

/// A sample of the collection.
struct Sample {
    name: String,
    path: PathBuf,
}

/// Measures building, searching and size; every answer is compared with the naive one.
pub(super) fn run(settings: &Settings) -> Outcome<Samples> {
    let mut samples = Samples::new("sequence");
    let collection = collection(settings)?;
    let options = IndexOptions::default();
    let geometry = Geometry::new(options.k, options.partitions.trailing_zeros() as u8)?;
    let queries = queries(settings, &collection)?;
    for _ in 0..settings.runs {
        let (sets, cost) = timed(|| collection.iter().map(|sample| kmers_of(sample, geometry)).collect())?;
        let sets: Vec<HashSet<u64>> = sets;
        samples.add("build", NAIVE, "seconds", cost.thread, "cpu s");
        let pairs: usize = sets.iter().map(HashSet::len).sum();
        // Seven of eight slots are usable, and each is a k-mer and a control byte.
        let bytes = sets.iter().map(HashSet::capacity).sum::<usize>() as f64 * 8.0 / 7.0 * 9.0;
        samples.add("size", NAIVE, "bytes", bytes / pairs as f64, "bytes a k-mer of a sample");
        let (expected, cost) = timed(|| Ok(naive_search(&sets, &queries, geometry)))?;
        let each = cost.thread * 1e6 / queries.len() as f64;
        samples.add("query of 1000 bases", NAIVE, "time", each, "µs");
        drop(sets);
        let answers = build_and_search(settings, &collection, &queries, pairs, &mut samples)?;
        let wrong = wrong_answers(&collection, &answers, &expected);
        samples.add("wrong answers", OURS, "count", wrong as f64, "answers");
        if wrong > 0 {
            return Err(format!("{wrong} answers differ from the naive ones").into());
        }
    }
    Ok(samples)
}

/// The genomes of `examples/`; in a quick run those of viruses and two bacteria.
fn collection(settings: &Settings) -> Outcome<Vec<Sample>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let list = std::fs::read_to_string(folder.join("samples.tsv"))?;
    let mut collection = Vec::new();
    for line in list.lines().skip(1) {
        let mut fields = line.split('\t');
        let (Some(name), Some(path), Some("genome")) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let is_small = name.starts_with("virus") || name.starts_with("phage") || name.contains("_F32");
        if is_small || name.contains("_G27") || !settings.quick {
            collection.push(Sample { name: name.to_owned(), path: folder.join(path) });
        }
    }
    Ok(collection)
}

/// Pieces of the samples, in turn, at drawn places.
fn queries(settings: &Settings, collection: &[Sample]) -> Outcome<Vec<Query>> {
    let count = settings.size(2000, 300) as usize;
    let mut random = Random(settings.seed);
    let mut queries = Vec::with_capacity(count);
    for sample in collection {
        let record = open_path(&sample.path)?.next().ok_or("a sample without a record")??;
        for _ in 0..count.div_ceil(collection.len()) {
            let start = random.below((record.sequence.len() - QUERY_BASES) as u64) as usize;
            let piece = &record.sequence[start..start + QUERY_BASES];
            queries.push(Query::new(queries.len().to_string(), piece));
        }
    }
    Ok(queries)
}

fn kmers_of(sample: &Sample, geometry: Geometry) -> Outcome<HashSet<u64>> {
    let mut kmers = HashSet::new();
    for record in open_path(&sample.path)? {
        kmers.extend(Kmers::<u64>::new(&record?.sequence, geometry).map(|at| at.kmer));
    }
    Ok(kmers)
}

/// For each query how many of its distinct k-mers each sample holds.
fn naive_search(sets: &[HashSet<u64>], queries: &[Query], geometry: Geometry) -> Vec<Vec<u64>> {
    let count = |query: &Query| {
        let kmers: HashSet<u64> = Kmers::<u64>::new(&query.sequence, geometry).map(|at| at.kmer).collect();
        sets.iter().map(|set| kmers.iter().filter(|kmer| set.contains(kmer)).count() as u64).collect()
    };
    queries.iter().map(count).collect()
}

fn build_and_search(
    settings: &Settings,
    collection: &[Sample],
    queries: &[Query],
    pairs: usize,
    samples: &mut Samples,
) -> Outcome<Vec<QueryResult>> {
    let folder = tempfile::tempdir_in(&settings.directory)?;
    let storage = Arc::new(LocalStorage::open(folder.path())?);
    let index = SequenceIndex::create(storage, IndexOptions::default(), SetOptions::default())?;
    let ((), cost) = timed(|| {
        for sample in collection {
            let report = index.add_sample(&sample.name, vec![Input::path(&sample.path)], &NoProgress)?;
            report.merge_failure.map_or(Ok(()), Err)?;
        }
        Ok(())
    })?;
    samples.add("build", OURS, "seconds", cost.thread, "cpu s");
    let bytes = index.statistics().bytes() as f64;
    samples.add("size", OURS, "bytes", bytes / pairs as f64, "bytes a k-mer of a sample");
    let search = || {
        let results = index.search(queries.iter().cloned().map(Ok), SearchOptions::default())?;
        Ok(results.collect::<Result<Vec<_>, _>>()?)
    };
    let (answers, cost) = timed(search)?;
    let each = cost.thread * 1e6 / queries.len() as f64;
    samples.add("query of 1000 bases", OURS, "time", each, "µs");
    index.close()?;
    Ok(answers)
}

/// Samples told that should not be, not told that should be, or told with another count.
fn wrong_answers(collection: &[Sample], answers: &[QueryResult], expected: &[Vec<u64>]) -> usize {
    let mut wrong = expected.len().abs_diff(answers.len());
    for (answer, expected) in answers.iter().zip(expected) {
        let hits = match &answer.outcome {
            Answer::Hits(hits) => hits.as_slice(),
            _ => &[],
        };
        for (sample, count) in collection.iter().zip(expected) {
            let found = hits.iter().find(|hit| *hit.sample == *sample.name).map(|hit| hit.found);
            let should = (*count >= answer.needed).then_some(*count);
            wrong += usize::from(found != should);
        }
    }
    wrong
}
