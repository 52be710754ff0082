//! From the words of the command line to the command, and what the commands share.

use std::io::{BufWriter, StdoutLock, Write};
use std::sync::Arc;

use stromatolite::document::Namespace;
use stromatolite::lsm::{Encryption, KeyFile};
use stromatolite::{Options, Stromatolite};

use super::{
    check, compact, completions, dump, export, import, index, inspect, quickstart, repair, search, serve,
};
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
        Command::Repair(arguments) => repair::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// Opens a database that must be there.
pub(super) fn open_existing(data: &Data) -> Result<Stromatolite> {
    open(data, Options::existing())
}

/// Opens a database that must be there to read it, beside a server that may have it open.
pub(super) fn open_to_read(data: &Data) -> Result<Stromatolite> {
    open(data, Options::reading())
}

/// Opens a database, or makes one.
pub(super) fn open_or_create(data: &Data) -> Result<Stromatolite> {
    open(data, Options::default())
}

/// Opens a database that must be there, encrypted or not, so that it can be encrypted.
pub(super) fn open_to_encrypt(data: &Data) -> Result<Stromatolite> {
    let mut options = Options::existing();
    options.engine.encryption = keys(data)?.map(Encryption::adopting_plain_files);
    open_with(data, options)
}

/// The keys that the command line names, if it does.
pub(super) fn keys(data: &Data) -> Result<Option<Encryption>> {
    let Some(path) = &data.key_file else { return Ok(None) };
    let keys = KeyFile::open(path).map_err(|error| Failure::Usage {
        what: error.to_string(),
        hint: "a key file has lines like those of `echo \"main $(openssl rand -hex 32)\"`".into(),
    })?;
    Ok(Some(Encryption::new(Arc::new(keys))))
}

fn open(data: &Data, mut options: Options) -> Result<Stromatolite> {
    options.engine.encryption = keys(data)?;
    open_with(data, options)
}

/// Opens a database and tells when the end of its log had to be left out.
fn open_with(data: &Data, options: Options) -> Result<Stromatolite> {
    let database = Stromatolite::open(&data.folder, options)?;
    if let Some(cut) = &database.engine().recovery_report().log_cut {
        eprintln!(
            "stroma: the last {} bytes of {} ({} whole writes) were left out: the program was stopped hard while \
             writing, or the file was damaged; everything before them is there",
            cut.bytes, cut.segment, cut.records
        );
    }
    Ok(database)
}

/// The collection that the words of the command line name.
pub(super) fn namespace(text: &str) -> Result<Namespace> {
    Namespace::parse(text).map_err(|error| Failure::Usage {
        what: format!("`{text}` names no collection: {}", error.message()),
        hint: "say DATABASE.COLLECTION, such as lab.samples".into(),
    })
}

/// How many processors there are.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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
