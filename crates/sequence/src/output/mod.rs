//! Writes search results as tab-separated values, as JSON lines, or (with the feature `parquet`) as a Parquet file,
//! to any [`std::io::Write`].

mod json;
#[cfg(feature = "parquet")]
mod parquet;
mod tsv;

use std::io;

pub use json::JsonLinesWriter;
#[cfg(feature = "parquet")]
pub use parquet::ParquetWriter;
pub use tsv::{TsvColumns, TsvWriter};

use crate::search::QueryResult;

/// Takes results one by one and writes them.
pub trait ResultWriter {
    /// Writes one result.
    ///
    /// # Errors
    /// Those of the stream.
    fn write(&mut self, result: &QueryResult) -> io::Result<()>;

    /// Writes what is still to be written (a header where there was no result) and flushes the stream.
    ///
    /// # Errors
    /// Those of the stream.
    fn finish(&mut self) -> io::Result<()>;
}

#[cfg(test)]
pub(crate) fn examples() -> [QueryResult; 5] {
    use crate::search::{Hit, Outcome};
    let result = |name: &str, length, kmers, needed, outcome| QueryResult {
        name: name.to_owned(),
        length,
        kmers,
        needed,
        outcome,
    };
    let hit = |sample: &str, found, share| Hit {
        sample: sample.into(),
        found,
        share,
        abundance: None,
        positions: None,
    };
    let told = Hit { abundance: Some(2.5), positions: Some(vec![0..8, 19..20]), ..hit("d", 9, 0.45) };
    [
        result("q1", 40, 3, 1, Outcome::Hits(vec![hit("a \"b\"", 3, 1.0), hit("c", 2, 2.0 / 3.0)])),
        result("q\t2", 31, 1, 1, Outcome::Hits(vec![])),
        result("q3", 7, 0, 0, Outcome::TooShort { length: 7, k: 31 }),
        result("q4", 70, 0, 0, Outcome::NoKmers),
        result("q5", 50, 20, 1, Outcome::Hits(vec![told])),
    ]
}
