//! `stroma export`: the documents of a collection, all or those that match, as lines of text.

use std::fs::File;
use std::io::{BufWriter, Write};

use bson::{Bson, Document};
use stromatolite::document::{Find, Namespace};

use super::run::{open_existing, standard_output};
use crate::arguments::Export;
use crate::failure::{Failure, Result};
use crate::records::{DocumentWriter, Format};

pub(super) fn run(arguments: &Export) -> Result<()> {
    let namespace = Namespace::parse(&arguments.namespace).map_err(stromatolite::Error::from)?;
    let filter = arguments.filter.as_deref().map_or_else(|| Ok(Document::new()), parse_filter)?;
    let format = arguments.format.or_else(|| Format::of_path(arguments.output.as_deref()?));
    let database = open_existing(&arguments.data)?;
    let found = database.documents().collection(&namespace).find(&Find::new(filter));
    let documents = found.map_err(stromatolite::Error::from)?;
    let output: Box<dyn Write> = match &arguments.output {
        None => Box::new(standard_output()),
        Some(path) => {
            let file = File::create(path).map_err(|source| Failure::File {
                action: "create",
                path: path.clone(),
                source,
            })?;
            Box::new(BufWriter::new(file))
        }
    };
    let mut writer = DocumentWriter::new(output, format.unwrap_or(Format::JsonLines), &arguments.fields)?;
    for document in documents {
        writer.write(document.map_err(stromatolite::Error::from)?)?;
    }
    writer.finish()
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
