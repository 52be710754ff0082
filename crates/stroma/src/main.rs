//! `stroma`, the command line of Stromatolite: documents and sequences in one database.
#![allow(clippy::disallowed_methods, reason = "the program owns the outside world: files, time, processes")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to people")]

mod arguments;
mod commands;
mod failure;
mod output;
mod records;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    match commands::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, failure::Failure::OutputClosed) {
                eprintln!("stroma: {failure}");
            }
            failure.exit_code()
        }
    }
}
