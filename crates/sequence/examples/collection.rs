//! Builds an index of a folder of FASTA files, one sample a file, and prints what it costs in processor time, memory
//! and space; then searches it. `cargo xtask genomes` fetches the 34 genomes that the figures are told of.
//!
//! `cargo run --release -p stroma-sequence --example collection -- target/genomes [--k 23] [--threads 2]
//! [--memory-mb 2048] [--queries 1000] [--partitions 64] [--abundances] [--count] [--cold auto | always | never]`
//!
//! `--count` counts the distinct k-mers once more by sorting all of them, which takes eight bytes for each (k to 31).
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement reads files, takes the time and prints it"
)]

#[path = "figures/plain_count.rs"]
mod plain_count;
#[path = "figures/process.rs"]
mod process;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use plain_count::plain_count;
use process::{peak_memory, processor};
use stroma_sequence::reader::{open_path, sample_name};
use stroma_sequence::{
    BuildResources, ColdLayers, IndexOptions, Input, NewSample, NoProgress, Outcome, Query, SearchOptions,
    SequenceIndex,
};
use stroma_strata::SetOptions;
use stroma_strata::storage::LocalStorage;

const QUERY_BASES: usize = 1000;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Settings {
    files: Vec<PathBuf>,
    k: u8,
    threads: usize,
    memory_mb: u64,
    queries: usize,
    partitions: u32,
    abundances: bool,
    count: bool,
    cold: ColdLayers,
}

fn settings() -> Result<Settings> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, otherwise: u64| -> Result<u64> {
        match words.iter().position(|word| word == name) {
            Some(at) => Ok(words.get(at + 1).ok_or("an option lacks its value")?.parse()?),
            None => Ok(otherwise),
        }
    };
    let folder = words.first().ok_or("name a folder of FASTA files")?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.to_string_lossy().contains(".f"));
    files.sort();
    Ok(Settings {
        files,
        k: number("--k", 23)? as u8,
        threads: number("--threads", 1)? as usize,
        memory_mb: number("--memory-mb", 2048)?,
        queries: number("--queries", 1000)? as usize,
        partitions: number("--partitions", 64)? as u32,
        abundances: words.iter().any(|word| word == "--abundances"),
        count: words.iter().any(|word| word == "--count"),
        cold: match words.iter().position(|word| word == "--cold").and_then(|at| words.get(at + 1)) {
            None => ColdLayers::Automatic,
            Some(word) => match word.as_str() {
                "auto" => ColdLayers::Automatic,
                "always" => ColdLayers::Always,
                "never" => ColdLayers::Never,
                _ => return Err("--cold takes auto, always or never".into()),
            },
        },
    })
}

/// Runs a piece of work and prints what it took.
fn measured<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let (before, start) = (processor(), Instant::now());
    let outcome = work()?;
    let (real, processor, peak) = (start.elapsed().as_secs_f64(), processor() - before, peak_memory());
    println!("{what}: {processor:.2} s of processor, {real:.2} s real; at most {peak:.0} MB so far");
    Ok(outcome)
}

fn report(index: &SequenceIndex) {
    if let Some(left_hot) = index.statistics().left_hot {
        println!("  not cold for want of memory: {left_hot:?}");
    }
    for layer in &index.statistics().layers {
        println!(
            "  level {}{}: {} samples, {} k-mers, {:.1} MB, {:.1} bits a k-mer, {} colour sets in {:.1} MB",
            layer.level,
            if layer.is_cold { ", cold" } else { "" },
            layer.samples,
            layer.kmers,
            layer.bytes as f64 / 1e6,
            layer.bytes as f64 * 8.0 / layer.kmers.max(1) as f64,
            layer.colour_sets,
            layer.colour_bytes as f64 / 1e6
        );
    }
}

/// Pieces of the first records of the files, in turn, at seeded places.
fn queries(files: &[PathBuf], count: usize) -> Result<Vec<Query>> {
    let mut state = 42_u64;
    let mut queries = Vec::new();
    for file in files {
        let record = open_path(file)?.next().ok_or("a file without a record")??;
        for _ in 0..count.div_ceil(files.len()) {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let Some(room) = record.sequence.len().checked_sub(QUERY_BASES) else { continue };
            let start = (state >> 33) as usize % (room + 1);
            let piece = &record.sequence[start..start + QUERY_BASES];
            queries.push(Query::new(queries.len().to_string(), piece));
        }
    }
    queries.truncate(count);
    Ok(queries)
}

fn search(index: &SequenceIndex, queries: &[Query], threads: usize) -> Result<usize> {
    let options = SearchOptions { threads, ..SearchOptions::default() };
    let mut hits = 0;
    for result in index.search(queries.iter().cloned().map(Ok), options)? {
        if let Outcome::Hits(found) = result?.outcome {
            hits += found.len();
        }
    }
    Ok(hits)
}

fn build(index: &SequenceIndex, files: &[PathBuf]) -> Result<()> {
    let sample = |file: &PathBuf| Ok(NewSample::new(sample_name(file), vec![Input::path(file)]));
    let report = index.add_samples(files.iter().map(sample), false, &NoProgress)?;
    report.merge_failure.map_or(Ok(()), |error| Err(error.into()))
}

fn main() -> Result<()> {
    let settings = settings()?;
    let queries = queries(&settings.files, settings.queries)?;
    if settings.count {
        let count = measured("plain count", || Ok(plain_count::<u64>(&settings.files, settings.k.into())?))?;
        println!("  {count} distinct canonical k-mers, k = {}", settings.k);
    }
    let folder = std::env::temp_dir().join(format!("stroma-collection-{}", std::process::id()));
    let outcome = measure(&settings, &queries, &folder);
    std::fs::remove_dir_all(&folder)?;
    outcome
}

fn measure(settings: &Settings, queries: &[Query], folder: &Path) -> Result<()> {
    let options = IndexOptions {
        k: settings.k,
        partitions: settings.partitions,
        abundances: settings.abundances,
        ..IndexOptions::default()
    };
    let storage = Arc::new(LocalStorage::open(folder)?);
    let index = SequenceIndex::create(storage, options, SetOptions::default())?;
    let resources = BuildResources { threads: settings.threads, memory_bytes: settings.memory_mb << 20 };
    index.set_resources(resources);
    index.set_cold_layers(settings.cold);
    let what = format!("build, {} samples, {} threads", settings.files.len(), settings.threads);
    measured(&what, || build(&index, &settings.files))?;
    report(&index);
    println!("bytes written per byte added: {:.2}", index.statistics().set.write_amplification());
    if index.statistics().layers.len() > 1 {
        measured("compact", || Ok(index.compact()?))?;
        report(&index);
    }
    index.close()?;
    let index = SequenceIndex::open(Arc::new(LocalStorage::open(folder)?), SetOptions::default())?;
    let what = format!("search for {} queries of {QUERY_BASES} bases", queries.len());
    for again in ["just opened", "again", "again"] {
        let hits = measured(&format!("{what}, {again}"), || search(&index, queries, settings.threads))?;
        println!("  {hits} hits");
    }
    let each = measured("one by one", || {
        queries
            .iter()
            .take(200)
            .try_fold(0, |hits, query| Ok(hits + search(&index, std::slice::from_ref(query), 1)?))
    })?;
    println!("  {each} hits of 200");
    let is_sound = measured("check", || Ok(index.check().is_sound()))?;
    println!("  sound: {is_sound}");
    Ok(())
}
