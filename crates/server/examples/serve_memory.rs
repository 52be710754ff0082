//! Serves an empty database in memory until it is interrupted: `serve_memory [PORT [HTTP-PORT]]`.

#![allow(clippy::print_stdout, reason = "tells where it listens")]

use std::sync::Arc;

use stroma_document::store::MemoryStore;
use stroma_document::{Documents, Options};
use stroma_server::{ServerOptions, serve};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ports = std::env::args().skip(1).map(|port| port.parse::<u16>());
    let port = ports.next().transpose()?.unwrap_or(0);
    let http_port = Some(ports.next().transpose()?.unwrap_or(0));
    let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default())?;
    let server = serve(documents, ServerOptions { port, http_port, ..ServerOptions::default() })?;
    println!("mongodb://{}", server.address());
    if let Some(address) = server.http_address() {
        println!("http://{address}/metrics");
    }
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    waiting.block_on(tokio::signal::ctrl_c())?;
    server.shutdown();
    Ok(())
}
