//! `stroma serve`: the database to MongoDB's drivers and shell, until a signal ends it.

use std::io::Write;
use std::sync::Arc;

use stroma_server::{Metrics, MetricsSource, ServerOptions};
use stromatolite::Stromatolite;

use super::run::open_or_create;
use crate::arguments::Serve;
use crate::failure::{Failure, Result};

pub(super) fn run(arguments: &Serve) -> Result<()> {
    let database = Arc::new(open_or_create(&arguments.data)?);
    let defaults = ServerOptions::default();
    let options = ServerOptions {
        bind: arguments.bind,
        port: arguments.port,
        http_port: Some(arguments.http_port),
        threads: arguments.threads.unwrap_or(defaults.threads),
        metrics: vec![Arc::new(DatabaseMetrics { database: Arc::clone(&database) })],
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
    writeln!(output, "Serving {} at mongodb://{}", database.folder().display(), server.address())
        .and_then(|()| match server.http_address() {
            Some(address) => writeln!(output, "Metrics and health at http://{address}/metrics and /healthz"),
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

/// What the engine and the sequence indexes tell to `/metrics`.
struct DatabaseMetrics {
    database: Arc<Stromatolite>,
}

impl MetricsSource for DatabaseMetrics {
    fn collect(&self, metrics: &mut Metrics) {
        let engine = self.database.engine().statistics();
        let counters = [
            ("stroma_engine_commits_total", "Commits since the start", engine.commits),
            ("stroma_engine_conflicts_total", "Transactions refused because of a conflict", engine.conflicts),
            ("stroma_engine_syncs_total", "Syncs of the write-ahead log", engine.syncs),
            (
                "stroma_engine_user_bytes_total",
                "Bytes of keys and values written by users",
                engine.user_bytes,
            ),
            ("stroma_engine_log_bytes_total", "Bytes written to the write-ahead log", engine.log_bytes),
            ("stroma_engine_flushed_bytes_total", "Bytes written as new tables", engine.flushed_bytes),
            ("stroma_engine_merged_bytes_total", "Bytes written by merges", engine.merge_output_bytes),
        ];
        for (name, help, value) in counters {
            metrics.counter(name, help, &[], value as f64);
        }
        metrics.gauge(
            "stroma_engine_memory_bytes",
            "Memory used by memtables",
            &[],
            engine.memory_used as f64,
        );
        for level in &engine.levels {
            let number = level.level.to_string();
            let labels = [("level", number.as_str())];
            metrics.gauge(
                "stroma_engine_level_bytes",
                "Bytes of the tables of a level",
                &labels,
                level.bytes as f64,
            );
            metrics.gauge("stroma_engine_level_layers", "Tables of a level", &labels, level.layers as f64);
        }
        for name in self.database.sequence_indexes().unwrap_or_default() {
            let Ok(index) = self.database.sequence_index(&name) else { continue };
            let statistics = index.statistics();
            let labels = [("index", name.as_str())];
            let gauges = [
                ("stroma_sequence_samples", "Samples of a sequence index", statistics.samples as f64),
                ("stroma_sequence_layers", "Layers of a sequence index", statistics.layers.len() as f64),
                (
                    "stroma_sequence_bytes",
                    "Bytes of the layers of a sequence index",
                    statistics.bytes() as f64,
                ),
            ];
            for (metric, help, value) in gauges {
                metrics.gauge(metric, help, &labels, value);
            }
        }
    }
}
