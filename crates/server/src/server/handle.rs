//! The handle on a running server.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::State;

/// How long commands that were told to end may take to do so.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// A running server. Dropping it shuts it down.
pub struct Server {
    /// Taken when the server is shut down.
    running: Option<Running>,
    address: SocketAddr,
    http_address: Option<SocketAddr>,
}

/// What ends with a shutdown.
pub(super) struct Running {
    pub(super) runtime: Runtime,
    pub(super) state: Arc<State>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) tasks: Vec<JoinHandle<()>>,
    pub(super) grace: Duration,
}

impl Running {
    fn stop(self) {
        let Running { runtime, state, stop, mut tasks, grace } = self;
        stop.send_replace(true);
        runtime.block_on(async {
            let mut all = Box::pin(async {
                for task in &mut tasks {
                    let _ = task.await;
                }
            });
            if tokio::time::timeout(grace, &mut all).await.is_err() {
                state.operations.kill_all();
                let _ = tokio::time::timeout(LAST_GRACE, &mut all).await;
            }
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

impl Server {
    pub(super) fn new(running: Running, address: SocketAddr, http_address: Option<SocketAddr>) -> Server {
        Server { running: Some(running), address, http_address }
    }

    /// Where drivers connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/metrics` and `/healthz` are.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// Stops: no new connections and no new commands; those that run get their time of
    /// [grace](super::ServerOptions::grace) to finish, are then asked to end, and are answered. Returns when
    /// the threads are gone, or left behind where a command does not end.
    ///
    /// # Panics
    /// As [`serve`](super::serve), within a task of an asynchronous runtime; so does dropping the handle.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("address", &self.address)
            .field("http_address", &self.http_address)
            .finish_non_exhaustive()
    }
}
