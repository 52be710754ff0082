//! What is asked and what is answered.

use std::ops::Range;
use std::sync::Arc;

use crate::Error;
use crate::reader::{Record, RecordReader};

/// A sequence to search for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Comes back with the result.
    pub name: String,
    /// Bases in upper or lower case; anything but A, C, G, T and U breaks the k-mers around it.
    pub sequence: Vec<u8>,
}

impl Query {
    /// A query of that name and sequence.
    pub fn new(name: impl Into<String>, sequence: impl Into<Vec<u8>>) -> Self {
        Query { name: name.into(), sequence: sequence.into() }
    }

    /// The records of a file or stream as queries, in order.
    pub fn from_reader(reader: RecordReader) -> impl Iterator<Item = Result<Query, Error>> {
        reader.map(|record| Ok(record?.into()))
    }
}

impl From<Record> for Query {
    fn from(record: Record) -> Self {
        Query { name: record.name, sequence: record.sequence }
    }
}

/// The answer to one query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryResult {
    /// The query's name.
    pub name: String,
    /// Its length in bases.
    pub length: u64,
    /// Its distinct canonical k-mers.
    pub kmers: u64,
    /// How many of them a sample must hold to be a hit.
    pub needed: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The samples that hold enough of its k-mers, the best first; equal ones by name.
    Hits(Vec<Hit>),
    /// It is shorter than a k-mer.
    TooShort {
        /// Its length in bases.
        length: u64,
        /// The index's k.
        k: u8,
    },
    /// It is long enough, but every window of k bases holds a character that is no base.
    NoKmers,
}

/// A sample that holds enough of a query's k-mers.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Name of the sample.
    pub sample: Arc<str>,
    /// How many of the query's distinct k-mers it holds.
    pub found: u64,
    /// `found` divided by the query's distinct k-mers.
    pub share: f64,
    /// Mean of how often the k-mers found occur in the sample, each counted once and told as where its level begins
    /// (1, 2, 3, 4, 6, 8, 12 …); where abundances were asked for.
    pub abundance: Option<f64>,
    /// Stretches of positions in the query, from 0, at which k-mers begin that the sample holds: ascending, the
    /// end excluded, with a gap between each two; where positions were asked for.
    pub positions: Option<Vec<Range<u64>>>,
}
