//! The three questions of the quickstart: metadata, sequence, and both in one pipeline.

use std::io::Write;

use bson::{Document, doc};
use stromatolite::document::{Aggregate, Find};
use stromatolite::sequence::{Query, SearchOptions};
use stromatolite::{Error, Stromatolite};

use super::load::{INDEX, lab};
use crate::commands::search::add_rows;
use crate::failure::{Failure, Result};
use crate::output::Table;
use crate::records::{cell, find};

/// The gene that the questions are about: resistance to methicillin.
pub(super) const GENE: &str = "mecA";
const SPECIES: &str = "Staphylococcus aureus";
const YEAR: i32 = 2003;
const THRESHOLD: f64 = 0.8;

/// Answers all three.
pub(super) fn answer_all(database: &Stromatolite, output: &mut impl Write) -> Result<()> {
    metadata(database, output)?;
    let gene = gene(database)?;
    sequence(database, &gene, output)?;
    both(database, &gene, output)
}

fn ask(output: &mut impl Write, number: u32, question: &str, how: &str) -> Result<()> {
    writeln!(output, "\n{number}. {question}\n   {how}").map_err(Failure::output)
}

fn metadata(database: &Stromatolite, output: &mut impl Write) -> Result<()> {
    let question = format!("Which samples of {SPECIES} were collected since 1990?");
    let filter = doc! {"species": SPECIES, "year": {"$gte": 1990}};
    ask(output, 1, &question, &format!("db.samples.find({filter}).sort({{ \"year\": 1 }})"))?;
    let found = lab(database, "samples")?.find(&Find::new(filter).sorted(doc! {"year": 1, "_id": 1}));
    let mut table = Table::new(&["sample", "strain", ">year", "country", "source"]);
    for sample in found.map_err(Error::from)? {
        let sample = sample.map_err(Error::from)?;
        table.row(fields(&sample, &["_id", "strain", "year", "country", "isolation_source"]));
    }
    table.print(output)
}

fn sequence(database: &Stromatolite, gene: &str, output: &mut impl Write) -> Result<()> {
    let question = format!("Which samples hold {GENE}, the gene that makes them resistant to methicillin?");
    ask(
        output,
        2,
        &question,
        &format!("at least {THRESHOLD} of its distinct k-mers, in the index `{INDEX}`"),
    )?;
    let index = database.sequence_index(INDEX)?;
    let queries = std::iter::once(Ok(Query::new(GENE, gene.as_bytes())));
    let options = SearchOptions { threshold: THRESHOLD, ..SearchOptions::default() };
    let mut table = Table::new(&["query", ">k-mers", "sample", ">found", ">share"]);
    for result in index.search(queries, options).map_err(Error::from)? {
        add_rows(&mut table, &result.map_err(Error::from)?);
    }
    table.print(output)
}

fn both(database: &Stromatolite, gene: &str, output: &mut impl Write) -> Result<()> {
    let question = format!("Which samples of {SPECIES} from {YEAR} hold {GENE}?");
    let how = format!(
        "db.samples.aggregate([{{ \"$sequenceSearch\": {{ \"index\": \"{INDEX}\", \"query\": {GENE}, \"threshold\": \
         {THRESHOLD} }} }},\n   \
         {{ \"$match\": {{ \"species\": \"{SPECIES}\", \"year\": {YEAR} }} }}])"
    );
    ask(output, 3, &question, &how)?;
    let pipeline = vec![
        doc! {"$sequenceSearch": {"index": INDEX, "query": {"name": GENE, "sequence": gene}, "threshold": THRESHOLD}},
        doc! {"$match": {"species": SPECIES, "year": YEAR}},
        doc! {"$set": {"share": {"$concat": [
        {"$toString": {"$round": [{"$multiply": ["$sequenceMatch.score", 100]}, 1]}}, " %"]}}},
    ];
    let mut table = Table::new(&["sample", "strain", ">year", "country", ">share"]);
    for sample in lab(database, "samples")?.aggregate(&Aggregate::new(pipeline)).map_err(Error::from)? {
        let sample = sample.map_err(Error::from)?;
        table.row(fields(&sample, &["_id", "strain", "year", "country", "share"]));
    }
    table.print(output)
}

/// The bases of the gene, from the collection they were loaded into.
pub(super) fn gene(database: &Stromatolite) -> Result<String> {
    let mut found = lab(database, "genes")?.find(&Find::new(doc! {"_id": GENE})).map_err(Error::from)?;
    let gene = found.next().transpose().map_err(Error::from)?;
    let bases = gene.as_ref().and_then(|gene| gene.get_str("sequence").ok()).map(str::to_owned);
    bases.ok_or_else(|| Failure::Usage {
        what: format!("the collection lab.genes holds no {GENE}"),
        hint: "start anew in another folder with --data".into(),
    })
}

fn fields(document: &Document, paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| find(document, path).map_or_else(String::new, cell)).collect()
}
