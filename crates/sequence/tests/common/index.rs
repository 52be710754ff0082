//! Short ways to make, fill, search and compare an index in memory.

use std::sync::Arc;

use stroma_sequence::{
    Error, IndexOptions, Input, NoProgress, Query, QueryResult, SearchOptions, SequenceIndex,
};
use stroma_strata::SetOptions;
use stroma_strata::storage::MemoryStorage;

use super::{Oracle, fasta};

pub fn add(index: &SequenceIndex, name: &str, sequences: &[Vec<u8>]) -> Result<(), Error> {
    let report = index.add_sample(name, vec![Input::bytes(name, fasta(sequences))], &NoProgress)?;
    report.merge_failure.map_or(Ok(()), Err)
}

pub fn create(storage: &Arc<MemoryStorage>, options: IndexOptions) -> SequenceIndex {
    SequenceIndex::create(storage.clone(), options, SetOptions::default()).expect("an empty storage")
}

pub fn reopen(storage: &Arc<MemoryStorage>) -> SequenceIndex {
    SequenceIndex::open(storage.clone(), SetOptions::default()).expect("an index")
}

pub fn search(
    index: &SequenceIndex,
    queries: &[Query],
    threshold_percent: u64,
) -> Result<Vec<QueryResult>, Error> {
    let threshold = format!("{}.{:02}", threshold_percent / 100, threshold_percent % 100);
    let options =
        SearchOptions { threshold: threshold.parse().expect("a number"), ..SearchOptions::default() };
    index.search(queries.iter().cloned().map(Ok), options)?.collect()
}

/// Searches for all queries at all thresholds and compares with the oracle.
pub fn assert_agrees(index: &SequenceIndex, oracle: &Oracle, queries: &[Query]) {
    for threshold in [0, 30, 50, 80, 100] {
        let found = search(index, queries, threshold).expect("a sound index");
        let expected: Vec<QueryResult> =
            queries.iter().map(|query| oracle.answer(query, threshold)).collect();
        assert_eq!(found, expected, "threshold {threshold} %");
    }
    // A query alone is looked up in another way than many that lie close together.
    for query in queries {
        let found = search(index, std::slice::from_ref(query), 30).expect("a sound index");
        assert_eq!(found, [oracle.answer(query, 30)]);
    }
}
