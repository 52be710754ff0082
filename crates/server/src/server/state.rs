//! What all connections share.

use std::sync::Arc;
use std::time::Instant;

use stroma_document::Documents;

use super::ServerOptions;
use crate::cursors::Cursors;
use crate::metrics::{Counters, MetricsSource};
use crate::operations::Operations;
use crate::pool::Pool;

/// The server's inside, shared by its tasks.
pub(crate) struct State {
    pub(crate) documents: Documents,
    pub(crate) cursors: Cursors,
    pub(crate) operations: Operations,
    pub(crate) counters: Counters,
    pub(crate) pool: Pool,
    pub(crate) metrics: Vec<Arc<dyn MetricsSource>>,
    pub(crate) started: Instant,
    /// Where it listens, as clients are told.
    pub(crate) port: u16,
    /// The most connections at once.
    pub(crate) connections: usize,
}

impl State {
    pub(crate) fn new(documents: Documents, options: &ServerOptions, port: u16) -> State {
        State {
            documents,
            cursors: Cursors::new(options.cursor_idle),
            operations: Operations::default(),
            counters: Counters::default(),
            pool: Pool::new(options.threads),
            metrics: options.metrics.clone(),
            started: Instant::now(),
            port,
            connections: options.connections,
        }
    }
}
