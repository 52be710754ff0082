//! Builds an index of related synthetic genomes in a temporary directory and prints what it costs.
//!
//! `cargo run --release -p stroma-sequence --example build_and_search -- [genomes] [bases] [per mille changed] [k]`
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement takes the time and prints it"
)]

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use stroma_sequence::{IndexOptions, Input, NoProgress, Outcome, Query, SearchOptions, SequenceIndex};
use stroma_strata::SetOptions;
use stroma_strata::storage::LocalStorage;

const QUERIES: usize = 10_000;
const QUERY_BASES: usize = 1_000;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }
}

fn genomes(random: &mut Random, count: usize, bases: usize, per_mille: usize) -> Vec<Vec<u8>> {
    let ancestor: Vec<u8> = (0..bases).map(|_| b"ACGT"[random.below(4)]).collect();
    (0..count)
        .map(|_| {
            let mut genome = ancestor.clone();
            for _ in 0..bases / 1000 * per_mille {
                genome[random.below(bases)] = b"ACGT"[random.below(4)];
            }
            genome
        })
        .collect()
}

fn report(index: &SequenceIndex) {
    let statistics = index.statistics();
    println!("layers {}, {:.1} MB", statistics.layers.len(), statistics.bytes() as f64 / 1e6);
    for layer in &statistics.layers {
        println!(
            "  level {}: {} samples, {} k-mers, {} colour sets ({} bytes), {:.1} bits per k-mer",
            layer.level,
            layer.samples,
            layer.kmers,
            layer.colour_sets,
            layer.colour_bytes,
            layer.bytes as f64 * 8.0 / layer.kmers as f64
        );
    }
    println!("bytes written per byte added: {:.2}", statistics.set.write_amplification());
}

fn search(
    index: &SequenceIndex,
    genomes: &[Vec<u8>],
    random: &mut Random,
) -> Result<(), stroma_sequence::Error> {
    let queries: Vec<Query> = (0..QUERIES)
        .map(|number| {
            let genome = &genomes[random.below(genomes.len())];
            let start = random.below(genome.len() - QUERY_BASES);
            Query::new(number.to_string(), &genome[start..start + QUERY_BASES])
        })
        .collect();
    let options = SearchOptions::default();
    for name in ["streamed, first time", "streamed, again"] {
        let start = Instant::now();
        let mut hits = 0;
        for result in index.search(queries.iter().cloned().map(Ok), options)? {
            if let Outcome::Hits(found) = result?.outcome {
                hits += found.len();
            }
        }
        let micros = start.elapsed().as_secs_f64() * 1e6 / QUERIES as f64;
        println!("search, {name}: {micros:.1} µs per query of {QUERY_BASES} bases, {hits} hits");
    }
    let start = Instant::now();
    for query in &queries[..1000] {
        index.search([Ok(query.clone())], options)?.for_each(drop);
    }
    println!("search, one by one: {:.1} µs per query", start.elapsed().as_secs_f64() * 1e6 / 1000.0);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = |position: usize, otherwise: usize| {
        std::env::args().nth(position).map_or(Ok(otherwise), |text| text.parse())
    };
    let (count, bases) = (argument(1, 10)?, argument(2, 2_000_000)?);
    let (per_mille, k) = (argument(3, 10)?, argument(4, 31)?);
    let mut random = Random(42);
    let genomes = genomes(&mut random, count, bases, per_mille);
    let folder = std::env::temp_dir().join(format!("stroma-sequence-{}", std::process::id()));
    let storage = Arc::new(LocalStorage::open(&folder)?);
    let options = IndexOptions { k: k as u8, ..IndexOptions::default() };
    let index = SequenceIndex::create(storage, options, SetOptions::default())?;
    let start = Instant::now();
    for (number, genome) in genomes.iter().enumerate() {
        let mut fasta = Vec::with_capacity(genome.len() + 100);
        writeln!(fasta, ">genome{number}")?;
        fasta.extend_from_slice(genome);
        let input = Input::bytes(format!("genome{number}"), fasta);
        let added = index.add_sample(&format!("genome{number}"), vec![input], &NoProgress)?;
        added.merge_failure.map_or(Ok(()), Err)?;
    }
    println!(
        "build, {count} genomes of {bases} bases, {per_mille} ‰ changed, k {k}: {:.2} s",
        start.elapsed().as_secs_f64()
    );
    report(&index);
    search(&index, &genomes, &mut random)?;
    let start = Instant::now();
    index.compact()?;
    println!("compact: {:.2} s", start.elapsed().as_secs_f64());
    report(&index);
    search(&index, &genomes, &mut random)?;
    let start = Instant::now();
    let sound = index.check().is_sound();
    println!("check: {:.2} s, sound: {sound}", start.elapsed().as_secs_f64());
    index.close()?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
