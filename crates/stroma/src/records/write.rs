//! Writing documents out again as JSON lines, or as rows of a table whose columns are named beforehand.

use std::io::Write;

use bson::{Bson, Document};

use super::Format;
use crate::failure::{Failure, Result};

/// How numbers are written in extended JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonStyle {
    /// As numbers: easy to read; whether a small integer had 32 or 64 bits is lost.
    Relaxed,
    /// Each with its type: nothing is lost.
    Canonical,
}

/// Writes documents to a stream in one format.
pub(crate) enum DocumentWriter<W: Write> {
    /// One document a line, as extended JSON.
    JsonLines(W, JsonStyle),
    /// Rows; nested values are written as JSON in their cell.
    Delimited {
        /// The file being written.
        rows: Box<csv::Writer<W>>,
        /// The fields that are the columns, in order; dots reach into nested documents.
        fields: Vec<String>,
    },
}

impl<W: Write> DocumentWriter<W> {
    /// A writer; a table's columns are `fields`.
    pub(crate) fn new(output: W, format: Format, style: JsonStyle, fields: &[String]) -> Result<Self> {
        let separator = match format {
            Format::JsonLines => return Ok(DocumentWriter::JsonLines(output, style)),
            Format::Csv => b',',
            Format::Tsv => b'\t',
        };
        let mut rows = Box::new(csv::WriterBuilder::new().delimiter(separator).from_writer(output));
        rows.write_record(fields).map_err(write_failure)?;
        Ok(DocumentWriter::Delimited { rows, fields: fields.to_vec() })
    }

    /// Writes one document.
    pub(crate) fn write(&mut self, document: Document) -> Result<()> {
        match self {
            DocumentWriter::JsonLines(output, style) => {
                let line = match style {
                    JsonStyle::Relaxed => Bson::Document(document).into_relaxed_extjson(),
                    JsonStyle::Canonical => Bson::Document(document).into_canonical_extjson(),
                };
                writeln!(output, "{line}").map_err(Failure::output)
            }
            DocumentWriter::Delimited { rows, fields } => {
                let cells = fields.iter().map(|field| find(&document, field).map_or_else(String::new, cell));
                rows.write_record(cells).map_err(write_failure)
            }
        }
    }

    /// Hands what is buffered to the stream.
    pub(crate) fn finish(self) -> Result<()> {
        match self {
            DocumentWriter::JsonLines(mut output, _) => output.flush(),
            DocumentWriter::Delimited { mut rows, .. } => rows.flush(),
        }
        .map_err(Failure::output)
    }
}

fn write_failure(error: csv::Error) -> Failure {
    Failure::output(error.into())
}

/// The value at a dotted path through nested documents.
pub(crate) fn find<'a>(document: &'a Document, path: &str) -> Option<&'a Bson> {
    if let Some(value) = document.get(path) {
        return Some(value);
    }
    let (head, rest) = path.split_once('.')?;
    find(document.get_document(head).ok()?, rest)
}

/// A value as the text of a cell.
pub(crate) fn cell(value: &Bson) -> String {
    match value {
        Bson::String(text) => text.clone(),
        Bson::Null | Bson::Undefined => String::new(),
        Bson::Boolean(value) => value.to_string(),
        Bson::Int32(value) => value.to_string(),
        Bson::Int64(value) => value.to_string(),
        Bson::Double(value) => value.to_string(),
        Bson::ObjectId(value) => value.to_hex(),
        other => other.clone().into_relaxed_extjson().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::{DocumentWriter, Format, JsonStyle};

    fn written(format: Format, fields: &[&str]) -> String {
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let mut output = Vec::new();
        let mut writer = DocumentWriter::new(&mut output, format, JsonStyle::Relaxed, &fields).unwrap();
        writer
            .write(doc! {"_id": "A", "year": 1994, "place": {"country": "Gambia, The"}, "tags": ["x"]})
            .unwrap();
        writer.write(doc! {"_id": "B"}).unwrap();
        writer.finish().unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn json_lines_are_relaxed() {
        let text = written(Format::JsonLines, &[]);
        assert_eq!(
            text.lines().next(),
            Some(r#"{"_id":"A","year":1994,"place":{"country":"Gambia, The"},"tags":["x"]}"#)
        );
    }

    #[test]
    fn a_table_reaches_into_documents_and_quotes() {
        let text = written(Format::Csv, &["_id", "place.country", "tags"]);
        assert_eq!(text, "_id,place.country,tags\nA,\"Gambia, The\",\"[\"\"x\"\"]\"\nB,,\n");
    }
}
