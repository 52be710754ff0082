//! Measures each engine in turn, in processes of their own, and that several times over, so that other load on the
//! machine hits all, and what one leaves in memory no other.

use std::path::PathBuf;
use std::time::Duration;

use super::engine::Product;
use super::work::{Bench, Scale};
use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::Samples;
use crate::process::{Figures, in_a_process};

/// The name of the suite.
const SUITE: &str = "kv";
/// A process that takes longer is ended: so long no engine needs for tens of millions of entries.
const LONGEST: Duration = Duration::from_secs(3 * 3600);

/// Measures all engines.
pub(crate) fn run(settings: &Settings) -> Outcome<Samples> {
    let mut samples = Samples::new(SUITE);
    for run in 1..=settings.runs {
        for product in Product::all().filter(|product| settings.wants(product.name())) {
            eprintln!("run {run} of {}: {}", settings.runs, product.subject());
            let directory = settings.directory.to_string_lossy();
            let numbers = [
                settings.entries,
                settings.memory_bytes as u64,
                settings.size(300_000, 20_000),
                settings.size(500, 100),
                settings.seed,
            ];
            let words = numbers.map(|number| number.to_string());
            let mut arguments = vec![SUITE, product.name(), &directory];
            arguments.extend(words.iter().map(String::as_str));
            in_a_process(&arguments, LONGEST)?.file(&product.subject(), &mut samples);
        }
    }
    Ok(samples)
}

/// What a process started by the suite does: measures one engine once.
pub(crate) fn measure(words: &[&str]) -> Outcome<Figures> {
    let [name, directory, numbers @ ..] = words else { return Err("an engine was to be named".into()) };
    let numbers: Vec<u64> = numbers.iter().map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [entries, memory_bytes, gets, commits, seed] = numbers[..] else {
        return Err("five numbers were to follow".into());
    };
    let scale = Scale { entries, memory_bytes: memory_bytes as usize, gets, commits, seed };
    let product = Product::all().find(|product| product.name() == *name);
    let product = product.ok_or_else(|| format!("there is no engine `{name}`"))?;
    Bench::new(product, scale).run(&PathBuf::from(directory))
}
