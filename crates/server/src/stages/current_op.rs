//! `$currentOp`: the commands that run at the moment.

use std::sync::Weak;

use bson::{Bson, Document};
use stroma_document::{Collection, Cursor, Result, SourceStage};

use crate::request::Arguments;
use crate::server::State;

/// The stage; after the server's end it lists nothing.
pub(super) struct CurrentOp {
    state: Weak<State>,
}

impl CurrentOp {
    pub(super) fn new(state: Weak<State>) -> CurrentOp {
        CurrentOp { state }
    }
}

impl SourceStage for CurrentOp {
    fn open(&self, argument: &Bson, _: &Collection) -> Result<Cursor> {
        let mut arguments = Arguments::of_stage("$currentOp", argument)?;
        // There are no users, sessions without commands, or other servers to tell of.
        arguments.ignore(&[
            "allUsers",
            "backtrace",
            "idleConnections",
            "idleCursors",
            "idleSessions",
            "localOps",
            "targetAllNodes",
            "truncateOps",
        ]);
        arguments.finish()?;
        let operations = self.state.upgrade().map(|state| state.operations.list()).unwrap_or_default();
        let described: Vec<Document> = operations.iter().map(|operation| operation.describe()).collect();
        Ok(Box::new(described.into_iter().map(Ok)))
    }
}
