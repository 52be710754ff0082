//! Measures Stromatolite against named peers: `cargo run --release -- <suite>`; see `README.md`.

#![deny(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock and owns its files")]

mod arguments;
mod histogram;
mod index;
mod kv;
mod logmem;
mod machine;
mod measure;
mod process;
mod random;
mod report;
mod suites;

use std::process::ExitCode;

use arguments::{Command, Settings};

pub(crate) use stroma_bench_allocators::{Failure, Outcome};

fn run_suites(names: &[&'static str], settings: &Settings) -> Outcome {
    for name in names {
        let mut facts = machine::facts(settings);
        println!("# {name}");
        for (what, text) in &facts {
            println!("{what}: {text}");
        }
        let samples = suites::find(name)?(settings)?;
        facts.push(("load at the end", machine::load_average()));
        println!("load at the end: {}\n", machine::load_average());
        print!("{}", report::table(&samples));
        let path = report::write(&samples, &facts, settings)?;
        println!("written to {}\n", path.display());
    }
    Ok(())
}

/// One measurement in a process of its own: suite, part, and what the part needs to know.
fn measure(arguments: &[String]) -> Outcome {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.split_first() {
        Some((&"logmem", rest)) => logmem::measure(rest)?.print(),
        Some((&"index", rest)) => index::measure(rest)?.print(),
        Some((&"kv", rest)) => kv::measure(rest)?.print(),
        _ => return Err("no suite was named that has processes of its own".into()),
    }
    Ok(())
}

fn main() -> ExitCode {
    let outcome = arguments::parse().and_then(|command| match command {
        Command::Help(text) => {
            println!("{text}");
            Ok(())
        }
        Command::Suites(names, settings) => run_suites(&names, &settings),
        Command::Plot => report::plot_all(),
        Command::Measure(arguments) => measure(&arguments),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
