//! Streams queries through batches and hands the results out in the order of the queries.

use std::sync::Arc;

use stroma_strata::Version;

use super::batch::Batch;
use super::{Query, QueryResult, SearchOptions, threshold};
use crate::Error;
use crate::kmer::Geometry;
use crate::layer::KmerLayerKind;
use crate::samples::SampleTable;

/// The layers and samples of an index at one moment. What is added or removed later is not seen.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) version: Arc<Version<KmerLayerKind>>,
    pub(crate) samples: Arc<SampleTable>,
    pub(crate) geometry: Geometry,
}

/// Iterator over the results of a search, in the order of the queries; ends after the first error.
///
/// Memory: one batch of queries (some 260,000 k-mers, or one query if that has more) and four bytes for each
/// sample and query of the batch.
pub struct SearchResults<I> {
    queries: I,
    snapshot: Snapshot,
    options: SearchOptions,
    ready: std::vec::IntoIter<QueryResult>,
    /// An error to be told once the results before it have been taken.
    failed: Option<Error>,
    ended: bool,
}

impl<I: Iterator<Item = Result<Query, Error>>> SearchResults<I> {
    pub(crate) fn new(snapshot: Snapshot, queries: I, options: SearchOptions) -> Result<Self, Error> {
        threshold::check(options.threshold)?;
        let ready = Vec::new().into_iter();
        Ok(SearchResults { queries, snapshot, options, ready, failed: None, ended: false })
    }

    /// Collects the next batch and answers it.
    fn next_batch(&mut self) -> Result<(), Error> {
        let samples = &self.snapshot.samples;
        let mut batch = Batch::new(self.snapshot.geometry, samples.samples().len());
        while !self.ended && !batch.is_full() {
            match self.queries.next() {
                Some(Ok(query)) => batch.push(query, &self.options),
                Some(Err(error)) => {
                    self.failed = Some(error);
                    self.ended = true;
                }
                None => self.ended = true,
            }
        }
        if !batch.is_empty() {
            let layers = self.snapshot.version.layers().map(|layer| layer.layer());
            self.ready = batch.answer(layers, samples, &self.options)?.into_iter();
        }
        Ok(())
    }
}

impl<I: Iterator<Item = Result<Query, Error>>> Iterator for SearchResults<I> {
    type Item = Result<QueryResult, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(result) = self.ready.next() {
                return Some(Ok(result));
            }
            if self.ended {
                return self.failed.take().map(Err);
            }
            if let Err(error) = self.next_batch() {
                self.ended = true;
                self.failed = None;
                return Some(Err(error));
            }
        }
    }
}
