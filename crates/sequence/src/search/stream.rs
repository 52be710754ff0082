//! Streams queries through batches and hands the results out in the order of the queries.

use std::sync::Arc;

use stroma_strata::Version;

use super::batch::Batch;
use super::{Query, QueryResult, SearchOptions, threshold};
use crate::Error;
use crate::kmer::Geometry;
use crate::layer::KmerLayerKind;
use crate::parallel;
use crate::samples::SampleTable;

/// The layers and samples of an index at one moment. What is added or removed later is not seen.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) version: Arc<Version<KmerLayerKind>>,
    pub(crate) samples: Arc<SampleTable>,
    pub(crate) geometry: Geometry,
    /// Whether the layers keep abundances.
    pub(crate) abundances: bool,
}

/// Iterator over the results of a search, in the order of the queries; ends after the first error.
///
/// Memory: for each thread one batch of queries (some 260,000 bases, or one query if that has more), 16 bytes for each
/// of its k-mers (32 above k = 31), and four for each sample and query of the batch (12 with abundances).
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
        if options.abundances && !snapshot.abundances {
            return Err(Error::NoAbundances);
        }
        let ready = Vec::new().into_iter();
        Ok(SearchResults { queries, snapshot, options, ready, failed: None, ended: false })
    }

    /// Collects the next batches, one for each thread, and answers them.
    fn next_batches(&mut self) -> Result<(), Error> {
        let samples = self.snapshot.samples.samples().len();
        let mut batches = Vec::new();
        while !self.ended && batches.len() < self.options.threads.max(1) {
            let mut batch = Batch::new(samples);
            while !self.ended && !batch.is_full() {
                match self.queries.next() {
                    Some(Ok(query)) => batch.push(query),
                    Some(Err(error)) => {
                        self.failed = Some(error);
                        self.ended = true;
                    }
                    None => self.ended = true,
                }
            }
            if !batch.is_empty() {
                batches.push(batch);
            }
        }
        let mut ready = Vec::new();
        parallel::in_order(
            self.options.threads,
            batches.len() as u32,
            |batch| batches[batch as usize].answer(&self.snapshot, &self.options),
            |_, results| {
                ready.extend(results);
                Ok::<(), Error>(())
            },
        )?;
        self.ready = ready.into_iter();
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
            if let Err(error) = self.next_batches() {
                self.ended = true;
                self.failed = None;
                return Some(Err(error));
            }
        }
    }
}
