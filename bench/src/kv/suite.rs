//! The parts of the suite. Each engine is measured in turn, in processes of their own, and that several times over, so
//! that other load on the machine hits all, and what one leaves in memory no other.

use std::path::Path;
use std::time::Duration;

use super::bench::{Bench, Scale};
use super::engine::Product;
use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::Samples;
use crate::process::{Figures, in_a_process};

/// The name of the suite.
const SUITE: &str = "kv";
/// A process that takes longer is ended: so long no engine needs for tens of millions of entries.
const LONGEST: Duration = Duration::from_secs(3 * 3600);
/// For a queue: who steps over every entry that was ever taken from it is not waited for.
const LONGEST_QUEUE: Duration = Duration::from_secs(60);
/// Stands for a part in the process that recovery starts.
pub(super) const ABORTING: &str = "aborting";

/// The parts.
const PARTS: [&str; 6] = ["basic", "mixes", "queue", "deletes", "values", "recovery"];

/// The names of all parts.
pub(crate) fn part_names() -> impl Iterator<Item = &'static str> {
    PARTS.into_iter()
}

/// Measures all engines.
pub(crate) fn run(settings: &Settings) -> Outcome<Samples> {
    let mut samples = Samples::new(SUITE);
    let directory = settings.directory.to_string_lossy();
    let numbers = [
        settings.entries,
        settings.memory_bytes as u64,
        settings.size(300_000, 20_000),
        settings.size(500, 100),
        settings.size(256 << 20, 8 << 20),
        settings.seed,
    ];
    let words = numbers.map(|number| number.to_string());
    for part in PARTS.into_iter().filter(|part| settings.part.is_none_or(|only| only == *part)) {
        for run in 1..=settings.runs {
            for product in Product::all().filter(|product| settings.wants(product.name())) {
                eprintln!("{part}, run {run} of {}: {}", settings.runs, product.subject());
                let mut arguments = vec![SUITE, part, product.name(), &directory];
                arguments.extend(words.iter().map(String::as_str));
                let longest = if part == "queue" { LONGEST_QUEUE } else { LONGEST };
                in_a_process(&arguments, longest)?.file(&product.subject(), &mut samples);
            }
        }
    }
    Ok(samples)
}

/// What a process started by the suite does: one part with one engine, once.
pub(crate) fn measure(words: &[&str]) -> Outcome<Figures> {
    let [part, name, directory, numbers @ ..] = words else {
        return Err("a part, an engine and a folder were to be named".into());
    };
    let product = Product::all().find(|product| product.name() == *name);
    let product = product.ok_or_else(|| format!("there is no engine `{name}`"))?;
    let mut bench = Bench::new(product, scale(numbers)?);
    if let (&ABORTING, Some(folder)) = (part, numbers.get(6)) {
        bench.abort_in_use(Path::new(folder))?;
    }
    let folder = tempfile::tempdir_in(directory)?;
    let place = folder.path().join("database");
    match *part {
        "basic" => bench.basic(folder.path())?,
        "mixes" => bench.mixes(&place)?,
        "queue" => bench.queue(&place)?,
        "deletes" => bench.deletes(&place)?,
        "values" => bench.values(folder.path())?,
        "recovery" => bench.recovery(&place, words)?,
        other => return Err(format!("there is no part `{other}`").into()),
    }
    Ok(bench.figures)
}

fn scale(words: &[&str]) -> Outcome<Scale> {
    let numbers: Vec<u64> = words.iter().take(6).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [entries, memory_bytes, gets, commits, value_bytes, seed] = numbers[..] else {
        return Err("six numbers were to follow".into());
    };
    Ok(Scale { entries, memory_bytes: memory_bytes as usize, gets, commits, value_bytes, seed })
}
