//! Complete genomes, where `cargo xtask genomes` has fetched them (or `STROMA_GENOMES` names their folder): the numbers
//! of distinct k-mers are those of a plain count, and those that other tools tell.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it reads files, and says what it skips")]

#[path = "../examples/figures/plain_count.rs"]
mod plain_count;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plain_count::plain_count;
use stroma_sequence::{BuildResources, IndexOptions, Input, NewSample, NoProgress, SequenceIndex};
use stroma_strata::SetOptions;
use stroma_strata::storage::LocalStorage;

/// The genomes whose names begin so; none if there are none, which is said.
fn genomes(start: &str) -> Option<Vec<PathBuf>> {
    let folder = std::env::var_os("STROMA_GENOMES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/genomes"), PathBuf::from);
    let mut files: Vec<PathBuf> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    let is_wanted = |file: &Path| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with(start) && name.ends_with(".fa")
    };
    files.retain(|file| is_wanted(file));
    files.sort();
    if files.is_empty() {
        println!("skipped: no genomes in {}; `cargo xtask genomes` fetches them", folder.display());
        return None;
    }
    Some(files)
}

/// Distinct k-mers of an index of the files, built on two threads and merged into one layer.
fn indexed(files: &[PathBuf], k: u8, memory_bytes: u64) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Arc::new(LocalStorage::open(folder.path()).expect("a storage"));
    let options = IndexOptions { k, ..IndexOptions::default() };
    let index = SequenceIndex::create(storage, options, SetOptions::default()).expect("empty");
    index.set_resources(BuildResources { threads: 2, memory_bytes });
    let sample = |file: &PathBuf| Ok(NewSample::new(file.to_string_lossy(), vec![Input::path(file)]));
    let report = index.add_samples(files.iter().map(sample), false, &NoProgress).expect("sound files");
    assert!(report.merge_failure.is_none(), "{:?}", report.merge_failure);
    index.compact().expect("room");
    assert!(index.check().is_sound());
    assert_eq!(index.statistics().layers.len(), 1);
    index.statistics().kmers()
}

#[test]
fn one_genome_has_the_kmers_of_a_plain_count() {
    let Some(files) = genomes("H_pylori_G27") else { return };
    for k in [23, 47] {
        assert_eq!(
            indexed(&files, k, 4 << 20),
            plain_count::<u128>(&files, k.into()).expect("text"),
            "k {k}"
        );
    }
}

#[test]
#[ignore = "builds from 125 million bases; run it in a release build"]
fn all_genomes_have_the_kmers_that_other_tools_count() {
    let Some(files) = genomes("") else { return };
    assert_eq!(files.len(), 34);
    assert_eq!(indexed(&files, 23, 256 << 20), 41_869_885);
}
