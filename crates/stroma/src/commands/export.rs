//! `stroma export`: the documents of a collection, all or those that match, as lines of text.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use bson::{Bson, Document};
use stromatolite::document::{Find, Namespace};
use stromatolite::{Error, Stromatolite};

use super::run::{namespace, open_to_read, standard_output};
use crate::arguments::Export;
use crate::failure::{Failure, Result};
use crate::records::{DocumentWriter, Format, JsonStyle};

pub(super) fn run(arguments: &Export) -> Result<()> {
    let namespace = namespace(&arguments.namespace)?;
    let filter = arguments.filter.as_deref().map_or_else(|| Ok(Document::new()), parse_filter)?;
    let named = arguments.output.as_deref().and_then(Format::of_path);
    let format = arguments.format.or(named).unwrap_or(Format::JsonLines);
    if format != Format::JsonLines && arguments.fields.is_empty() {
        return Err(Failure::Usage {
            what: "a table needs to know its columns".into(),
            hint: "name them: --fields _id,species,year".into(),
        });
    }
    let style = if arguments.canonical { JsonStyle::Canonical } else { JsonStyle::Relaxed };
    let database = open_to_read(&arguments.data)?;
    tell_when_missing(&database, &namespace)?;
    let found = database.documents().collection(&namespace).find(&Find::new(filter));
    let documents = found.map_err(Error::from)?.map(|document| Ok(document.map_err(Error::from)?));
    match &arguments.output {
        None => {
            write_all(documents, DocumentWriter::new(standard_output(), format, style, &arguments.fields)?)
        }
        Some(path) => {
            let target = Target::create(path)?;
            let output = BufWriter::new(&target.file);
            let written = DocumentWriter::new(output, format, style, &arguments.fields)
                .and_then(|writer| write_all(documents, writer));
            target.finish(written)
        }
    }
}

fn write_all<W: Write>(
    documents: impl Iterator<Item = Result<Document>>,
    mut writer: DocumentWriter<W>,
) -> Result<()> {
    for document in documents {
        writer.write(document?)?;
    }
    writer.finish()
}

/// A collection that is not there is an empty one, as everywhere in MongoDB's language; a slip of the pen is likelier.
fn tell_when_missing(database: &Stromatolite, namespace: &Namespace) -> Result<()> {
    let there = database.documents().list_collections(namespace.database()).map_err(Error::from)?;
    if !there.iter().any(|collection| collection.namespace == *namespace) {
        eprintln!("stroma: there is no collection {namespace}, so nothing is exported");
    }
    Ok(())
}

/// The file that is written: beside its final name until it is whole, so that a failure leaves what was there.
struct Target<'a> {
    file: File,
    /// Where it is written, when that is not its final name.
    beside: Option<PathBuf>,
    path: &'a Path,
}

impl<'a> Target<'a> {
    fn create(path: &'a Path) -> Result<Self> {
        // A pipe or a device is written in place.
        let beside = (!path.exists() || path.is_file()).then(|| {
            let mut name = path.as_os_str().to_owned();
            name.push(".partial");
            PathBuf::from(name)
        });
        let file = File::create(beside.as_deref().unwrap_or(path)).map_err(|source| Failure::File {
            action: "create",
            path: path.into(),
            source,
        })?;
        Ok(Target { file, beside, path })
    }

    /// Gives the file its name if all was written, and takes it away if not.
    fn finish(self, written: Result<()>) -> Result<()> {
        let failed = |source| Failure::File { action: "write", path: self.path.into(), source };
        let Some(beside) = &self.beside else { return written };
        let outcome = match written {
            Ok(()) => std::fs::rename(beside, self.path).map_err(failed),
            Err(Failure::File { source, .. }) => Err(failed(source)),
            Err(other) => Err(other),
        };
        if outcome.is_err() {
            // What matters is told already.
            let _ = std::fs::remove_file(beside);
        }
        outcome
    }
}

/// A filter in MongoDB's extended JSON.
fn parse_filter(text: &str) -> Result<Document> {
    let failure =
        |what: String| Failure::Usage { what, hint: "write it as JSON, such as '{\"year\": 2003}'".into() };
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| failure(format!("--filter is not JSON: {error}")))?;
    match Bson::try_from(value) {
        Ok(Bson::Document(filter)) => Ok(filter),
        Ok(_) => Err(failure("--filter is not an object".into())),
        Err(error) => Err(failure(format!("--filter is not extended JSON: {error}"))),
    }
}
