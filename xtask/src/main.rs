//! The chores of the project, run as `cargo xtask <chore>`; `cargo xtask help` lists them.
#![allow(clippy::disallowed_methods, reason = "a build tool: files, processes and clocks are its business")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who runs it")]

mod chore;
mod end_to_end;
mod genomes;
mod models;
mod options;
mod packages;
mod reads;
mod sanitize;
mod stress;
mod suite;
mod tidy;
mod torture;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <chore>

  test          everything CI runs: formatting, lints, tidy, unit, property, doc and end-to-end tests
  test --quick  the same without the end-to-end tests and the long kill -9 loop
  tidy          the rules no compiler checks: lengths, module heads, stray files, links, dependencies
  models        logmem under a scheduler that chooses, at each access, which thread goes on
  end-to-end    the end-to-end tests alone: pymongo, mongosh and the command line against a real server
  stress        many threads on a small log-structured store, every answer checked
                  --minutes 10  --threads 4  --seed 1  --capacity 4 (MiB)
  torture       the storage engine under crashes at storage operations and faults of the device, checked with a model
                  --seeds 1000  --seed 0 (the first)  --minutes M (as many seeds as it takes)
  kill          the storage engine killed (SIGKILL) while it writes to a real disk
                  --rounds 1000  --seed 0
  genomes       34 complete bacterial genomes out of Debian's packages (165 MB to download), for the tests and
                measurements of sequence search; another folder than target/genomes may be named
  reads         k-mers of simulated and real reads, counted by us and by KMC, must be the same (127 MB to download;
                needs the packages kmc, samtools and art-nextgen-simulation-tools; says so where one is missing)
  sanitize      the tests of all crates with `unsafe` under sanitizers: address, thread; both if none is named
  help          this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => suite::run(suite::Extent::Whole),
        ["test", "--quick"] => suite::run(suite::Extent::Quick),
        ["tidy"] => tidy::run(),
        ["models"] => models::run(),
        ["end-to-end"] => end_to_end::run(),
        ["stress", options @ ..] => stress::run(options),
        ["torture", options @ ..] => torture::run(options),
        ["kill", options @ ..] => torture::kill(options),
        ["genomes"] => genomes::run(None),
        ["genomes", folder] => genomes::run(Some(folder)),
        ["reads"] => reads::run(),
        ["sanitize", names @ ..] => sanitize::run(names),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(chore::Failure(format!("unknown chore `{}`\n\n{HELP}", words.join(" ")))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
