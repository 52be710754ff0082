//! Grows a collection sample by sample, each a mutant of one that was there before, and tells on the way what one more
//! costs, how much space the index takes and how long a search takes. Figures are printed, and written as
//! `bench/results/grown.json` has them if `--json FILE` is said.
//!
//! `cargo run --release -p stroma-sequence --example grown -- [--samples 1000] [--bases 50000] [--k 23] [--threads 1]
//! [--queries 100] [--json FILE]`
//!
//! Samples are added one by one, not in bulk, so that each is durable and found before the next begins, and layers are
//! merged as they come. Every query is a piece of a sample, which must be found whole in it.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement reads files, takes the time and prints it"
)]

#[path = "figures/process.rs"]
mod process;
#[path = "figures/random.rs"]
mod random;

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use random::Random;
use stroma_sequence::{
    BuildResources, IndexOptions, Input, NoProgress, Outcome, Query, SearchOptions, SequenceIndex,
};
use stroma_strata::SetOptions;
use stroma_strata::storage::LocalStorage;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Different genomes that the collection descends from.
const ANCESTORS: u64 = 4;
/// Bases that differ between a mutant and what it descends from, of 100,000.
const CHANGED: u64 = 100;
const QUERY_BASES: usize = 1000;

/// The genome of a sample: an ancestor, changed at some bases by each of those it descends from and by itself.
fn genome(sample: u64, bases: u64) -> Vec<u8> {
    let mut random = Random(sample);
    if sample < ANCESTORS {
        return random.sequence(bases);
    }
    let mut genome = genome(random.below(sample), bases);
    random.change(&mut genome, bases * CHANGED / 100_000);
    genome
}

struct Settings {
    samples: u64,
    bases: u64,
    k: u8,
    threads: usize,
    queries: u64,
    json: Option<String>,
}

fn settings() -> Result<Settings> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    let number = |name: &str, otherwise: u64| value(name).map_or(Ok(otherwise), |text| text.parse());
    Ok(Settings {
        samples: number("--samples", 1000)?,
        bases: number("--bases", 50_000)?.max(QUERY_BASES as u64),
        k: number("--k", 23)? as u8,
        threads: number("--threads", 1)? as usize,
        queries: number("--queries", 100)?,
        json: value("--json").cloned(),
    })
}

/// Processor seconds of this process. Its threads are told in hundredths of a second; the first one, which does all of
/// the work where it is the only one, to the nanosecond.
fn processor(threads: usize) -> f64 {
    if threads == 1 { process::processor_of_thread().unwrap_or(0.0) } else { process::processor() }
}

/// The most memory that this process has held since it was last asked, in MB.
fn peak_memory() -> f64 {
    let peak = process::peak_memory();
    process::forget_peak();
    peak
}

/// What was measured when the collection had so many samples.
struct Figures {
    samples: u64,
    rows: Vec<(&'static str, &'static str, f64)>,
}

/// Pieces of the samples, at seeded places.
fn queries(settings: &Settings, samples: u64) -> Vec<Query> {
    let mut random = Random(samples);
    let query = |_| {
        let sample = random.below(samples);
        let start = random.below(settings.bases - QUERY_BASES as u64 + 1) as usize;
        Query::new(sample_name(sample), &genome(sample, settings.bases)[start..start + QUERY_BASES])
    };
    (0..settings.queries).map(query).collect()
}

fn sample_name(sample: u64) -> String {
    format!("s{sample}")
}

/// Processor milliseconds a query, and hits a query.
fn search(index: &SequenceIndex, queries: &[Query], options: SearchOptions) -> Result<(f64, f64)> {
    let (mut hits, before) = (0, processor(options.threads));
    for result in index.search(queries.iter().cloned().map(Ok), options)? {
        let result = result?;
        let Outcome::Hits(found) = result.outcome else { return Err("a query without k-mers".into()) };
        let is_whole = found.iter().any(|hit| *hit.sample == *result.name && hit.found == result.kmers);
        if options.top.is_none() && !is_whole {
            return Err(format!("a piece of {} was not found in it", result.name).into());
        }
        hits += found.len();
    }
    let count = queries.len().max(1) as f64;
    Ok(((processor(options.threads) - before) * 1e3 / count, hits as f64 / count))
}

fn figures(
    index: &SequenceIndex,
    settings: &Settings,
    samples: u64,
) -> Result<Vec<(&'static str, &'static str, f64)>> {
    let statistics = index.statistics();
    let queries = queries(settings, samples);
    let usual = SearchOptions { threads: settings.threads, ..SearchOptions::default() };
    // Once to touch the layers, then as a server would.
    search(index, &queries, usual)?;
    let (each, hits) = search(index, &queries, usual)?;
    Ok(vec![
        ("layers", "layers", statistics.layers.len() as f64),
        ("bytes written for each byte added", "bytes", statistics.set.write_amplification()),
        ("size", "MB", statistics.bytes() as f64 / 1e6),
        ("size for each sample", "KB", statistics.bytes() as f64 / 1e3 / samples as f64),
        ("k-mers in all layers", "millions", statistics.kmers() as f64 / 1e6),
        ("query of 1000 bases", "cpu ms", each),
        ("hits of a query", "samples", hits),
    ])
}

/// Adds all samples, and measures whenever their number has grown by half an order of magnitude.
fn grow(index: &SequenceIndex, settings: &Settings) -> Result<Vec<Figures>> {
    let mut measured = Vec::new();
    let (mut half_powers, mut next) = (2, 10_u64.min(settings.samples));
    let (mut spent, mut since, mut slowest) = (0.0, 0.0_f64, 0.0_f64);
    let mut last = 0;
    peak_memory();
    for sample in 0..settings.samples {
        let text = [b">g\n", genome(sample, settings.bases).as_slice(), b"\n"].concat();
        let name = sample_name(sample);
        let before = processor(settings.threads);
        let report = index.add_sample(&name, vec![Input::bytes(&name, text)], &NoProgress)?;
        report.merge_failure.map_or(Ok(()), Err)?;
        let cost = processor(settings.threads) - before;
        (spent, since, slowest) = (spent + cost, since + cost, slowest.max(cost));
        let samples = sample + 1;
        if samples < next {
            continue;
        }
        let peak = peak_memory();
        let mut rows = vec![
            ("one more sample, mean of all so far", "cpu ms", spent * 1e3 / samples as f64),
            ("one more sample, mean since the last figure", "cpu ms", since * 1e3 / (samples - last) as f64),
            ("one more sample, the slowest", "cpu ms", slowest * 1e3),
            ("peak memory", "MB", peak),
        ];
        rows.extend(figures(index, settings, samples)?);
        println!("{samples} samples");
        rows.iter().for_each(|(metric, unit, value)| println!("  {metric}: {value:.3} {unit}"));
        measured.push(Figures { samples, rows });
        (since, slowest, last) = (0.0, 0.0, samples);
        // 10, 32, 100, 316, 1000 …
        half_powers += 1;
        next = (10_f64.powf(f64::from(half_powers) / 2.0).round() as u64).min(settings.samples);
        peak_memory();
    }
    Ok(measured)
}

/// The figures as the benchmarks' files have them, a row a line.
fn json(settings: &Settings, measured: &[Figures]) -> String {
    let Settings { samples, bases, k, threads, .. } = settings;
    let told = format!("{samples} samples of {bases} bases, k {k}, {threads} threads");
    let head = r#"{"suite":"grown","case":"run","subject":"machine","metric":"settings","#;
    let mut rows = vec![format!(r#"{head}"value":"{told}","unit":"text"}}"#)];
    for Figures { samples, rows: figures } in measured {
        for (metric, unit, value) in figures {
            let mut row = String::new();
            let _ = write!(row, r#"{{"suite":"grown","case":"{samples} samples","subject":"stromatolite","#);
            let _ = write!(row, r#""metric":"{metric}","value":{value:.4},"unit":"{unit}"}}"#);
            rows.push(row);
        }
    }
    format!("[\n{}\n]\n", rows.join(",\n"))
}

fn measure(settings: &Settings, folder: &Path) -> Result<Vec<Figures>> {
    let options = IndexOptions { k: settings.k, ..IndexOptions::default() };
    let index = SequenceIndex::create(Arc::new(LocalStorage::open(folder)?), options, SetOptions::default())?;
    index.set_resources(BuildResources { threads: settings.threads, memory_bytes: 512 << 20 });
    let mut measured = grow(&index, settings)?;
    let before = processor(settings.threads);
    index.compact()?;
    let spent = processor(settings.threads) - before;
    let mut rows = vec![("compact", "cpu s", spent), ("peak memory", "MB", peak_memory())];
    rows.extend(figures(&index, settings, settings.samples)?);
    println!("compacted");
    rows.iter().for_each(|(metric, unit, value)| println!("  {metric}: {value:.3} {unit}"));
    let renamed = |(metric, unit, value)| compacted(metric).map(|metric| (metric, unit, value));
    measured
        .push(Figures { samples: settings.samples, rows: rows.into_iter().filter_map(renamed).collect() });
    if !index.check().is_sound() {
        return Err("the index is damaged".into());
    }
    Ok(measured)
}

/// The name of a figure of the compacted index; none where it says nothing new.
fn compacted(metric: &'static str) -> Option<&'static str> {
    Some(match metric {
        "compact" => "compact",
        "size" => "size, compacted",
        "size for each sample" => "size for each sample, compacted",
        "query of 1000 bases" => "query of 1000 bases, compacted",
        "k-mers in all layers" => "distinct k-mers",
        "peak memory" => "peak memory, compacting",
        _ => return None,
    })
}

fn main() -> Result<()> {
    let settings = settings()?;
    let folder = std::env::temp_dir().join(format!("stroma-grown-{}", std::process::id()));
    let outcome = measure(&settings, &folder);
    std::fs::remove_dir_all(&folder)?;
    let measured = outcome?;
    if let Some(file) = &settings.json {
        std::fs::write(file, json(&settings, &measured))?;
    }
    Ok(())
}
