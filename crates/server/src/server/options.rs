//! What can be set when a server is started.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use crate::metrics::MetricsSource;

/// Settings of [`serve`](super::serve).
#[derive(Clone)]
pub struct ServerOptions {
    /// The address to listen on, for both ports.
    pub bind: IpAddr,
    /// The port for MongoDB's wire protocol; 0 picks a free one.
    pub port: u16,
    /// The port for `/metrics`, `/memory` and `/healthz`; 0 picks a free one, none opens none.
    pub http_port: Option<u16>,
    /// How many threads run commands that touch documents; at least one.
    pub threads: usize,
    /// How many connections may be open at once; further ones are closed as soon as they come.
    pub connections: usize,
    /// How long a cursor that nobody asks for more is kept.
    pub cursor_idle: Duration,
    /// How long a shutdown lets commands run on before it ends them.
    pub grace: Duration,
    /// Who adds to `/metrics` and `/memory` beside the server itself.
    pub metrics: Vec<Arc<dyn MetricsSource>>,
}

impl Default for ServerOptions {
    /// Port 27017 of this machine only, no HTTP port, four threads per processor (some will wait for the
    /// device), 4,096 connections, ten minutes for cursors, ten
    /// seconds of grace.
    fn default() -> ServerOptions {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        ServerOptions {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 27017,
            http_port: None,
            threads: 4 * processors,
            connections: 4096,
            cursor_idle: Duration::from_secs(600),
            grace: Duration::from_secs(10),
            metrics: Vec::new(),
        }
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerOptions")
            .field("bind", &self.bind)
            .field("port", &self.port)
            .field("http_port", &self.http_port)
            .field("threads", &self.threads)
            .field("connections", &self.connections)
            .field("cursor_idle", &self.cursor_idle)
            .field("grace", &self.grace)
            .field("metrics", &self.metrics.len())
            .finish()
    }
}
