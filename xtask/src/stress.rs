//! The long stress test of log-structured memory: reads its options, builds it in release and runs it.

use crate::chore::{self, Outcome, cargo};
use crate::options::choices;

/// What `cargo xtask stress` was asked for.
#[derive(Debug, PartialEq)]
struct Request {
    minutes: f64,
    threads: u64,
    seed: u64,
    /// The budget of the pool; small, so that the cleaner always runs.
    capacity_mib: u64,
}

impl Default for Request {
    fn default() -> Self {
        Request { minutes: 10.0, threads: 4, seed: 1, capacity_mib: 4 }
    }
}

/// Runs the stress test with the options in `words`.
pub(crate) fn run(words: &[&str]) -> Outcome {
    let request = parse(words)?;
    let words = arguments(&request);
    let mut command =
        cargo(&["run", "--quiet", "--release", "--package", "stroma-logmem", "--example", "stress", "--"]);
    chore::run("stress of log-structured memory", command.args(words))
}

/// The words that the program itself takes: seconds, threads, seed, MiB.
fn arguments(request: &Request) -> [String; 4] {
    let seconds = (request.minutes * 60.0).ceil() as u64;
    [seconds, request.threads, request.seed, request.capacity_mib].map(|number| number.to_string())
}

fn parse(words: &[&str]) -> Outcome<Request> {
    let mut request = Request::default();
    for choice in choices(words)? {
        match choice.option {
            "--minutes" => request.minutes = choice.minutes()?,
            "--threads" => request.threads = choice.at_least_one()?,
            "--seed" => request.seed = choice.number()?,
            "--capacity" => request.capacity_mib = choice.at_least_one()?,
            _ => return Err(choice.unknown("stress")),
        }
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chore::Failure;

    #[test]
    fn options_come_in_any_order_and_the_rest_has_defaults() {
        assert_eq!(parse(&[]).unwrap(), Request::default());
        let request = parse(&["--seed", "9", "--minutes", "0.5", "--capacity", "64"]).unwrap();
        assert_eq!(request, Request { minutes: 0.5, seed: 9, capacity_mib: 64, ..Request::default() });
        assert_eq!(arguments(&request), ["30", "4", "9", "64"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for words in [
            &["--minutes"][..],
            &["--minutes", "-1"],
            &["--minutes", "NaN"],
            &["--threads", "0"],
            &["--capacity", "0"],
            &["--seed", "x"],
            &["--hours", "1"],
            &["ten"],
        ] {
            let Failure(message) = parse(words).unwrap_err();
            assert!(message.contains(words[0]), "{words:?}: {message}");
        }
    }
}
