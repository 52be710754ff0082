//! The parts of the suite, and what starts them.

use std::time::Duration;

use super::{cache, fill, fragmentation, memtable, ycsb};
use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::Samples;
use crate::process::{self, Figures};

/// What a process of a part does: measures what its words say.
type Measure = fn(&[&str]) -> Outcome<Figures>;

/// A part measures all its subjects in one run, most of them in processes of their own.
struct Part {
    name: &'static str,
    run: fn(&Settings, u64, &mut Samples) -> Outcome,
    /// None where the processes are other programs.
    measure: Option<Measure>,
    /// Memory is nearly the same in each run, while such runs take long: one suffices.
    is_measured_once: bool,
}

const PARTS: [Part; 5] = [
    Part { name: fragmentation::PART, run: fragmentation::run, measure: None, is_measured_once: true },
    Part { name: fill::PART, run: fill::run, measure: Some(fill::measure), is_measured_once: false },
    Part { name: ycsb::PART, run: ycsb::run, measure: Some(ycsb::measure), is_measured_once: false },
    Part {
        name: memtable::PART,
        run: memtable::run,
        measure: Some(memtable::measure),
        is_measured_once: false,
    },
    Part { name: cache::PART, run: cache::run, measure: Some(cache::measure), is_measured_once: true },
];

/// The names of all parts.
pub(crate) fn part_names() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|part| part.name)
}

/// Measures all parts, or the one that was asked for.
pub(crate) fn run(settings: &Settings) -> Outcome<Samples> {
    let mut samples = Samples::new("logmem");
    for part in PARTS.iter().filter(|part| settings.part.is_none_or(|only| only == part.name)) {
        // A part of a minute or more is measured less often than one of seconds.
        let runs = if part.is_measured_once { 1 } else { settings.runs };
        for run in 0..runs {
            eprintln!("{}: run {} of {runs}", part.name, run + 1);
            (part.run)(settings, settings.seed + run as u64, &mut samples)?;
        }
    }
    Ok(samples)
}

/// What a process started by a part does: measures one subject.
pub(crate) fn measure(words: &[&str]) -> Outcome<Figures> {
    let (name, rest) = words.split_first().ok_or("no part was named")?;
    let part = PARTS.iter().find(|part| part.name == *name).and_then(|part| part.measure);
    part.ok_or_else(|| format!("`{name}` has no processes of its own"))?(rest)
}

/// A process that takes longer is ended: some peers do some of the work in linear time.
const LONGEST: Duration = Duration::from_secs(90);

/// Measures in a new process; `arguments` begin with the part. No figures if it takes too long.
pub(super) fn in_a_process(arguments: &[&str]) -> Outcome<Figures> {
    process::in_a_process(&[&["logmem"], arguments].concat(), LONGEST)
}
