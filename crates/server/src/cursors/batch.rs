//! Takes documents off a stream, a batch at a time, within the size of a reply.

use bson::{Bson, Document};
use stroma_document::{Cursor, Result};

use super::size::document_bytes;
use crate::operations::Operation;

/// How many documents the first batch has if the client does not say.
pub(crate) const FIRST_BATCH: usize = 101;
/// A batch ends before its documents exceed this many bytes; one document alone may.
const BATCH_BYTES: usize = 16 << 20;

/// A stream of results and the document that was looked at but did not fit the last batch.
pub(crate) struct OpenCursor {
    stream: Cursor,
    next: Option<Result<Document>>,
}

/// Documents for one reply.
pub(crate) struct Batch {
    pub(crate) documents: Vec<Bson>,
    /// Whether there is nothing after them.
    pub(crate) is_last: bool,
}

impl OpenCursor {
    /// Results to be read.
    pub(crate) fn new(stream: Cursor) -> OpenCursor {
        OpenCursor { stream, next: None }
    }

    /// At most `most` documents and about 16 MiB. `operation` says when to give up.
    ///
    /// # Errors
    /// The stream's; that it was killed or took too long.
    pub(crate) fn batch(&mut self, most: usize, operation: &Operation) -> Result<Batch> {
        let mut documents = Vec::new();
        let mut bytes = 0;
        if most == 0 {
            return Ok(Batch { documents, is_last: false });
        }
        loop {
            operation.check()?;
            let Some(next) = self.next.take().or_else(|| self.stream.next()) else {
                return Ok(Batch { documents, is_last: true });
            };
            if documents.len() == most {
                self.next = Some(next);
                return Ok(Batch { documents, is_last: false });
            }
            let document = next?;
            bytes += document_bytes(&document);
            if bytes > BATCH_BYTES && !documents.is_empty() {
                self.next = Some(Ok(document));
                return Ok(Batch { documents, is_last: false });
            }
            documents.push(Bson::Document(document));
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;
    use stroma_document::Error;

    use super::OpenCursor;
    use crate::operations::Operations;

    #[test]
    fn batches_end_at_their_number_and_at_their_bytes() {
        let operations = Operations::default();
        let running = operations.begin("find", "a.b".to_owned(), 1, None);
        let operation = &running.operation;
        let mut cursor = OpenCursor::new(Box::new((0..10).map(|number| Ok(doc! {"n": number}))));
        let mut sizes = Vec::new();
        loop {
            let batch = cursor.batch(3, operation).unwrap();
            sizes.push(batch.documents.len());
            if batch.is_last {
                break;
            }
        }
        assert_eq!(sizes, [3, 3, 3, 1]);

        let text = "x".repeat(5 << 20);
        let stream = (0..7).map(move |number| Ok(doc! {"n": number, "text": &text}));
        let mut cursor = OpenCursor::new(Box::new(stream));
        let mut sizes = Vec::new();
        loop {
            let batch = cursor.batch(100, operation).unwrap();
            sizes.push(batch.documents.len());
            if batch.is_last {
                break;
            }
        }
        assert_eq!(sizes, [3, 3, 1]);
    }

    #[test]
    fn an_error_ends_its_batch_and_an_empty_batch_reads_nothing() {
        let operations = Operations::default();
        let running = operations.begin("find", "a.b".to_owned(), 1, None);
        let stream = [Ok(doc! {"n": 1}), Err(Error::bad_value("broken"))];
        let mut cursor = OpenCursor::new(Box::new(stream.into_iter()));
        assert!(!cursor.batch(0, &running.operation).unwrap().is_last);
        assert_eq!(cursor.batch(1, &running.operation).unwrap().documents.len(), 1);
        assert!(cursor.batch(1, &running.operation).is_err());
    }
}
