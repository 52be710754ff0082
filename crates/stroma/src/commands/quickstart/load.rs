//! Fills the database: sample documents, genes, the sequence index. What is there already is left alone.

use std::sync::Arc;

use bson::{Bson, Document, doc};
use stromatolite::document::{Collection as Documents, Find, IndexModel, Namespace};
use stromatolite::sequence::{IndexOptions, SequenceIndex, reader};
use stromatolite::{Error, Stromatolite};

use super::collection::Collection;
use crate::commands::import::insert_all;
use crate::commands::index::{add_samples, missing_samples, read_manifest};
use crate::failure::Result;
use crate::output::{Stage, count};
use crate::records::{CellTypes, read_documents};

/// Name of the sequence index.
pub(super) const INDEX: &str = "genomes";

/// A handle on a collection of the database `lab`.
pub(super) fn lab(database: &Stromatolite, collection: &str) -> Result<Documents> {
    let namespace = Namespace::new("lab", collection).map_err(Error::from)?;
    Ok(database.documents().collection(&namespace))
}

/// Loads whatever is missing; true when something was.
pub(super) fn load(database: &Stromatolite, collection: &Collection) -> Result<bool> {
    let samples = read_manifest(&collection.samples)?;
    let index = index(database)?;
    let missing = missing_samples(&index, samples);
    let is_new = load_documents(database, collection)?;
    if !missing.is_empty() {
        add_samples(&index, INDEX, &missing, None)?;
    }
    Ok(is_new || !missing.is_empty())
}

fn index(database: &Stromatolite) -> Result<Arc<SequenceIndex>> {
    match database.sequence_index(INDEX) {
        Err(Error::UnknownIndex { .. }) => {
            Ok(database.create_sequence_index(INDEX, IndexOptions::default())?)
        }
        other => Ok(other?),
    }
}

/// Loads the documents that are missing, as after a quickstart that was stopped; true when any was.
fn load_documents(database: &Stromatolite, collection: &Collection) -> Result<bool> {
    let samples = lab(database, "samples")?;
    samples.create_indexes(&[IndexModel::new(doc! {"species": 1, "year": 1})]).map_err(Error::from)?;
    let rows = read_documents(&collection.samples, None, CellTypes::Inferred)?;
    let are_samples_new = load_missing(&samples, "samples → lab.samples", rows, "sample")?;

    let records = reader::open_path(&collection.genes)
        .map_err(|error| Error::from(stromatolite::sequence::Error::from(error)))?;
    let genes = records
        .map(|record| Ok(gene(&record.map_err(stromatolite::sequence::Error::from).map_err(Error::from)?)));
    let are_genes_new = load_missing(&lab(database, "genes")?, "genes → lab.genes", genes, "_id")?;
    Ok(are_samples_new || are_genes_new)
}

/// Inserts the documents whose `id` no document of the collection has; true when there was any.
fn load_missing(
    target: &Documents,
    title: &str,
    documents: impl Iterator<Item = Result<Document>>,
    id: &str,
) -> Result<bool> {
    let mut missing = Vec::new();
    for document in documents {
        let document = document?;
        let of_its_name = Find::new(doc! {"_id": document.get(id).cloned().unwrap_or(Bson::Null)}).limited(1);
        if target.find(&of_its_name).map_err(Error::from)?.next().is_none() {
            missing.push(Ok(document));
        }
    }
    if missing.is_empty() {
        return Ok(false);
    }
    let stage = Stage::begin(title, Some(missing.len() as u64));
    let loaded = insert_all(target, missing.into_iter(), Some(id), &stage)?;
    stage.end(&format!("{} documents", count(loaded)));
    Ok(true)
}

/// A gene as a document: its name and its bases.
fn gene(record: &reader::Record) -> Document {
    let bases = String::from_utf8_lossy(&record.sequence).into_owned();
    doc! {"_id": record.name.as_str(), "length": Bson::Int32(bases.len() as i32), "sequence": bases}
}
