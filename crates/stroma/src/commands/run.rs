//! From the words of the command line to the command, and what the commands share.

use std::io::{BufWriter, StdoutLock, Write};

use stromatolite::lsm::LogCut;
use stromatolite::{Options, Stromatolite};

use super::{check, compact, completions, export, import, index, inspect, quickstart, search, serve};
use crate::arguments::{Command, Data};
use crate::failure::{Failure, Result};

/// Runs one command.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Quickstart(arguments) => quickstart::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Index(arguments) => index::run(&arguments),
        Command::Search(arguments) => search::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Compact(arguments) => compact::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// Opens a database that must be there.
pub(super) fn open_existing(data: &Data) -> Result<Stromatolite> {
    open(data, Options::existing())
}

/// Opens a database, or makes one.
pub(super) fn open_or_create(data: &Data) -> Result<Stromatolite> {
    open(data, Options::default())
}

/// Opens a database, and tells when the last process that had it open did not end well.
fn open(data: &Data, options: Options) -> Result<Stromatolite> {
    let database = Stromatolite::open(&data.folder, options)?;
    if let Some(cut) = &database.engine().recovery_report().log_cut {
        let LogCut { segment, offset, bytes, .. } = cut;
        eprintln!(
            "stroma: the database was not closed: {bytes} bytes of commits that were never acknowledged as synced were \
             cut from the log ({segment} at offset {offset}); everything before them is there"
        );
    }
    Ok(database)
}

/// Standard output, buffered; to be flushed at the end.
pub(super) fn standard_output() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(std::io::stdout().lock())
}

/// Prints a JSON value, indented, as the whole output of a command.
pub(super) fn print_json(value: &serde_json::Value) -> Result<()> {
    let mut output = standard_output();
    writeln!(output, "{value:#}").and_then(|()| output.flush()).map_err(Failure::output)
}
