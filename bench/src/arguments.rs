//! The command line: which suites, how large, how often.

use std::path::PathBuf;

use lexopt::prelude::*;

use crate::{Outcome, logmem, suites};

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
    /// The only part of `logmem` to be measured.
    pub(crate) part: Option<&'static str>,
    /// What all random choices come from.
    pub(crate) seed: u64,
}

impl Settings {
    /// One of two sizes: `small` in a quick run.
    pub(crate) fn size(&self, full: u64, small: u64) -> u64 {
        if self.quick { small } else { full }
    }
}

/// What to do.
pub(crate) enum Command {
    Help(String),
    Suites(Vec<&'static str>, Settings),
    Plot,
    /// One measurement of `logmem`, in a process of its own.
    Measure(Vec<String>),
}

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
         --part NAME          only this part of logmem: {}\n\
         --directory PATH     where databases are made (the folder for temporary files)\n\
         --seed N             what random choices come from (42)",
        suites::names().collect::<Vec<_>>().join(", "),
        logmem::part_names().collect::<Vec<_>>().join(", ")
    )
}

/// Reads the command line.
pub(crate) fn parse() -> Outcome<Command> {
    let mut names = Vec::new();
    let (mut quick, mut runs, mut entries) = (false, None, None);
    let (mut live_mebibytes, mut part) = (None, None);
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
            Long("part") => part = Some(logmem::known_part(&parser.value()?.string()?)?),
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
        part,
        directory,
        seed,
    };
    Ok(Command::Suites(names, settings))
}

fn words(values: lexopt::ValuesIter<'_>) -> Outcome<Vec<String>> {
    values.map(|value| Ok(value.string()?)).collect()
}
