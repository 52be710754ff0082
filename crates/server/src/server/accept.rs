//! Takes connections, a task each.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::State;
use crate::connection;

/// Takes connections until `stopped`, then waits for their last commands.
pub(super) async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                if connections.len() >= state.connections {
                    state.counters.connections_refused.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                number += 1;
                let info = connection::Info { number, peer };
                connections.spawn(connection::serve(stream, info, Arc::clone(&state), stopped.clone()));
            }
            // Such as no file descriptors left: waiting lets connections end.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
