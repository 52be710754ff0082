//! The server as a whole: ports, figures, limits, shutting down.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use common::{Client, numbered, start, start_with};
use stroma_document::store::MemoryStore;
use stroma_document::{Documents, Options};
use stroma_server::{Error, MemoryReport, Metrics, MetricsSource, Server, ServerOptions, serve};

fn get(server: &Server, head: &str) -> String {
    let mut stream = TcpStream::connect(server.http_address().unwrap()).unwrap();
    write!(stream, "{head} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

struct Answer;

impl MetricsSource for Answer {
    fn collect(&self, out: &mut Metrics) {
        out.gauge("the_answer", "To everything.", &[("of", "tests")], 42.0);
    }

    fn memory(&self) -> Option<MemoryReport> {
        Some(MemoryReport { budget_bytes: 4096, ..MemoryReport::default() })
    }
}

#[test]
fn figures_and_health_are_on_the_http_port() {
    let options = ServerOptions { metrics: vec![Arc::new(Answer)], ..ServerOptions::default() };
    let server = start_with(options);
    Client::connect(&server).ok(doc! {"ping": 1});
    let health = get(&server, "GET /healthz");
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with("ok\n"));
    let figures = get(&server, "GET /metrics");
    assert!(figures.contains("stroma_commands_total{command=\"ping\"} 1\n"), "{figures}");
    assert!(figures.contains("the_answer{of=\"tests\"} 42\n"));
    assert!(figures.contains("# TYPE stroma_connections gauge\n"));
    assert!(figures.contains("stroma_memory_budget_bytes 4096\n"));
    let memory = get(&server, "GET /memory");
    assert!(memory.contains("content-type: application/json") && memory.contains("\"budget_bytes\":4096"));
    assert!(get(&start(), "GET /memory").starts_with("HTTP/1.1 404"), "a store without a budget");
    assert!(get(&server, "GET /nothing").starts_with("HTTP/1.1 404"));
    assert!(get(&server, "POST /metrics").starts_with("HTTP/1.1 405"));
}

#[test]
fn a_port_in_use_says_so() {
    let server = start();
    let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default()).unwrap();
    let port = server.address().port();
    let error = serve(documents, ServerOptions { port, ..ServerOptions::default() }).unwrap_err();
    assert!(matches!(error, Error::AddressInUse { address } if address == server.address()));
    assert!(error.to_string().contains("choose another port"));
}

#[test]
fn connections_beyond_the_limit_are_closed() {
    let server = start_with(ServerOptions { connections: 1, ..ServerOptions::default() });
    let mut first = Client::connect(&server);
    first.ok(doc! {"ping": 1});
    let mut second = TcpStream::connect(server.address()).unwrap();
    let mut nothing = Vec::new();
    // Closed at once: read as an end, or as a reset if the ping was already under way.
    let _ = second.read_to_end(&mut nothing);
    assert!(nothing.is_empty());
    first.ok(doc! {"ping": 1});
}

#[test]
fn shutting_down_ends_connections_and_frees_the_port() {
    let server = start();
    let address = server.address();
    let mut client = Client::connect(&server);
    client.ok(doc! {"insert": "a", "documents": numbered(10)});
    server.shutdown();
    let mut nothing = Vec::new();
    let _ = client.stream.read_to_end(&mut nothing);
    assert!(nothing.is_empty());
    assert!(TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_err());
}
