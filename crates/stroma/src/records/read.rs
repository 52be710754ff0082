//! Opening a file of records, or standard input, in whichever format it is.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bson::Document;

use super::delimited::{CellTypes, read_rows};
use super::json_lines::read_lines;
use super::{Format, format};
use crate::failure::{Failure, Result};

/// Documents as they are read; an error ends the import.
pub(crate) type Documents = Box<dyn Iterator<Item = Result<Document>>>;

/// Opens `path` (`-` is standard input) and reads it as documents.
///
/// # Errors
/// When the file cannot be opened, is empty, or its format is neither given nor told by its name.
pub(crate) fn read_documents(path: &Path, format: Option<Format>, types: CellTypes) -> Result<Documents> {
    let is_standard_input = path.as_os_str() == "-";
    let format = format.or_else(|| format::Format::of_path(path)).ok_or_else(|| Failure::Usage {
        what: format!("the format of {} is not clear from its name", path.display()),
        hint: "say --format jsonl, csv or tsv".into(),
    })?;
    let input: Box<dyn Read> = if is_standard_input {
        Box::new(io::stdin())
    } else {
        let open = || {
            let file = File::open(path)?;
            if file.metadata()?.is_dir() {
                Err(io::Error::from(io::ErrorKind::IsADirectory))
            } else {
                Ok(file)
            }
        };
        Box::new(open().map_err(|source| Failure::File { action: "open", path: path.into(), source })?)
    };
    let name = if is_standard_input { "standard input".to_owned() } else { path.display().to_string() };
    Ok(match format {
        Format::JsonLines => Box::new(read_lines(input, name)),
        Format::Csv => Box::new(read_rows(input, name, b',', types)?),
        Format::Tsv => Box::new(read_rows(input, name, b'\t', types)?),
    })
}
