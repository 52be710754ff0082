//! `$collStats`: sizes of a collection, told by walking it.

use std::sync::Weak;

use bson::{Bson, DateTime, Document, doc};
use stroma_document::{Collection, Cursor, Error, Result, SourceStage};

use crate::reply::number;
use crate::request::{Arguments, Scale};
use crate::server::{State, host};

/// The stage. The server tells it where it runs.
pub(super) struct CollStats {
    state: Weak<State>,
}

impl CollStats {
    pub(super) fn new(state: Weak<State>) -> CollStats {
        CollStats { state }
    }
}

impl SourceStage for CollStats {
    fn open(&self, argument: &Bson, collection: &Collection) -> Result<Cursor> {
        let mut arguments = Arguments::of_stage("$collStats", argument)?;
        for absent in ["latencyStats", "queryExecStats", "operationStats"] {
            if arguments.has(absent) {
                return Err(Error::unsupported(format!("$collStats with {absent}")));
            }
        }
        let mut shown = doc! {"ns": collection.namespace().to_string(), "localTime": DateTime::now()};
        if let Some(state) = self.state.upgrade() {
            shown.insert("host", host(state.port));
        }
        if let Some(options) = arguments.document("storageStats")? {
            let mut options = Arguments::new("$collStats.storageStats", options);
            let scale = Scale::read(&mut options)?;
            options.finish()?;
            shown.insert("storageStats", storage_stats(collection, scale)?);
        }
        if arguments.document("count")?.is_some() {
            shown.insert("count", number(collection.estimated_count()?));
        }
        arguments.finish()?;
        Ok(Box::new(std::iter::once(Ok(shown))))
    }
}

/// The sizes of a collection.
pub(crate) fn storage_stats(collection: &Collection, scale: Scale) -> Result<Document> {
    let stats = collection.stats()?;
    let index_bytes = stats.indexes.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let sizes: Document =
        stats.indexes.iter().map(|(name, bytes)| (name.clone(), scale.apply(*bytes))).collect();
    let mut shown = doc! {
        "size": scale.apply(stats.document_bytes),
        "count": number(stats.documents),
        "storageSize": scale.apply(stats.document_bytes),
        "nindexes": number(stats.indexes.len() as u64),
        "indexSizes": sizes,
        "totalIndexSize": scale.apply(index_bytes),
        "totalSize": scale.apply(stats.document_bytes + index_bytes),
        "scaleFactor": scale.factor(),
        "capped": false,
    };
    if let Some(average) = stats.document_bytes.checked_div(stats.documents) {
        shown.insert("avgObjSize", number(average));
    }
    Ok(shown)
}
