//! The stage itself: searches the index, looks the samples' documents up, hands them on with their score.

use std::sync::Arc;

use bson::{Bson, Document};
use stroma_document::{Code, Collection, Error, Result, SourceStage};
use stroma_sequence::SearchOptions;

use super::argument::Argument;
use super::matches::Matches;
use crate::registry::Registry;

/// `{$sequenceSearch: {index, query | queries, threshold, top, sampleField, as}}`.
///
/// Yields, query by query in the order given and best first, the documents of the collection whose
/// `sampleField` (`_id` when not said) names a sample that holds the query. Each carries one field more (`as`,
/// `sequenceMatch` when not said): `{query, score, found, kmers}`. A sample without a document yields nothing.
#[derive(Debug)]
pub(crate) struct SequenceSearchStage {
    registry: Arc<Registry>,
}

impl SequenceSearchStage {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        SequenceSearchStage { registry }
    }
}

impl SourceStage for SequenceSearchStage {
    fn open(
        &self,
        argument: &Bson,
        collection: &Collection,
    ) -> Result<Box<dyn Iterator<Item = Result<Document>> + Send>> {
        let argument = Argument::parse(argument)?;
        let index = self.registry.get(&argument.index).map_err(|error| match error {
            crate::Error::UnknownIndex { .. } | crate::Error::IndexName { .. } => {
                Error::new(Code::IndexNotFound, error.to_string())
            }
            other => failed(&other),
        })?;
        let options =
            SearchOptions { threshold: argument.threshold, top: argument.top, ..SearchOptions::default() };
        let queries = argument.queries.clone().into_iter().map(Ok);
        let results = index.search(queries, options).map_err(|error| failed(&error))?;
        Ok(Box::new(Matches::new(Box::new(results), collection.clone(), argument)))
    }
}

/// An error of the index as the client of a document database sees it.
pub(super) fn failed(error: &dyn std::error::Error) -> Error {
    Error::new(Code::InternalError, format!("$sequenceSearch: {error}"))
}

#[cfg(test)]
mod tests {
    use bson::{Document, doc};
    use stroma_document::{Aggregate, Namespace};
    use stroma_sequence::{IndexOptions, Input, NoProgress};

    use crate::{Options, Stromatolite};

    const GENOME: &str = "ACGTTGCAAGCTTAGCCGATAACGGTTACAGTCCGATAGCATCGGCTAAGC";

    /// Two samples hold the genome, of which one has documents: two of them, in a nested field.
    fn database(folder: &std::path::Path) -> Stromatolite {
        let database = Stromatolite::open(folder, Options::default()).unwrap();
        let index = database.create_sequence_index("g", IndexOptions::default()).unwrap();
        for name in ["known", "unknown"] {
            let genome = Input::bytes("g.fa", format!(">g\n{GENOME}\n"));
            index.add_sample(name, vec![genome], &NoProgress).unwrap();
        }
        let documents = vec![
            doc! {"_id": 1, "run": {"sample": "known"}, "part": "a"},
            doc! {"_id": 2, "run": {"sample": "known"}, "part": "b"},
            doc! {"_id": 3, "run": {"sample": "other"}},
            doc! {"_id": 4},
        ];
        database
            .documents()
            .collection(&Namespace::parse("lab.runs").unwrap())
            .insert_many(documents, true)
            .unwrap();
        database
    }

    fn search(database: &Stromatolite, argument: Document) -> stroma_document::Result<Vec<Document>> {
        let runs = database.documents().collection(&Namespace::parse("lab.runs").unwrap());
        runs.aggregate(&Aggregate::new(vec![doc! {"$sequenceSearch": argument}]))?.collect()
    }

    #[test]
    fn each_document_of_a_sample_comes_and_a_sample_without_one_yields_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path());
        let argument = doc! {"index": "g", "query": GENOME, "sampleField": "run.sample", "as": "hit"};
        let mut found = search(&database, argument).unwrap();
        found.sort_by_key(|document| document.get_i32("_id").unwrap());
        let hit = doc! {"query": "query", "score": 1.0, "found": 21, "kmers": 21};
        assert_eq!(
            found,
            [
                doc! {"_id": 1, "run": {"sample": "known"}, "part": "a", "hit": hit.clone()},
                doc! {"_id": 2, "run": {"sample": "known"}, "part": "b", "hit": hit},
            ]
        );
        // By `_id` no document is a sample's.
        assert_eq!(search(&database, doc! {"index": "g", "query": GENOME}).unwrap(), [] as [Document; 0]);
    }

    #[test]
    fn an_unknown_index_and_a_query_that_is_too_short_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path());
        let unknown = search(&database, doc! {"index": "nothing", "query": GENOME}).unwrap_err();
        assert!(unknown.code() == 27 && unknown.message().contains("nothing"), "{unknown}");
        let short = search(&database, doc! {"index": "g", "query": "ACGT"}).unwrap_err();
        assert!(short.code() == 2 && short.message().contains("k = 31"), "{short}");
    }
}
