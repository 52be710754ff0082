//! `serverStatus`: figures since the start.

use std::sync::atomic::{AtomicU64, Ordering};

use bson::{Bson, DateTime, Document, doc};
use stroma_document::Result;

use super::build_info::version;
use super::context::Context;
use super::table::Command;
use crate::request::Arguments;
use crate::server::host;

pub(super) const COMMAND: Command = Command {
    name: "serverStatus",
    aliases: &["serverstatus"],
    is_inline: false,
    is_admin: false,
    help: "gives figures since the start",
    run,
};

fn run(context: &Context<'_>, _: Bson, _: Arguments) -> Result<Document> {
    let state = context.state;
    let counters = &state.counters;
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as i64;
    let uptime = state.started.elapsed();
    let open = read(&counters.connections_open);
    let runs = |name: &str| counters.runs_of(name) as i64;
    let named = ["insert", "find", "update", "delete", "getMore"].map(runs);
    let all: i64 = counters.commands().iter().map(|(_, counts)| counts.runs as i64).sum();
    let store = state.documents.store_statistics();
    let (opened, timed_out) = state.cursors.totals();
    Ok(doc! {
        "host": host(state.port),
        "version": version(),
        "process": "stroma",
        "stromatolite": {"version": env!("CARGO_PKG_VERSION")},
        "pid": i64::from(std::process::id()),
        "uptime": uptime.as_secs_f64(),
        "uptimeMillis": uptime.as_millis() as i64,
        "uptimeEstimate": uptime.as_secs() as i64,
        "localTime": DateTime::now(),
        "connections": {
            "current": open,
            "available": state.connections as i64 - open,
            "totalCreated": read(&counters.connections_total),
            "rejected": read(&counters.connections_refused),
        },
        "network": {
            "bytesIn": read(&counters.bytes_in),
            "bytesOut": read(&counters.bytes_out),
            "numRequests": all,
        },
        "opcounters": {
            "insert": named[0],
            "query": named[1],
            "update": named[2],
            "delete": named[3],
            "getmore": named[4],
            "command": all - named.iter().sum::<i64>(),
        },
        "metrics": {
            "cursor": {
                "timedOut": timed_out as i64,
                "totalOpened": opened as i64,
                "open": {"total": state.cursors.len() as i64},
            },
        },
        "storageEngine": {
            "name": "stromatolite",
            "memoryBytes": store.memory_bytes as i64,
            "diskBytes": store.disk_bytes as i64,
            "commits": store.commits as i64,
            "conflicts": store.conflicts as i64,
        },
    })
}
