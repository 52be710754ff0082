//! `stroma import`: a file of records into a collection, batch by batch.

use bson::{Bson, Document};
use stromatolite::document::Collection;

use super::run::{namespace, open_or_create};
use crate::arguments::Import;
use crate::failure::{Failure, Result};
use crate::output::{Stage, count};
use crate::records::{CellTypes, read_documents};

/// Documents committed together; a failure leaves whole batches.
const BATCH: usize = 1000;
/// A batch is also full at this many bytes.
const BATCH_BYTES: usize = 8 << 20;

pub(super) fn run(arguments: &Import) -> Result<()> {
    let namespace = namespace(&arguments.namespace)?;
    let types = if arguments.strings { CellTypes::Strings } else { CellTypes::Inferred };
    let documents = read_documents(&arguments.file, arguments.format, types)?;
    let database = open_or_create(&arguments.data)?;
    let collection = database.documents().collection(&namespace);
    let stage = Stage::begin(format!("import {}", arguments.namespace), None);
    let imported = insert_all(&collection, documents, arguments.id.as_deref(), &stage)?;
    database.close()?;
    stage.end(&format!("{} documents", count(imported)));
    Ok(())
}

/// Inserts the documents in batches and returns how many there were.
pub(super) fn insert_all(
    collection: &Collection,
    documents: impl Iterator<Item = Result<Document>>,
    id: Option<&str>,
    stage: &Stage,
) -> Result<u64> {
    let mut total = 0;
    let outcome = insert_batches(collection, documents, id, stage, &mut total);
    match outcome {
        Ok(()) => Ok(total),
        Err(source) => Err(Failure::Import { imported: total, source: Box::new(source) }),
    }
}

fn insert_batches(
    collection: &Collection,
    documents: impl Iterator<Item = Result<Document>>,
    id: Option<&str>,
    stage: &Stage,
    total: &mut u64,
) -> Result<()> {
    let mut batch = Vec::new();
    let mut batch_bytes = 0;
    for document in documents {
        let document = match id {
            Some(field) => with_id(document?, field)?,
            None => document?,
        };
        batch_bytes += approximate_bytes(&document);
        batch.push(document);
        if batch.len() >= BATCH || batch_bytes >= BATCH_BYTES {
            insert(collection, std::mem::take(&mut batch), stage, total)?;
            batch_bytes = 0;
        }
    }
    if !batch.is_empty() {
        insert(collection, batch, stage, total)?;
    }
    Ok(())
}

fn insert(collection: &Collection, batch: Vec<Document>, stage: &Stage, total: &mut u64) -> Result<()> {
    let outcome = collection.insert_many(batch, true).map_err(stromatolite::Error::from)?;
    stage.advance(outcome.inserted);
    *total += outcome.inserted;
    match outcome.errors.into_iter().next() {
        None => Ok(()),
        Some(failed) => Err(stromatolite::Error::from(failed.error).into()),
    }
}

/// Moves a field to the front as `_id`.
fn with_id(mut document: Document, field: &str) -> Result<Document> {
    let value = document.remove(field).ok_or_else(|| Failure::Usage {
        what: format!("a document has no field `{field}` to become its _id: {document}"),
        hint: "name a field that every document has with --id".into(),
    })?;
    let mut with_id = Document::new();
    with_id.insert("_id", value);
    with_id.extend(document);
    Ok(with_id)
}

/// About how many bytes a document takes: enough to keep batches small.
fn approximate_bytes(document: &Document) -> usize {
    document
        .iter()
        .map(|(name, value)| {
            name.len()
                + match value {
                    Bson::String(text) => text.len(),
                    Bson::Binary(binary) => binary.bytes.len(),
                    Bson::Document(inner) => approximate_bytes(inner),
                    Bson::Array(values) => 64 * values.len(),
                    _ => 16,
                }
        })
        .sum()
}
