//! Runs blocking work on a bounded number of threads.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// As many permits as there are threads. Work waits for a permit here, in order of arrival, rather than
/// unseen in the runtime's queue.
pub(crate) struct Pool {
    permits: Arc<Semaphore>,
    threads: usize,
}

/// The work panicked, or the runtime is going down.
#[derive(Debug, thiserror::Error)]
#[error("the command was aborted by a fault within the server")]
pub(crate) struct Aborted;

impl Pool {
    /// A pool of `threads` threads, at least one.
    pub(crate) fn new(threads: usize) -> Pool {
        let threads = threads.max(1);
        Pool { permits: Arc::new(Semaphore::new(threads)), threads }
    }

    /// Runs `work` on one of the threads; a panic there harms nobody else.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Aborted> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Aborted)?;
        let running = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        running.await.map_err(|_| Aborted)
    }

    /// How many threads there are, and how many of them are at work.
    pub(crate) fn threads(&self) -> (usize, usize) {
        (self.threads, self.threads - self.permits.available_permits())
    }
}
