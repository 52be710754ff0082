//! The handle on a running server.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a shutdown waits for the commands that run.
const GRACE: Duration = Duration::from_secs(10);

/// A running server. Dropping it shuts it down.
pub struct Server {
    /// Taken when the server is shut down.
    runtime: Option<Runtime>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    address: SocketAddr,
    http_address: Option<SocketAddr>,
}

impl Server {
    pub(super) fn new(
        runtime: Runtime,
        stop: watch::Sender<bool>,
        tasks: Vec<JoinHandle<()>>,
        address: SocketAddr,
        http_address: Option<SocketAddr>,
    ) -> Server {
        Server { runtime: Some(runtime), stop, tasks, address, http_address }
    }

    /// Where drivers connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/metrics` and `/healthz` are.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// Stops: no new connections and no new commands; those that run get up to ten seconds to finish and
    /// are answered. Returns when the threads are gone, or left behind after that time.
    pub fn shutdown(mut self) {
        self.stop_within(GRACE);
    }

    fn stop_within(&mut self, grace: Duration) {
        let Some(runtime) = self.runtime.take() else { return };
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut self.tasks);
        runtime.block_on(async {
            let all = async {
                for task in tasks {
                    let _ = task.await;
                }
            };
            let _ = tokio::time::timeout(grace, all).await;
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop_within(GRACE);
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
