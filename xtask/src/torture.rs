//! Long runs of the engine's simulator and of its loop of kill -9: reads the options and starts them in release.

use std::process::Command;

use crate::chore::{self, Outcome, cargo};
use crate::options::choices;

/// What `cargo xtask torture` was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Request {
    seeds: u64,
    /// The first one.
    seed: u64,
    /// Ends sooner than after all seeds.
    minutes: Option<f64>,
}

fn parse(words: &[&str]) -> Outcome<Request> {
    let mut seeds = None;
    let (mut seed, mut minutes) = (0, None);
    for choice in choices(words)? {
        match choice.option {
            "--seeds" => seeds = Some(choice.at_least_one()?),
            "--seed" => seed = choice.number()?,
            "--minutes" => minutes = Some(choice.minutes()?),
            _ => return Err(choice.unknown("torture")),
        }
    }
    // Who names a time wants as many seeds as it takes.
    let default = if minutes.is_some() { u64::MAX } else { 1000 };
    Ok(Request { seeds: seeds.unwrap_or(default), seed, minutes })
}

/// A test of the engine by itself, in release, with what it prints.
fn engine_test(target: &str, name: &str) -> Command {
    let mut command =
        cargo(&["test", "--quiet", "--release", "--package", "stroma-lsm", "--features", "zstd"]);
    command.args(["--test", target, "--", "--exact", name, "--nocapture"]);
    command
}

/// Runs the simulator with the options in `words`.
pub(crate) fn run(words: &[&str]) -> Outcome {
    let request = parse(words)?;
    let mut command = engine_test("simulation", "many_seeds");
    command.env("STROMA_TORTURE_SEEDS", request.seeds.to_string());
    command.env("STROMA_TORTURE_SEED", request.seed.to_string());
    if let Some(minutes) = request.minutes {
        command.env("STROMA_TORTURE_SECONDS", ((minutes * 60.0).ceil() as u64).to_string());
    }
    if request.seeds == 1 {
        // Whoever repeats one seed wants to see what happened.
        command.env("STROMA_TORTURE_TRACE", "1");
    } else {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        command.env("STROMA_TORTURE_THREADS", threads.to_string());
    }
    chore::run("crashes and faults of a simulated device", &mut command)
}

/// Runs the loop of kill -9 on a real disk with the options in `words`.
pub(crate) fn kill(words: &[&str]) -> Outcome {
    let mut command = engine_test("kill", "killed_while_writing_nothing_acknowledged_is_lost");
    command.env("STROMA_KILL_ROUNDS", "1000");
    for choice in choices(words)? {
        match choice.option {
            "--rounds" => command.env("STROMA_KILL_ROUNDS", choice.at_least_one()?.to_string()),
            "--seed" => command.env("STROMA_KILL_SEED", choice.number()?.to_string()),
            _ => return Err(choice.unknown("kill")),
        };
    }
    chore::run("kill -9 while writing", &mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_alone_means_as_many_seeds_as_it_takes() {
        assert_eq!(parse(&[]).unwrap(), Request { seeds: 1000, seed: 0, minutes: None });
        let timed = Request { seeds: u64::MAX, seed: 7, minutes: Some(0.5) };
        assert_eq!(parse(&["--minutes", "0.5", "--seed", "7"]).unwrap(), timed);
        assert!(parse(&["--seeds", "0"]).is_err() && parse(&["--rounds", "3"]).is_err());
        assert!(kill(&["--minutes", "3"]).is_err());
    }
}
