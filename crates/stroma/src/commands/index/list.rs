//! `stroma index list`: the indexes of a database, or the samples of one.

use serde_json::json;

use crate::arguments::IndexList;
use crate::commands::run::{open_to_read, print_json, standard_output};
use crate::failure::Result;
use crate::output::{Table, bytes, count};

pub(super) fn run(arguments: &IndexList) -> Result<()> {
    let database = open_to_read(&arguments.data)?;
    match &arguments.index {
        Some(name) => list_samples(&database.sequence_index(name)?.samples(), arguments.json),
        None => list_indexes(&database, arguments.json),
    }
}

fn list_samples(samples: &[stromatolite::sequence::SampleInfo], json: bool) -> Result<()> {
    if json {
        let rows = samples.iter().map(|sample| json!({
            "sample": sample.name, "records": sample.records, "bases": sample.bases, "kmers": sample.indexed_kmers,
        }));
        return print_json(&rows.collect());
    }
    let mut table = Table::new(&["sample", ">records", ">bases", ">k-mers"]);
    for sample in samples {
        let numbers = [sample.records, sample.bases, sample.indexed_kmers].map(count);
        table.row(std::iter::once(sample.name.clone()).chain(numbers));
    }
    table.print(&mut standard_output())
}

fn list_indexes(database: &stromatolite::Stromatolite, json: bool) -> Result<()> {
    let mut rows = Vec::new();
    let mut table = Table::new(&["index", ">k", ">samples", ">layers", ">k-mers in layers", ">bytes"]);
    for name in database.sequence_indexes()? {
        let index = database.sequence_index(&name)?;
        let statistics = index.statistics();
        rows.push(json!({
            "index": name, "k": index.geometry().k(), "samples": statistics.samples, "layers": statistics.layers.len(),
            "kmers": statistics.kmers(), "bytes": statistics.bytes(),
        }));
        table.row([
            name,
            index.geometry().k().to_string(),
            count(statistics.samples as u64),
            count(statistics.layers.len() as u64),
            count(statistics.kmers()),
            bytes(statistics.bytes()),
        ]);
    }
    if json { print_json(&rows.into()) } else { table.print(&mut standard_output()) }
}
