//! Closes forgotten cursors from time to time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::server::State;

/// How often forgotten cursors are looked for.
const PERIOD: Duration = Duration::from_secs(10);

/// Runs until `stopped`.
pub(crate) async fn sweep(state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(PERIOD) => state.cursors.kill_idle(Instant::now()),
        }
    }
}
