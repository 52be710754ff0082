//! `$indexStats`: how often each index was used. Compass shows it beside the indexes.

use std::sync::Weak;

use bson::{Bson, Document, doc};
use stroma_document::{Collection, Cursor, IndexUse, Result, SourceStage};

use crate::reply::number;
use crate::request::Arguments;
use crate::server::{State, host};

/// The stage. The server tells it where it runs.
pub(super) struct IndexStats {
    state: Weak<State>,
}

impl IndexStats {
    pub(super) fn new(state: Weak<State>) -> IndexStats {
        IndexStats { state }
    }
}

impl SourceStage for IndexStats {
    fn open(&self, argument: &Bson, collection: &Collection) -> Result<Cursor> {
        Arguments::of_stage("$indexStats", argument)?.finish()?;
        let host = self.state.upgrade().map(|state| host(state.port)).unwrap_or_default();
        let described: Vec<Document> =
            collection.index_uses()?.into_iter().map(|index| describe(index, &host)).collect();
        Ok(Box::new(described.into_iter().map(Ok)))
    }
}

fn describe(index: IndexUse, host: &str) -> Document {
    let shown = |field: &str| index.specification.get(field).cloned().unwrap_or(Bson::Null);
    doc! {
        "name": shown("name"),
        "key": shown("key"),
        "host": host,
        "accesses": {"ops": number(index.uses), "since": index.since},
        "spec": index.specification,
    }
}
