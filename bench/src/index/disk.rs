//! The part `disk`: a file of keys that is built in one pass, mapped, and of which nothing is in memory at first.

use std::hint::black_box;

use stroma_hybrid::mapped::{DictionaryBuilder, OpenOptions};

use super::file_map;
use super::files::{Folder, KEYS, PRESENT, Questions};
use super::mapped::{self, KeyDictionary};
use super::peers::Peer;
use super::suite::{self, Prepared};
use crate::Outcome;
use crate::measure::{OURS, Samples, timed};
use crate::process::Figures;

pub(super) const WRONG: &str = "disk: wrong answers";
/// Of files of which the system was told to read each page alone, without those near it.
pub(crate) const READ_ALONE: &str = ", pages read alone";
/// What a lookup in a cold file takes, and what it reads.
pub(crate) const COLD: &str = "disk: cold lookup";
pub(crate) const COLD_BYTES: &str = "disk: read for a cold lookup";
/// Lookups in a file that is cold: so few that they hardly meet on the same page.
const COLD_LOOKUPS: usize = 1000;
const DICTIONARY: &str = "dictionary";
const UNCHECKED: &str = "stromatolite, pages not checked";

/// Measures ours, the search in the mapped keys, and peers that keep their index in memory.
pub(super) fn run(prepared: &Prepared<'_>, peers: &[Peer], samples: &mut Samples) -> Outcome {
    if prepared.wants("ours") {
        for (word, name) in [("build", OURS), ("checked", OURS), ("unchecked", UNCHECKED), ("random", OURS)] {
            eprintln!("{}: on disk: {name}, {word}", prepared.set.name);
            suite::file(prepared.in_a_process(suite::DISK, word), name, prepared, samples)?;
        }
        std::fs::remove_file(prepared.folder.file(DICTIONARY))?;
        eprintln!("{}: on disk: {OURS}, map", prepared.set.name);
        suite::file(prepared.in_a_process(suite::DISK, "map"), OURS, prepared, samples)?;
    }
    if prepared.wants("partition_point") {
        eprintln!("{}: on disk: partition_point", prepared.set.name);
        let searched = prepared.in_a_process(suite::DISK, "partition_point");
        suite::file(searched, "partition_point", prepared, samples)?;
    }
    for peer in peers.iter().filter(|peer| !peer.is_map && prepared.wants(&peer.word)) {
        eprintln!("{}: on disk: {}", prepared.set.name, peer.name);
        suite::file(peer.measure(prepared, suite::DISK), &peer.name, prepared, samples)?;
    }
    Ok(())
}

/// What one process of the part does.
pub(super) fn measure(word: &str, set: &str, folder: &Folder, runs: usize) -> Outcome<Figures> {
    let checked = OpenOptions::default();
    let unchecked = OpenOptions { check_pages: false, ..checked.clone() };
    let random = OpenOptions { random_access: true, ..checked.clone() };
    match word {
        "build" => build(set, folder),
        "checked" => ours(set, folder, runs, &checked, ""),
        "unchecked" => ours(set, folder, runs, &unchecked, ""),
        "random" => ours(set, folder, runs, &random, READ_ALONE),
        "map" => file_map::measure(set, folder),
        "partition_point" => search(set, folder, runs),
        _ => Err(format!("there is nothing on disk called `{word}`").into()),
    }
}

/// Builds the dictionary from keys that are in memory; its sync is in the time on the wall.
fn build(set: &str, folder: &Folder) -> Outcome<Figures> {
    let mapped = folder.keys()?;
    mapped.warm()?;
    let keys = mapped.slice()?;
    let mut figures = Figures::default();
    let memory = stroma_bench_allocators::Resident::begin();
    let (bytes, cost) = timed(|| {
        let mut builder = DictionaryBuilder::create(folder.file(DICTIONARY))?;
        for key in keys {
            builder.push(*key, ())?;
        }
        Ok(builder.finish()?)
    })?;
    let count = keys.len() as f64;
    figures.add(set, "disk: construction, a key", cost.process * 1e9 / count, "ns");
    figures.add(set, "disk: construction by the wall, a key", cost.wall * 1e9 / count, "ns");
    figures.add(set, "disk: file", bytes as f64 / count, "bytes a key");
    let mebibytes = memory.gained_bytes() as f64 / f64::from(1 << 20);
    figures.add(set, "disk: memory held after construction", mebibytes, "MiB");
    Ok(figures)
}

fn ours(
    set: &str,
    folder: &Folder,
    runs: usize,
    options: &OpenOptions,
    how: &'static str,
) -> Outcome<Figures> {
    let open = || mapped::open(&folder.file(DICTIONARY), options);
    let look_up = |dictionary: &KeyDictionary, key| Ok(dictionary.lower_bound(key)? as u64);
    let cold = Cold { set, folder, file: DICTIONARY, runs, how };
    cold.measure(open, look_up)
}

fn search(set: &str, folder: &Folder, runs: usize) -> Outcome<Figures> {
    let look_up = |keys: &super::files::MappedKeys, wanted| {
        Ok(keys.slice()?.partition_point(|key| *key < wanted) as u64)
    };
    let cold = Cold { set, folder, file: KEYS, runs, how: "" };
    cold.measure(|| folder.keys(), look_up)
}

/// A file that is looked into when it is cold, then when it is warm.
struct Cold<'a> {
    set: &'a str,
    folder: &'a Folder,
    file: &'a str,
    runs: usize,
    /// What the figures of a cold file are told apart by.
    how: &'static str,
}

impl Cold<'_> {
    /// Opens the file and takes the times.
    fn measure<F>(
        &self,
        open: impl Fn() -> Outcome<F>,
        look_up: impl Fn(&F, u64) -> Outcome<u64>,
    ) -> Outcome<Figures> {
        let questions = self.folder.questions(PRESENT)?;
        let mut figures = Figures::default();
        let mut add = |metric: &str, value: f64, unit: &str| {
            figures.add(self.set, &format!("{metric}{}", self.how), value, unit);
        };
        let lookups = COLD_LOOKUPS.min(questions.keys.len() / self.runs.max(1));
        for part in questions.keys.chunks(lookups).take(self.runs) {
            // Nobody maps the file now, else it would not be forgotten.
            self.folder.forget(self.file)?;
            let at_first = bytes_read();
            let (file, cost) = timed(&open)?;
            add("disk: open", cost.wall * 1e6, "µs");
            let before = bytes_read();
            add("disk: read to open", (before - at_first) as f64 / 1024.0, "KiB");
            let (_, cost) = timed(|| sum(&file, part, &look_up))?;
            let read = (bytes_read() - before) as f64 / 1024.0;
            add(COLD, cost.wall * 1e6 / part.len() as f64, "µs");
            add(COLD_BYTES, read / part.len() as f64, "KiB");
        }
        let file = open()?;
        let wrong = count_wrong(&file, &questions, &look_up)?;
        for _ in 0..if wrong == 0 { self.runs } else { 0 } {
            let (_, cost) = timed(|| sum(&file, &questions.keys, &look_up))?;
            let nanoseconds = cost.thread * 1e9 / questions.keys.len() as f64;
            add("disk: warm lookup", nanoseconds, "ns");
        }
        figures.add(self.set, WRONG, wrong as f64, "answers");
        Ok(figures)
    }
}

fn sum<F>(file: &F, keys: &[u64], look_up: &impl Fn(&F, u64) -> Outcome<u64>) -> Outcome<u64> {
    let mut sum = 0_u64;
    for key in keys {
        sum = sum.wrapping_add(look_up(file, *key)?);
    }
    Ok(black_box(sum))
}

/// Wrong answers to all questions, which also brings all pages in that will be asked for.
fn count_wrong<F>(
    file: &F,
    questions: &Questions,
    look_up: &impl Fn(&F, u64) -> Outcome<u64>,
) -> Outcome<usize> {
    let mut wrong = 0;
    for (key, position) in questions.keys.iter().zip(&questions.positions) {
        wrong += usize::from(look_up(file, *key)? != *position);
    }
    Ok(wrong)
}

/// Bytes that this process had fetched from the disk so far.
fn bytes_read() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix("read_bytes: "));
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}
