//! An index in a directory, from compressed files, as the command line uses it.
#![allow(clippy::disallowed_methods, reason = "the test makes the user's files")]

mod common;

use std::io::Write;
use std::sync::Arc;

use common::*;
use stroma_sequence::reader::open_path;
use stroma_sequence::{Error, IndexOptions, Input, NoProgress, Outcome, Query, SearchOptions, SequenceIndex};
use stroma_strata::SetOptions;
use stroma_strata::storage::LocalStorage;

#[test]
fn compressed_files_in_and_queries_from_a_file() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut random = Random::new(3);
    let genomes: Vec<Vec<u8>> = (0..6).map(|_| random_genome(&mut random, 600)).collect();
    let storage = || Arc::new(LocalStorage::open(folder.path().join("index")).expect("a directory"));
    let options = IndexOptions { k: 21, ..IndexOptions::default() };
    let index = SequenceIndex::create(storage(), options, SetOptions::default()).expect("empty");
    for (number, genome) in genomes.iter().enumerate() {
        let path = folder.path().join(format!("{number}.fa.gz"));
        let file = std::fs::File::create(&path).expect("temporary file");
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        encoder.write_all(&fasta(std::slice::from_ref(genome))).expect("room");
        encoder.finish().expect("room");
        index.add_sample(&format!("s{number}"), vec![Input::path(path)], &NoProgress).expect("room");
    }
    let second = SequenceIndex::open(storage(), SetOptions::default()).expect_err("locked");
    assert!(matches!(second, Error::Set(_)), "{second}");
    index.close().expect("room");

    let queries = folder.path().join("queries.fasta");
    std::fs::write(&queries, fasta(&genomes)).expect("room");
    let index = SequenceIndex::open(storage(), SetOptions::default()).expect("an index");
    let queries = Query::from_reader(open_path(&queries).expect("FASTA"));
    let results =
        index.search(queries, SearchOptions { threshold: 1.0, ..SearchOptions::default() }).expect("valid");
    for (number, result) in results.enumerate() {
        let result = result.expect("sound");
        let Outcome::Hits(hits) = &result.outcome else { panic!("it has k-mers") };
        assert_eq!((hits.len(), hits[0].found), (1, 580));
        assert_eq!(&*hits[0].sample, format!("s{number}"));
    }
    assert!(index.check().is_sound());
    let missing = Input::path(folder.path().join("missing.fa"));
    let error = index.add_sample("missing", vec![missing], &NoProgress).expect_err("no file");
    assert!(error.to_string().contains("missing.fa: cannot open the file"), "{error}");
}
