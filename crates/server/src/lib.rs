//! MongoDB's wire protocol, and an HTTP port for metrics and health, over a document database.
//!
//! MongoDB's drivers and shell speak to [`serve`] as to a standalone `mongod` of version 8. Connections are
//! tasks; whatever touches documents runs on a bounded number of threads, so that many idle clients cost
//! little and many busy ones cannot take the machine. Each command is one file under `commands/`.
//!
//! There are no accounts yet: whoever reaches the port may do everything. Bind it to this machine, or put
//! something in front of it that asks who is there.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::sync::Arc;
//! use stroma_document::store::MemoryStore;
//! use stroma_document::{Documents, Options};
//! use stroma_server::{ServerOptions, serve};
//!
//! let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default())?;
//! let server = serve(documents, ServerOptions { port: 0, http_port: Some(0), ..ServerOptions::default() })?;
//! println!("mongodb://{}", server.address());
//!
//! let mut health = std::net::TcpStream::connect(server.http_address().unwrap())?;
//! health.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")?;
//! let mut answer = String::new();
//! health.read_to_string(&mut answer)?;
//! assert!(answer.ends_with("ok\n"));
//! server.shutdown();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "the server owns the outside world: sockets, the clock, threads"
)]

mod commands;
mod connection;
mod cursors;
mod error;
mod http;
mod metrics;
mod operations;
mod pool;
mod reply;
mod request;
mod server;
mod sessions;
mod stages;
pub mod wire;

pub use error::{Error, Result};
pub use metrics::{MemoryPart, MemoryReport, MemorySegment, Metrics, MetricsSource};
pub use server::{Server, ServerOptions, serve};
