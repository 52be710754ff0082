//! Counts the k-mers of reads, imports what KMC has counted of them, and compares both with KMC's own list, k-mer by
//! k-mer. `cargo xtask reads` fetches reads, runs KMC and calls this.
//!
//! `cargo run --release -p stroma-sequence --example reads -- K MINIMUM DATABASE LIST READS…`, where DATABASE is a
//! `.kmc_pre` file and LIST what `kmc_dump` writes of it: a k-mer and its count in each line.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a comparison reads files, takes the time and prints it"
)]

#[path = "figures/process.rs"]
mod process;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use process::{peak_memory, processor};
use stroma_sequence::kmer::{Word, mixing};
use stroma_sequence::layer::Layer;
use stroma_sequence::{BuildResources, IndexOptions, Input, NewSample, NoProgress, SequenceIndex};
use stroma_strata::SetOptions;
use stroma_strata::storage::{LocalStorage, Storage};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The k-mers of an index of one sample, ascending, and whether it tells them as told.
fn indexed<W: Word>(folder: &Path, k: u8, sample: NewSample) -> Result<Vec<W>> {
    let storage = Arc::new(LocalStorage::open(folder)?);
    let options = IndexOptions { k, ..IndexOptions::default() };
    let index = SequenceIndex::create(storage.clone(), options, SetOptions::default())?;
    index.set_resources(BuildResources { threads: 2, memory_bytes: 1 << 30 });
    let (before, start) = (processor(), Instant::now());
    index.add_samples([Ok(sample)].into_iter(), false, &NoProgress)?;
    let (processor, peak) = (processor() - before, peak_memory());
    let info = index.samples().remove(0);
    println!(
        "    {} k-mers, {} distinct, {} kept; {processor:.2} s of processor, {:.2} s real, at most {peak:.0} MB",
        info.kmers,
        info.distinct_kmers,
        info.indexed_kmers,
        start.elapsed().as_secs_f64()
    );
    let mixing = mixing::<W>(index.geometry());
    let mut kmers = Vec::with_capacity(info.indexed_kmers as usize);
    for blob in storage.list("layers")? {
        let layer = Layer::open(storage.open(&blob.name)?)?;
        for partition in 0..layer.geometry().partitions() {
            kmers.extend(layer.partition::<W>(partition)?.iter().map(|(mixed, _)| mixing.invert(mixed)));
        }
    }
    drop(index);
    std::fs::remove_dir_all(folder)?;
    kmers.sort_unstable();
    Ok(kmers)
}

/// The k-mers of KMC's list, which says the smaller strand of each, ascending.
fn listed<W: Word>(list: &Path) -> Result<Vec<W>> {
    let mut kmers = Vec::new();
    for line in BufReader::new(std::fs::File::open(list)?).lines() {
        let line = line?;
        let bases = line.split('\t').next().unwrap_or("");
        let mut kmer = W::ZERO;
        for base in bases.bytes() {
            let code = b"ACGT".iter().position(|other| *other == base).ok_or("a letter that is no base")?;
            kmer = (kmer << 2) | W::from(code as u64);
        }
        kmers.push(kmer);
    }
    kmers.sort_unstable();
    Ok(kmers)
}

/// How many k-mers only one of the two has.
fn differences<W: Word>(ours: &[W], theirs: &[W]) -> usize {
    let only =
        |some: &[W], others: &[W]| some.iter().filter(|kmer| others.binary_search(kmer).is_err()).count();
    only(ours, theirs) + only(theirs, ours)
}

fn compare<W: Word>(k: u8, minimum: u32, database: &str, list: &str, reads: &[String]) -> Result<bool> {
    let theirs = listed::<W>(Path::new(list))?;
    let folder = std::env::temp_dir().join(format!("stroma-reads-{}", std::process::id()));
    let inputs = reads.iter().map(Input::path).collect();
    println!("  counted:");
    let counted = indexed::<W>(&folder, k, NewSample::new("reads", inputs).with_minimum_count(minimum))?;
    println!("  imported:");
    let imported = indexed::<W>(&folder, k, NewSample::from_counts("counts", vec![database.into()]))?;
    let (own, import) = (differences(&counted, &theirs), differences(&imported, &theirs));
    println!("  {} k-mers in KMC's list; {own} differ as counted, {import} as imported", theirs.len());
    Ok(own == 0 && import == 0 && counted.len() == theirs.len())
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [k, minimum, database, list, reads @ ..] = words.as_slice() else {
        return Err("say K MINIMUM DATABASE LIST READS…".into());
    };
    let (k, minimum) = (k.parse::<u8>()?, minimum.parse::<u32>()?);
    let is_equal = if k <= 31 {
        compare::<u64>(k, minimum, database, list, reads)?
    } else {
        compare::<u128>(k, minimum, database, list, reads)?
    };
    if is_equal { Ok(()) } else { Err("the k-mers differ from KMC's".into()) }
}
