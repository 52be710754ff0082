//! The command line: which suites, how large, how often.

use std::path::PathBuf;

use lexopt::prelude::*;

use crate::{Outcome, index, kv, logmem, suites};

/// How a suite is run.
pub(crate) struct Settings {
    /// Small sizes and three runs, to see that everything works.
    pub(crate) quick: bool,
    /// Each figure is the median of so many runs.
    pub(crate) runs: usize,
    /// Entries of the `kv` suite.
    pub(crate) entries: u64,
    /// Bytes for caches and write buffers of an engine.
    pub(crate) memory_bytes: usize,
    /// Where databases are made, each in a folder that goes away.
    pub(crate) directory: PathBuf,
    /// Live bytes of `logmem`'s fragmentation workloads.
    pub(crate) live_bytes: u64,
    /// Keys of each set of `index` that is drawn.
    pub(crate) keys: u64,
    /// The only sets of `index` to be measured; none: all.
    pub(crate) sets: Vec<&'static str>,
    /// The only subjects of `index` or `kv` to be measured, by their short names; none: all.
    pub(crate) subjects: Vec<String>,
    /// The only part of `kv`, `logmem` or `index` to be measured.
    pub(crate) part: Option<&'static str>,
    /// What all random choices come from.
    pub(crate) seed: u64,
}

impl Settings {
    /// One of two sizes: `small` in a quick run.
    pub(crate) fn size(&self, full: u64, small: u64) -> u64 {
        if self.quick { small } else { full }
    }

    /// Whether this subject is to be measured.
    pub(crate) fn wants(&self, subject: &str) -> bool {
        self.subjects.is_empty() || self.subjects.iter().any(|only| only == subject)
    }
}

/// What to do.
pub(crate) enum Command {
    Help(String),
    Suites(Vec<&'static str>, Settings),
    Plot,
    /// One measurement in a process of its own.
    Measure(Vec<String>),
}

/// Keys of a large set: 10 GB.
const LARGE_KEYS: u64 = 1_250_000_000;

fn help() -> String {
    format!(
        "usage: cargo run --release -- <suite>... [options]\n\
         \x20      cargo run --release -- plot\n\
         suites: {}; none named: all\n\
         --quick              small sizes, three runs: all suites in under two minutes\n\
         --runs N             each figure is the median of N runs (5; quick: 3)\n\
         --entries N          entries of kv (1,000,000; quick: 50,000)\n\
         --memory MIB         memory of each engine of kv for caches and write buffers (64)\n\
         --live-mib N         live bytes of logmem's fragmentation workloads (256; quick: 4; the paper: 1024)\n\
         --keys N             keys of each set of index (100,000,000; quick: 100,000)\n\
         --large              1,250,000,000 keys, 10 GB a set, which is made in --directory\n\
         --set NAME           only this set of index; may be given several times\n\
         --subject NAME       only this subject of index (such as ours, partition_point, btreemap, pgm64) or\n\
         \x20                    of kv ({}); may be given several times\n\
         --part NAME          only this part of kv: {}; of logmem: {}; or of index: {}\n\
         --directory PATH     where databases are made (the folder for temporary files)\n\
         --seed N             what random choices come from (42)",
        suites::names().collect::<Vec<_>>().join(", "),
        kv::product_names().collect::<Vec<_>>().join(", "),
        kv::part_names().collect::<Vec<_>>().join(", "),
        logmem::part_names().collect::<Vec<_>>().join(", "),
        index::PART_NAMES.join(", ")
    )
}

/// Reads the command line.
pub(crate) fn parse() -> Outcome<Command> {
    let mut names = Vec::new();
    let (mut quick, mut runs, mut entries) = (false, None, None);
    let (mut live_mebibytes, mut part, mut keys, mut sets) = (None, None, None, Vec::new());
    let mut subjects = Vec::new();
    let (mut memory_mebibytes, mut directory, mut seed) = (64, std::env::temp_dir(), 42);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => quick = true,
            Long("runs") => runs = Some(parser.value()?.parse::<usize>()?.max(1)),
            Long("entries") => entries = Some(parser.value()?.parse::<u64>()?.max(1000)),
            Long("memory") => memory_mebibytes = parser.value()?.parse::<usize>()?.max(8),
            Long("directory") => directory = parser.value()?.into(),
            Long("seed") => seed = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(Command::Help(help())),
            Long("live-mib") => live_mebibytes = Some(parser.value()?.parse::<u64>()?.max(1)),
            Long("keys") => keys = Some(parser.value()?.parse::<u64>()?.max(1000)),
            Long("large") => keys = Some(LARGE_KEYS),
            Long("set") => sets.push(index::known_set(&parser.value()?.string()?)?),
            Long("subject") => subjects.push(parser.value()?.string()?),
            Long("part") => part = Some(known_part(&parser.value()?.string()?)?),
            Long("measure") => return Ok(Command::Measure(words(parser.values()?)?)),
            Value(name) if name == "plot" => return Ok(Command::Plot),
            Value(name) => names.push(suites::known_name(&name.string()?)?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if names.is_empty() {
        names = suites::names().collect();
    }
    let settings = Settings {
        quick,
        runs: runs.unwrap_or(if quick { 3 } else { 5 }),
        entries: entries.unwrap_or(if quick { 50_000 } else { 1_000_000 }),
        memory_bytes: memory_mebibytes << 20,
        live_bytes: live_mebibytes.unwrap_or(if quick { 4 } else { 256 }) << 20,
        keys: keys.unwrap_or(if quick { 100_000 } else { 100_000_000 }),
        sets,
        subjects,
        part,
        directory,
        seed,
    };
    Ok(Command::Suites(names, settings))
}

/// The suite's own copy of a part's name, or an error that names those there are.
fn known_part(name: &str) -> Outcome<&'static str> {
    let known: Vec<&'static str> =
        kv::part_names().chain(logmem::part_names()).chain(index::PART_NAMES).collect();
    let unsupported = || format!("unsupported part `{name}`; there are {}", known.join(", ")).into();
    known.iter().copied().find(|other| *other == name).ok_or_else(unsupported)
}

fn words(values: lexopt::ValuesIter<'_>) -> Outcome<Vec<String>> {
    values.map(|value| Ok(value.string()?)).collect()
}
