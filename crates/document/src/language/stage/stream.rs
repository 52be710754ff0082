//! Small building blocks for streams of documents.

use super::context::DocumentStream;
use crate::error::{Error, Result};
use bson::Document;

/// A stream that only fails.
pub fn failed(error: Error) -> DocumentStream {
    Box::new(std::iter::once(Err(error)))
}

/// A stream that is made when its first document is pulled; for stages that must read all their input.
pub fn deferred(make: impl FnOnce() -> Result<DocumentStream> + Send + 'static) -> DocumentStream {
    Box::new(Deferred { make: Some(make), made: None })
}

struct Deferred<F> {
    make: Option<F>,
    made: Option<DocumentStream>,
}

impl<F: FnOnce() -> Result<DocumentStream>> Iterator for Deferred<F> {
    type Item = Result<Document>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(make) = self.make.take() {
            self.made = Some(make().unwrap_or_else(failed));
        }
        self.made.as_mut().and_then(Iterator::next)
    }
}

/// Turns each document into another (or into an error, after which the stream ends).
pub(super) fn map(
    input: DocumentStream,
    mut change: impl FnMut(Document) -> Result<Document> + Send + 'static,
) -> DocumentStream {
    Box::new(input.map(move |document| change(document?)))
}
