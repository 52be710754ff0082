//! `$skip`: leaves out the first documents.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{limit, table::Stage};
use crate::error::{Error, Result};
use bson::{Bson, Document};
use std::sync::Arc;

#[derive(Debug)]
struct Skip(u64);

pub(super) fn parse(argument: &Bson, _: &StageContext) -> Result<Arc<dyn Stage>> {
    let given = limit::whole("$skip", 5107200, argument)?;
    let count = u64::try_from(given).map_err(|_| {
        Error::location(
            5107200,
            format!("invalid argument to $skip stage: Expected a non-negative number in: $skip: {given}"),
        )
    })?;
    Ok(Arc::new(Skip(count)))
}

impl Stage for Skip {
    fn name(&self) -> &'static str {
        "$skip"
    }

    fn run(&self, input: DocumentStream, _: &RunSite) -> Result<DocumentStream> {
        Ok(Box::new(Skipping { input, left: self.0 }))
    }
}

/// Unlike `Iterator::skip`, does not swallow an error among the skipped.
struct Skipping {
    input: DocumentStream,
    left: u64,
}

impl Iterator for Skipping {
    type Item = Result<Document>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = self.input.next()?;
            if self.left == 0 || next.is_err() {
                return Some(next);
            }
            self.left -= 1;
        }
    }
}
