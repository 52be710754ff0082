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
        let options = SearchOptions { threshold: argument.threshold, top: argument.top };
        let queries = argument.queries.clone().into_iter().map(Ok);
        let results = index.search(queries, options).map_err(|error| failed(&error))?;
        Ok(Box::new(Matches::new(Box::new(results), collection.clone(), argument)))
    }
}

/// An error of the index as the client of a document database sees it.
pub(super) fn failed(error: &dyn std::error::Error) -> Error {
    Error::new(Code::InternalError, format!("$sequenceSearch: {error}"))
}
