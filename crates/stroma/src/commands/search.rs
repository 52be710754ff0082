//! `stroma search`: which samples of an index hold the queries, as a table, TSV or JSON lines.

use std::io::{IsTerminal, Write};

use stromatolite::sequence::output::{JsonLinesWriter, ResultWriter, TsvColumns, TsvWriter};
use stromatolite::sequence::{Outcome, Query, QueryResult, SearchOptions, reader};

use super::run::{open_to_read, processors, standard_output};
use crate::arguments::{Search, SearchFormat};
use crate::failure::{Failure, Result};
use crate::output::{Table, count};

/// An answer as it comes.
type Answer = std::result::Result<QueryResult, stromatolite::sequence::Error>;
/// Queries as they are read, or the error that ends them.
type Queries = Box<dyn Iterator<Item = std::result::Result<Query, stromatolite::sequence::Error>> + Send>;

pub(super) fn run(arguments: &Search) -> Result<()> {
    let database = open_to_read(&arguments.data)?;
    let index = database.sequence_index(&arguments.index)?;
    let options = SearchOptions {
        threshold: arguments.threshold,
        top: arguments.top,
        positions: arguments.positions,
        abundances: arguments.abundances,
        threads: arguments.threads.unwrap_or_else(processors),
    };
    let results = index.search(queries(arguments)?, options).map_err(stromatolite::Error::from)?;
    let columns = TsvColumns { abundances: arguments.abundances, positions: arguments.positions };
    let mut output = standard_output();
    let default = if std::io::stdout().is_terminal() { SearchFormat::Table } else { SearchFormat::Tsv };
    match arguments.format.unwrap_or(default) {
        SearchFormat::Table => print_table(results, &mut output)?,
        SearchFormat::Tsv => write_all(results, TsvWriter::with_columns(&mut output, columns))?,
        SearchFormat::Jsonl => write_all(results, JsonLinesWriter::new(&mut output))?,
        #[cfg(feature = "parquet")]
        SearchFormat::Parquet => {
            write_all(results, stromatolite::sequence::output::ParquetWriter::new(&mut output, columns))?;
        }
    }
    output.flush().map_err(Failure::output)
}

fn write_all(results: impl Iterator<Item = Answer>, mut writer: impl ResultWriter) -> Result<()> {
    for result in results {
        writer.write(&result.map_err(stromatolite::Error::from)?).map_err(Failure::output)?;
    }
    writer.finish().map_err(Failure::output)
}

fn queries(arguments: &Search) -> Result<Queries> {
    if let Some(bases) = &arguments.sequence {
        let bases: Vec<u8> = bases.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        if let Some(position) = reader::first_foreign(&bases) {
            return Err(Failure::Usage {
                what: format!(
                    "--sequence: byte {:#04x} in column {} is no nucleotide code",
                    bases[position],
                    position + 1
                ),
                hint: "write A, C, G, T, U, N or another IUPAC code".into(),
            });
        }
        return Ok(Box::new(std::iter::once(Ok(Query::new("query", bases)))));
    }
    let Some(path) = &arguments.queries else { return Ok(Box::new(std::iter::empty())) };
    let records = if path.as_os_str() == "-" {
        reader::open_reader(std::io::stdin(), "standard input")
    } else {
        reader::open_path(path)
    };
    let records =
        records.map_err(|error| stromatolite::Error::from(stromatolite::sequence::Error::from(error)))?;
    Ok(Box::new(Query::from_reader(records)))
}

/// One table for all queries; a query without a hit, or one that cannot be searched, has its row too.
fn print_table(results: impl Iterator<Item = Answer>, output: &mut impl Write) -> Result<()> {
    let mut table = Table::new(&["query", ">k-mers", "sample", ">found", ">share"]);
    for result in results {
        add_rows(&mut table, &result.map_err(stromatolite::Error::from)?);
    }
    table.print(output)
}

/// Adds the rows of one query.
pub(super) fn add_rows(table: &mut Table, result: &QueryResult) {
    let kmers = count(result.kmers);
    match &result.outcome {
        Outcome::Hits(hits) if hits.is_empty() => {
            table.row([result.name.as_str(), &kmers, "(in no sample)", "", ""]);
        }
        Outcome::Hits(hits) => {
            for hit in hits {
                let share = format!("{:.1} %", 100.0 * hit.share);
                table.row([result.name.as_str(), &kmers, &*hit.sample, &count(hit.found), &share]);
            }
        }
        Outcome::TooShort { length, k } => {
            let why = format!("(too short: {length} bases, k = {k})");
            table.row([result.name.as_str(), &kmers, &why, "", ""]);
        }
        Outcome::NoKmers => {
            table.row([result.name.as_str(), &kmers, "(no k-mer without an ambiguous base)", "", ""]);
        }
    }
}
