//! The server's own figures.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{MemoryReport, Metrics};
use crate::server::State;

/// All figures: the server's, the store's, and those of the sources given when it was started.
pub(crate) fn collect(state: &State) -> Metrics {
    let mut out = Metrics::default();
    let build = [("version", env!("CARGO_PKG_VERSION"))];
    out.gauge("stroma_build_info", "The version that runs.", &build, 1.0);
    let uptime = state.started.elapsed().as_secs_f64();
    out.gauge("stroma_uptime_seconds", "Time since the server was started.", &[], uptime);
    connections(state, &mut out);
    commands(state, &mut out);
    let (opened, timed_out) = state.cursors.totals();
    out.gauge("stroma_cursors_open", "Cursors that are open.", &[], state.cursors.len() as f64);
    out.counter("stroma_cursors_opened_total", "Cursors opened.", &[], opened as f64);
    let help = "Cursors closed because nobody asked them for more.";
    out.counter("stroma_cursors_timed_out_total", help, &[], timed_out as f64);
    let store = state.documents.store_statistics();
    let help = "Bytes of documents and indexes in memory.";
    out.gauge("stroma_store_memory_bytes", help, &[], store.memory_bytes as f64);
    let help = "Bytes of documents and indexes on the device.";
    out.gauge("stroma_store_disk_bytes", help, &[], store.disk_bytes as f64);
    out.counter("stroma_store_commits_total", "Transactions committed.", &[], store.commits as f64);
    let help = "Transactions repeated because another changed what they had read.";
    out.counter("stroma_store_conflicts_total", help, &[], store.conflicts as f64);
    for source in &state.metrics {
        source.collect(&mut out);
    }
    if let Some(report) = memory(state) {
        report.collect(&mut out);
    }
    out
}

/// What the first source that knows tells of its memory.
pub(crate) fn memory(state: &State) -> Option<MemoryReport> {
    state.metrics.iter().find_map(|source| source.memory())
}

fn connections(state: &State, out: &mut Metrics) {
    let counters = &state.counters;
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    out.gauge("stroma_connections", "Connections that are open.", &[], read(&counters.connections_open));
    let help = "Connections taken.";
    out.counter("stroma_connections_total", help, &[], read(&counters.connections_total));
    let help = "Connections refused because too many were open.";
    out.counter("stroma_connections_refused_total", help, &[], read(&counters.connections_refused));
    let help = "Connections closed because of a message that breaks the protocol.";
    out.counter("stroma_protocol_errors_total", help, &[], read(&counters.protocol_errors));
    let help = "Bytes of messages received.";
    out.counter("stroma_received_bytes_total", help, &[], read(&counters.bytes_in));
    out.counter("stroma_sent_bytes_total", "Bytes of messages sent.", &[], read(&counters.bytes_out));
}

fn commands(state: &State, out: &mut Metrics) {
    let (threads, busy) = state.pool.threads();
    out.gauge("stroma_query_threads", "Threads that run commands.", &[], threads as f64);
    out.gauge("stroma_query_threads_busy", "Threads that run a command now.", &[], busy as f64);
    for (name, counts) in state.counters.commands() {
        let labels = [("command", name)];
        out.counter("stroma_commands_total", "Commands run.", &labels, counts.runs as f64);
        let help = "Commands that ended in an error.";
        out.counter("stroma_command_failures_total", help, &labels, counts.failures as f64);
        let help = "Time that commands took.";
        out.counter("stroma_command_seconds_total", help, &labels, counts.time.as_secs_f64());
    }
}
