//! Makes the server's stages known to the documents.

use std::sync::Arc;

use super::coll_stats::CollStats;
use super::current_op::CurrentOp;
use super::index_stats::IndexStats;
use crate::server::State;

/// Registers the stages. They hold the server weakly: documents outlive the servers that served them.
pub(crate) fn register(state: &Arc<State>) {
    let documents = &state.documents;
    documents.register_source_stage("$collStats", Arc::new(CollStats::new(Arc::downgrade(state))));
    documents.register_source_stage("$currentOp", Arc::new(CurrentOp::new(Arc::downgrade(state))));
    documents.register_source_stage("$indexStats", Arc::new(IndexStats::new(Arc::downgrade(state))));
}
