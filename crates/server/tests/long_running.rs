//! Commands that do not end, or fall: stopped by their time, by hand, by the server's end; nobody else waits.

#![allow(clippy::unwrap_used, reason = "these are tests")]
#![allow(clippy::disallowed_methods, reason = "a stage that is slow has to sleep")]

mod common;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, doc};
use common::{Client, start_on};
use stroma_document::store::MemoryStore;
use stroma_document::{Collection, Cursor, Documents, Options, Result, SourceStage};
use stroma_server::{Server, ServerOptions};

/// A stage whose documents come slowly and never end.
struct Endless;

impl SourceStage for Endless {
    fn open(&self, _: &Bson, _: &Collection) -> Result<Cursor> {
        Ok(Box::new(std::iter::repeat_with(|| {
            std::thread::sleep(Duration::from_millis(1));
            Ok(doc! {"x": 1})
        })))
    }
}

/// A stage with a fault.
struct Faulty;

impl SourceStage for Faulty {
    fn open(&self, _: &Bson, _: &Collection) -> Result<Cursor> {
        panic!("a fault that a test has put here")
    }
}

/// A server with one thread for queries, which gives commands no time when it is shut down.
fn start() -> Server {
    let documents = Documents::open(Arc::new(MemoryStore::new()), Options::default()).unwrap();
    documents.register_source_stage("$endless", Arc::new(Endless));
    documents.register_source_stage("$faulty", Arc::new(Faulty));
    start_on(documents, ServerOptions { threads: 1, grace: Duration::ZERO, ..ServerOptions::default() })
}

/// A batch that is full after a quarter of an hour.
fn endless() -> Document {
    doc! {"aggregate": "a", "pipeline": [{"$endless": {}}], "cursor": {"batchSize": 1_000_000}}
}

/// Waits until the endless command runs; gives its number.
fn find_operation(client: &mut Client) -> i32 {
    loop {
        let operations = client.ok(doc! {"currentOp": 1, "$db": "admin"});
        if let Some(operation) = operations.get_array("inprog").unwrap().first() {
            return operation.as_document().unwrap().get_i32("opid").unwrap();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_command_ends_with_its_time() {
    let server = start();
    let mut command = endless();
    command.insert("maxTimeMS", 20);
    assert_eq!(Client::connect(&server).code(command), 50);
}

#[test]
fn a_walk_that_finds_nothing_ends_with_its_time_too() {
    let server = start();
    let mut client = Client::connect(&server);
    let documents: Vec<Document> = (0..2000).map(|number| doc! {"_id": number}).collect();
    client.ok(doc! {"insert": "many", "documents": documents});
    let slow = doc! {"$sum": {"$map": {"input": {"$range": [0, 200]}, "in": {"$multiply": ["$$this", 2]}}}};
    let never = doc! {"$expr": {"$eq": [slow, 1]}};
    let update = doc! {"q": &never, "u": {"$set": {"a": 1}}, "multi": true};
    for command in [
        doc! {"find": "many", "filter": &never, "maxTimeMS": 1},
        doc! {"count": "many", "query": &never, "maxTimeMS": 1},
        doc! {"update": "many", "updates": [update], "maxTimeMS": 1},
    ] {
        assert_eq!(client.code(command), 50);
    }
    assert_eq!(client.ok(doc! {"count": "many"}).get_i32("n").unwrap(), 2000);
}

#[test]
fn a_command_is_killed_while_others_ask_what_needs_no_thread() {
    let server = start();
    let (mut busy, mut other) = (Client::connect(&server), Client::connect(&server));
    busy.send(&endless(), 0);
    let number = find_operation(&mut other);
    other.ok(doc! {"ping": 1});
    other.ok(doc! {"killOp": 1, "op": number, "$db": "admin"});
    assert_eq!(busy.receive().get_i32("code").unwrap(), 11601);
    other.ok(doc! {"count": "a"});
}

#[test]
fn a_shutdown_ends_and_answers_what_runs() {
    let server = start();
    let mut busy = Client::connect(&server);
    busy.send(&endless(), 0);
    find_operation(&mut Client::connect(&server));
    server.shutdown();
    assert_eq!(busy.receive().get_i32("code").unwrap(), 11601);
    let mut nothing = Vec::new();
    assert_eq!(busy.stream.read_to_end(&mut nothing).unwrap(), 0);
}

#[test]
fn a_command_with_a_fault_is_an_error_and_its_thread_goes_on() {
    let server = start();
    let mut client = Client::connect(&server);
    for _ in 0..3 {
        let faulty = doc! {"aggregate": "a", "pipeline": [{"$faulty": {}}], "cursor": {}};
        assert_eq!(client.code(faulty), 1);
        client.ok(doc! {"count": "a"});
    }
    let operations = client.ok(doc! {"currentOp": 1, "$db": "admin"});
    assert!(operations.get_array("inprog").unwrap().is_empty());
}
