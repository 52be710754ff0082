//! Streams of documents.

use bson::Document;

use crate::error::Result;

/// A stream of result documents. It owns the snapshot it reads, so it can be kept across requests, moved to
/// another thread, and dropped at any time; after an error it ends.
pub type Cursor = Box<dyn Iterator<Item = Result<Document>> + Send>;
