//! Many samples at once: several threads, little memory, from files or records, gone on with after a failure.

mod common;

use std::sync::Arc;

use common::*;
use stroma_sequence::{
    BuildResources, BulkReport, Error, IndexOptions, Input, NewSample, NoProgress, Query, SequenceIndex,
};
use stroma_strata::storage::{MemoryStorage, Storage};

const K: usize = 13;

fn options() -> IndexOptions {
    IndexOptions { k: K as u8, partitions: 8, ..IndexOptions::default() }
}

/// Relatives, and pieces of them to search for.
fn work(count: usize, length: usize) -> (Vec<Vec<u8>>, Vec<Query>) {
    let mut random = Random::new(31);
    let ancestor = random_genome(&mut random, length);
    let genomes: Vec<Vec<u8>> = (0..count).map(|_| mutated(&mut random, &ancestor, 20)).collect();
    let queries = genomes.iter().step_by(3).map(|genome| Query::new("q", &genome[20..150])).collect();
    (genomes, queries)
}

fn samples(genomes: &[Vec<u8>]) -> impl Iterator<Item = Result<NewSample, Error>> + Send {
    let sample = |(number, genome): (usize, &Vec<u8>)| {
        let name = format!("s{number}");
        Ok(NewSample::new(&name, vec![Input::bytes(&name, fasta(std::slice::from_ref(genome)))]))
    };
    genomes.iter().enumerate().map(sample).collect::<Vec<_>>().into_iter()
}

fn oracle(genomes: &[Vec<u8>]) -> Oracle {
    let mut oracle = Oracle { k: K, minimum_count: 1, ..Oracle::default() };
    for (number, genome) in genomes.iter().enumerate() {
        oracle.add(&format!("s{number}"), std::slice::from_ref(genome));
    }
    oracle
}

fn add_all(index: &SequenceIndex, genomes: &[Vec<u8>]) -> BulkReport {
    let report = index.add_samples(samples(genomes), false, &NoProgress).expect("room");
    assert!(report.merge_failure.is_none(), "{:?}", report.merge_failure);
    report
}

#[test]
fn threads_and_memory_change_nothing() {
    let (genomes, queries) = work(70, 600);
    let oracle = oracle(&genomes);
    let kmers: u64 = oracle.samples.values().map(|kmers| kmers.len() as u64).sum();
    for (threads, memory_bytes) in [(1, 1 << 30), (4, 1 << 30), (2, 100_000)] {
        let storage = Arc::new(MemoryStorage::new());
        let index = create(&storage, options());
        index.set_resources(BuildResources { threads, memory_bytes });
        let report = add_all(&index, &genomes);
        assert_eq!((report.added, report.skipped, report.indexed_kmers), (70, 0, kmers));
        assert!(storage.list("spill").expect("listed").is_empty());
        let layers = index.statistics().layers.len();
        // 64 were merged at once, then the rest; or, where that does not fit, four at a time.
        assert!(layers <= 9, "{layers}");
        let mut names: Vec<String> = index.samples().into_iter().map(|sample| sample.name).collect();
        names.sort();
        assert!(names.iter().eq(oracle.samples.keys()));
        assert_agrees(&index, &oracle, &queries);
        assert!(index.check().is_sound());
    }
}

#[test]
fn what_does_not_fit_the_memory_is_spilled() {
    let (genomes, queries) = work(3, 50_000);
    let built = |memory_bytes| {
        let storage = Arc::new(MemoryStorage::new());
        let index = create(&storage, options());
        index.set_resources(BuildResources { threads: 2, memory_bytes });
        add_all(&index, &genomes);
        (storage, index)
    };
    let without = built(1 << 30).0.operations();
    let (storage, index) = built(60_000);
    assert!(storage.operations() > without + 20, "nothing was spilled");
    assert!(storage.list("spill").expect("listed").is_empty());
    assert_agrees(&index, &oracle(&genomes), &queries);
    // As a crash would leave it.
    storage.put_if_absent("spill/00000000000000000007", b"left behind").expect("room");
    drop(index);
    let index = reopen(&storage);
    assert!(storage.list("spill").expect("listed").is_empty());
    assert!(index.check().is_sound());
}

#[test]
fn a_bulk_goes_on_where_it_failed() {
    let (genomes, queries) = work(12, 300);
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, options());
    index.set_resources(BuildResources { threads: 2, ..BuildResources::default() });
    let broken = std::iter::once(Ok(NewSample::new("s6", vec![Input::bytes("broken.fa", ">x\nAC!GT\n")])));
    let start = samples(&genomes[..6]).chain(broken).chain(samples(&genomes).skip(7));
    let error = index.add_samples(start, false, &NoProgress).expect_err("the seventh is broken");
    assert_eq!(error.sample.as_deref(), Some("s6"));
    assert!(error.to_string().contains("broken.fa, line 2"), "{error}");
    assert_eq!(error.report.added, index.samples().len());
    assert!(error.report.added >= 5, "those before it stay");
    let held = index.samples().len();
    let report = index.add_samples(samples(&genomes), true, &NoProgress).expect("whole now");
    assert_eq!((report.skipped, report.added), (held, 12 - held));
    assert_agrees(&index, &oracle(&genomes), &queries);
    let again = index.add_samples(samples(&genomes), false, &NoProgress).expect_err("they are there");
    assert!(matches!(*again.source, Error::DuplicateSample { .. }));
}

#[test]
fn each_record_may_be_a_sample() {
    let (genomes, queries) = work(9, 300);
    let mut text = String::new();
    for (number, genome) in genomes.iter().enumerate() {
        // A record of a name that a spreadsheet would not like, an empty line, and lines that end as in Windows.
        text += &format!(">s{number} words that are no name\r\n{}\r\n\r\n", String::from_utf8_lossy(genome));
    }
    let storage = Arc::new(MemoryStorage::new());
    let index = create(&storage, options());
    let reader = Input::bytes("all.fa", text.clone()).open().expect("FASTA");
    let report = index.add_samples(NewSample::from_records(reader), false, &NoProgress).expect("room");
    assert_eq!(report.added, 9);
    assert_agrees(&index, &oracle(&genomes), &queries);
    let twice = Input::bytes("twice.fa", ">new\nACGTTGCAAGCTTAGC\n>s3\nACGTTGCAAGCTTAGC\n");
    let twice = NewSample::from_records(twice.open().expect("FASTA"));
    let error = index.add_samples(twice, false, &NoProgress).expect_err("s3 is there");
    assert_eq!((error.sample.as_deref(), error.report.added), (Some("s3"), 1));
}

#[test]
fn a_disk_that_fills_at_any_point_of_a_bulk_leaves_an_index_of_what_was_added() {
    let (genomes, queries) = work(9, 400);
    let all = oracle(&genomes);
    let full = {
        let storage = Arc::new(MemoryStorage::new());
        add_all(&create(&storage, options()), &genomes);
        storage.used_bytes()
    };
    let mut merges_failed = 0;
    for part in (1..45).step_by(2) {
        let storage = Arc::new(MemoryStorage::new());
        let index = create(&storage, options());
        storage.set_capacity(Some(storage.used_bytes() + full * part / 8));
        let outcome = index.add_samples(samples(&genomes), false, &NoProgress);
        let added: Vec<String> = index.samples().into_iter().map(|sample| sample.name).collect();
        let report = match outcome {
            Ok(report) => report,
            Err(error) => {
                assert!(error.to_string().contains("no space is left"), "{error}");
                *error.report
            }
        };
        assert_eq!(report.added, added.len());
        merges_failed += usize::from(report.merge_failure.is_some() && report.added == 9);
        let mut expected = Oracle { k: K, minimum_count: 1, ..Oracle::default() };
        expected.samples = all.samples.clone().into_iter().filter(|(name, _)| added.contains(name)).collect();
        assert_agrees(&index, &expected, &queries);
        storage.set_capacity(None);
        assert!(index.check().is_sound());
        drop(index);
        let index = reopen(&storage);
        assert!(storage.list("spill").expect("listed").is_empty());
        index.add_samples(samples(&genomes), true, &NoProgress).expect("room again");
        assert_agrees(&index, &all, &queries);
    }
    assert!(merges_failed > 0, "the disk filled in the middle of a merge at least once");
}
