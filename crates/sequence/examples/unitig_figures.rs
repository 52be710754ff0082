//! What a unitig dictionary of the k-mers of some genomes takes to build, in space, and to search.
//!
//! `cargo run --release -p stroma-sequence --example unitig_figures -- K [FASTA ...]`: at most 64 files, k at most 29.
//! Without files: twenty relatives of a random genome of 1 Mbp with 1 % changed. Times are those of the processor
//! (Linux only; else of the clock).
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads files, takes the time and prints it"
)]

#[path = "figures/process.rs"]
mod process;
#[path = "figures/random.rs"]
mod random;

use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

use process::{memory, processor_of_thread};
use random::Random;
use stroma_sequence::kmer::{Geometry, Kmers};
use stroma_sequence::unitig::{DictionaryBuilder, UnitigDictionary};

const QUERIES: usize = 1_000;
const QUERY_BASES: usize = 1_000;
/// Bits of the sample's number beside a k-mer.
const SAMPLE_BITS: u32 = 6;

/// Seconds that this thread was given a processor.
struct Stopwatch(Instant, f64);

impl Stopwatch {
    fn start() -> Self {
        Stopwatch(Instant::now(), processor_of_thread().unwrap_or(0.0))
    }

    fn seconds(&self) -> f64 {
        processor_of_thread().map_or_else(|| self.0.elapsed().as_secs_f64(), |now| now - self.1)
    }
}

/// The records of a FASTA file, one after the other with an N between them.
fn read(path: &str) -> std::io::Result<Vec<u8>> {
    let mut sequence = Vec::new();
    for line in std::fs::read(path)?.split(|&byte| byte == b'\n') {
        if line.first() == Some(&b'>') { sequence.push(b'N') } else { sequence.extend_from_slice(line) }
    }
    Ok(sequence)
}

fn relatives(random: &mut Random) -> Vec<Vec<u8>> {
    let ancestor = random.sequence(1_000_000);
    let mutate = |_| {
        let mut genome = ancestor.clone();
        random.change(&mut genome, 10_000);
        genome
    };
    (0..20).map(mutate).collect()
}

/// For each partition its k-mers, each with the id of the set of genomes that hold it; and how many sets there are.
fn coloured(genomes: &[Vec<u8>], geometry: Geometry) -> (Vec<Vec<(u64, u32)>>, usize) {
    let mut scattered: Vec<Vec<u64>> = vec![Vec::new(); geometry.partitions() as usize];
    for (sample, genome) in (0_u64..).zip(genomes) {
        for at in Kmers::new(genome, geometry) {
            let kmer: u64 = at.kmer;
            scattered[at.partition as usize].push((kmer << SAMPLE_BITS) | sample);
        }
    }
    let mut ids: HashMap<u64, u32> = HashMap::new();
    let colour = |mut partition: Vec<u64>| -> Vec<(u64, u32)> {
        partition.sort_unstable();
        let same = partition.chunk_by(|one, other| one >> SAMPLE_BITS == other >> SAMPLE_BITS);
        same.map(|same| {
            let set = same.iter().fold(0_u64, |set, one| set | 1 << (one & ((1 << SAMPLE_BITS) - 1)));
            let next = ids.len() as u32;
            (same[0] >> SAMPLE_BITS, *ids.entry(set).or_insert(next))
        })
        .collect()
    };
    let partitions = scattered.into_iter().map(colour).collect();
    (partitions, ids.len())
}

fn search(name: &str, dictionary: &UnitigDictionary<'_>, queries: &[Vec<u8>]) {
    let watch = Stopwatch::start();
    let (mut found, mut all) = (0_u64, 0_u64);
    for query in queries {
        for at in dictionary.search::<u64>(query) {
            all += 1;
            found += u64::from(at.found.is_some());
        }
    }
    let seconds = watch.seconds();
    let each = seconds * 1e9 / all as f64;
    println!("search {name}: {seconds:.3} s, {each:.0} ns a k-mer; {found} of {all} k-mers found");
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let k: u8 = arguments.next().map_or(Ok(23), |text| text.parse())?;
    let mut random = Random(1);
    let mut genomes = arguments.map(|path| read(&path)).collect::<Result<Vec<_>, _>>()?;
    if genomes.is_empty() {
        genomes = relatives(&mut random);
    }
    if genomes.len() > 1 << SAMPLE_BITS || k > 29 {
        return Err("at most 64 genomes, k at most 29".into());
    }
    let (partitions, sets) = coloured(&genomes, Geometry::new(k, 6)?);
    let (watch, [before, _]) = (Stopwatch::start(), memory());
    let mut builder = DictionaryBuilder::<u64>::new(k)?;
    partitions.iter().try_for_each(|partition| builder.add(partition))?;
    let covered = watch.seconds();
    let bytes = builder.finish()?;
    let [_, peak] = memory();
    println!(
        "build: {:.2} s, {covered:.2} s of it for paths; memory {before:.0} MB before, {peak:.0} MB at most",
        watch.seconds()
    );

    let dictionary = UnitigDictionary::open(&bytes)?;
    let bits = |bytes: u64| bytes as f64 * 8.0 / dictionary.kmers() as f64;
    println!(
        "{} k-mers, {} colour sets: {} strings, {} runs, {} places; {} bytes, {:.2} bits a k-mer",
        dictionary.kmers(),
        sets,
        dictionary.strings(),
        dictionary.runs(),
        dictionary.sampled(),
        bytes.len(),
        bits(bytes.len() as u64)
    );
    let parts = dictionary.parts();
    let named = [parts.strings, parts.runs, parts.colours, parts.places, parts.heavy].map(bits);
    println!(
        "strings {:.2}, runs {:.2}, colours {:.2}, places {:.2}, heavy {:.2}",
        named[0], named[1], named[2], named[3], named[4]
    );
    let watch = Stopwatch::start();
    dictionary.verify()?;
    println!("verify: {:.2} s", watch.seconds());

    let piece = |_| {
        let genome = &genomes[random.below(genomes.len() as u64) as usize];
        let start = random.below((genome.len() - QUERY_BASES) as u64) as usize;
        genome[start..start + QUERY_BASES].to_vec()
    };
    let pieces: Vec<Vec<u8>> = (0..QUERIES).map(piece).collect();
    search("of pieces of the genomes", &dictionary, &pieces);
    let mut changed = pieces;
    for piece in &mut changed {
        random.change(piece, QUERY_BASES as u64 / 20);
    }
    search("of pieces with 5 % changed", &dictionary, &changed);
    let strangers: Vec<Vec<u8>> = (0..QUERIES).map(|_| random.sequence(QUERY_BASES as u64)).collect();
    search("of random sequences", &dictionary, &strangers);
    Ok(())
}
