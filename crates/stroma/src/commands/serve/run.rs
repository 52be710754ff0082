//! `stroma serve`: the database to MongoDB's drivers and shell, until a signal ends it.

use std::io::Write;
use std::sync::Arc;

use stroma_server::ServerOptions;

use super::metrics::DatabaseMetrics;
use crate::arguments::Serve;
use crate::commands::run::{open_or_create, open_to_read};
use crate::failure::{Failure, Result};

pub(in crate::commands) fn run(arguments: &Serve) -> Result<()> {
    let opened = if arguments.read_only { open_to_read } else { open_or_create };
    let database = Arc::new(opened(&arguments.data)?);
    let defaults = ServerOptions::default();
    let options = ServerOptions {
        bind: arguments.bind,
        port: arguments.port,
        http_port: Some(arguments.http_port),
        threads: arguments.threads.unwrap_or(defaults.threads),
        metrics: vec![Arc::new(DatabaseMetrics::new(Arc::clone(&database)))],
        ..defaults
    };
    // Before anyone is told that the server is there: whoever reads it may ask it to stop at once.
    let signals = Signals::listen()?;
    let server = stroma_server::serve(database.documents().clone(), options)?;
    if !arguments.bind.is_loopback() {
        eprintln!(
            "stroma: {} is no loopback address and there are no accounts: anyone who reaches it may do anything",
            arguments.bind
        );
    }
    let mut output = std::io::stdout().lock();
    let how = if arguments.read_only { ", to be read only, as it is now," } else { "" };
    writeln!(output, "Serving {}{how} at mongodb://{}", database.folder().display(), server.address())
        .and_then(|()| match server.http_address() {
            Some(address) => writeln!(
                output,
                "Metrics and health at http://{address}/metrics and /healthz, memory at /memory"
            ),
            None => Ok(()),
        })
        .and_then(|()| writeln!(output, "Stop with Ctrl-C"))
        .and_then(|()| output.flush())
        .map_err(Failure::output)?;
    signals.wait()?;
    server.shutdown();
    Ok(database.close()?)
}

/// The signals that ask the process to stop.
struct Signals {
    runtime: tokio::runtime::Runtime,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes the signals from now on.
    fn listen() -> Result<Signals> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(signal_failure)?;
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let entered = runtime.enter();
            let terminate = signal(SignalKind::terminate()).map_err(signal_failure)?;
            let interrupt = signal(SignalKind::interrupt()).map_err(signal_failure)?;
            drop(entered);
            Ok(Signals { runtime, terminate, interrupt })
        }
        #[cfg(not(unix))]
        Ok(Signals { runtime })
    }

    /// Waits for one.
    #[cfg(unix)]
    fn wait(mut self) -> Result<()> {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        });
        Ok(())
    }

    /// Waits for one.
    #[cfg(not(unix))]
    fn wait(self) -> Result<()> {
        self.runtime.block_on(tokio::signal::ctrl_c()).map_err(signal_failure)
    }
}

fn signal_failure(source: std::io::Error) -> Failure {
    Failure::File { action: "wait for", path: "a signal".into(), source }
}
