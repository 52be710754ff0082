//! Opens the ports and starts the tasks behind them.

use std::net::SocketAddr;
use std::sync::Arc;

use stroma_document::Documents;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::handle::Running;
use super::{Server, ServerOptions, State, accept};
use crate::error::{Error, Result};

/// The stack of the threads that run queries: filters and pipelines are walked recursively.
const STACK_BYTES: usize = 8 << 20;

/// Starts to serve `documents`; returns when the ports are open. The server runs on threads of its own until
/// the handle is [shut down](Server::shutdown) or dropped.
///
/// # Errors
/// A port that is taken or refused; threads that cannot be started.
///
/// # Panics
/// If called from within a task of an asynchronous runtime: it waits for the ports.
pub fn serve(documents: Documents, options: ServerOptions) -> Result<Server> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(options.threads.max(1))
        .thread_stack_size(STACK_BYTES)
        .thread_name("stroma-server")
        .enable_all()
        .build()
        .map_err(Error::Threads)?;
    let (stop, stopped) = watch::channel(false);
    let (listener, address) = runtime.block_on(listen(SocketAddr::new(options.bind, options.port)))?;
    let http = match options.http_port {
        Some(port) => Some(runtime.block_on(listen(SocketAddr::new(options.bind, port)))?),
        None => None,
    };
    let state = Arc::new(State::new(documents, &options, address.port()));
    crate::stages::register(&state);
    let mut tasks = Vec::new();
    let http_address = http.as_ref().map(|(_, address)| *address);
    if let Some((listener, _)) = http {
        tasks.push(runtime.spawn(crate::http::accept(listener, Arc::clone(&state), stopped.clone())));
    }
    tasks.push(runtime.spawn(crate::cursors::sweep(Arc::clone(&state), stopped.clone())));
    tasks.push(runtime.spawn(accept::accept(listener, Arc::clone(&state), stopped)));
    Ok(Server::new(Running { runtime, state, stop, tasks, grace: options.grace }, address, http_address))
}

async fn listen(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let failure = |source| Error::bind(wanted, source);
    let listener = TcpListener::bind(wanted).await.map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    Ok((listener, address))
}
