//! Tells what the first searches of an index cost that lies on the disk and nowhere in memory: time, and bytes read
//! from the device.
//!
//! `cargo run --release -p stroma-sequence --example cold_start -- FOLDER target/genomes [--memory-mb 2048]`
//!
//! FOLDER is made an index of the genomes (k = 23) if there is nothing; it stays. Before each search the index is
//! closed and its files are dropped from the system's cache (GNU `dd` does that).
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement reads files, takes the time and prints it"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use stroma_sequence::reader::{open_path, sample_name};
use stroma_sequence::{
    BuildResources, IndexOptions, Input, NewSample, NoProgress, Outcome, Query, SearchOptions, SequenceIndex,
};
use stroma_strata::SetOptions;
use stroma_strata::storage::LocalStorage;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Drops the files of a folder from the system's cache.
fn forget(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            forget(&path)?;
            continue;
        }
        let mut dd = Command::new("dd");
        dd.arg(format!("if={}", path.display())).args(["iflag=nocache", "count=0"]).stderr(Stdio::null());
        if !dd.status()?.success() {
            return Err("dd failed".into());
        }
    }
    Ok(())
}

/// Bytes that this process has had read from devices.
fn bytes_read() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("read_bytes: "));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn build(folder: &Path, genomes: &Path, memory_mb: u64) -> Result<()> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(genomes)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "fa"));
    files.sort();
    let options = IndexOptions { k: 23, ..IndexOptions::default() };
    let storage = Arc::new(LocalStorage::open(folder)?);
    let index = SequenceIndex::create(storage, options, SetOptions::default())?;
    index.set_resources(BuildResources { threads: 1, memory_bytes: memory_mb << 20 });
    let sample = |file: &PathBuf| Ok(NewSample::new(sample_name(file), vec![Input::path(file)]));
    let report = index.add_samples(files.iter().map(sample), false, &NoProgress)?;
    report.merge_failure.map_or(Ok(()), |error| Err(Box::<dyn std::error::Error>::from(error)))?;
    Ok(index.close()?)
}

/// Pieces of 1,000 bases of a genome, evenly spread.
fn queries(genome: &Path, count: usize) -> Result<Vec<Query>> {
    let record = open_path(genome)?.next().ok_or("a file without a record")??;
    let step = record.sequence.len() / count;
    let piece = |number: usize| &record.sequence[number * step..][..1000.min(step)];
    Ok((0..count).map(|number| Query::new(number.to_string(), piece(number))).collect())
}

fn search(index: &SequenceIndex, queries: &[Query]) -> Result<usize> {
    let mut hits = 0;
    for result in index.search(queries.iter().cloned().map(Ok), SearchOptions::default())? {
        if let Outcome::Hits(found) = result?.outcome {
            hits += found.len();
        }
    }
    Ok(hits)
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, genomes, rest @ ..] = &words[..] else { return Err("name two folders".into()) };
    let (folder, genomes) = (Path::new(folder), Path::new(genomes));
    if !folder.exists() {
        let memory_mb = rest.iter().position(|word| word == "--memory-mb").and_then(|at| rest.get(at + 1));
        build(folder, genomes, memory_mb.map_or(Ok(2048), |number| number.parse())?)?;
    }
    for count in [1, 10, 100, 1000] {
        let queries = queries(&genomes.join("E_coli_MG1655.fa"), count)?;
        let mut rounds: Vec<(f64, u64, usize)> = Vec::new();
        for _ in 0..5 {
            forget(folder)?;
            let (before, start) = (bytes_read(), Instant::now());
            let index = SequenceIndex::open(Arc::new(LocalStorage::open(folder)?), SetOptions::default())?;
            let hits = search(&index, &queries)?;
            rounds.push((start.elapsed().as_secs_f64() * 1e3, bytes_read() - before, hits));
        }
        rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (fastest, median) = (rounds[0], rounds[rounds.len() / 2]);
        println!(
            "{count:5} queries: {:.1} ms at least, {:.1} ms median, {:.2} MB read, {} hits",
            fastest.0,
            median.0,
            median.1 as f64 / 1e6,
            median.2
        );
    }
    Ok(())
}
