//! Broken messages: that connection is closed, all others are served on.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use bson::{Document, doc};
use common::{Client, message, start};
use stroma_server::Server;

/// Sends bytes and nothing more; gives all that comes back until the server closes.
fn exchange(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let mut answer = Vec::new();
    // The server may close before it has read all, and then writing or reading fails.
    if stream.write_all(bytes).is_ok() && stream.shutdown(Shutdown::Write).is_ok() {
        let _ = stream.read_to_end(&mut answer);
    }
    answer
}

fn command(document: &Document) -> Vec<u8> {
    message(2013, &[&[0, 0, 0, 0, 0][..], &document.to_vec().unwrap()].concat())
}

#[test]
fn a_message_that_breaks_the_protocol_closes_its_connection_only() {
    let server = start();
    let mut bystander = Client::connect(&server);
    let ping = doc! {"ping": 1, "$db": "admin"}.to_vec().unwrap();
    let headed = |length: i32| [length, 1, 0, 2013].map(i32::to_le_bytes).concat();
    let cases = [
        headed(-1),
        headed(0),
        headed(15),
        headed(i32::MAX),
        headed(48_000_000),
        message(9999, &[0; 20]),
        message(2012, &[0; 20]),
        message(2013, b""),
        message(2013, &[0; 4]),
        message(2013, &[&[32, 0, 0, 0, 0][..], &ping].concat()),
        message(2013, &[&[0, 0, 0, 0, 7][..], &ping].concat()),
        message(2013, &[&[0, 0, 0, 0, 0][..], &ping, &[0], &ping].concat()),
        message(2013, &[&[0, 0, 0, 0, 0, 0, 0, 0, 1][..], &ping[4..]].concat()),
        message(2013, &[&[0, 0, 0, 0, 0][..], &ping, &[1, 0, 0, 16, 0], b"documents\0"].concat()),
        message(2004, b"\0\0\0\0admin.$cmd"),
    ];
    for (number, case) in cases.iter().enumerate() {
        assert!(exchange(&server, case).is_empty(), "case {number} was answered");
        bystander.ok(doc! {"ping": 1});
    }
}

#[test]
fn a_message_cut_or_flipped_anywhere_harms_nobody() {
    let server = start();
    let mut bystander = Client::connect(&server);
    let whole = command(&doc! {"find": "a", "filter": {"x": {"$gt": [1, "two", {"y": 3.0}]}}, "$db": "t"});
    for length in (0..whole.len()).step_by(3) {
        assert!(exchange(&server, &whole[..length]).is_empty(), "cut at {length}");
    }
    assert!(!exchange(&server, &whole).is_empty());
    for at in 4..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        exchange(&server, &flipped);
    }
    bystander.ok(doc! {"ping": 1});
}

/// The document `{a: <code without text, with this scope>}`.
fn wrapped_in_code(scope: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| (bytes as i32).to_le_bytes();
    let code = [&length(4 + 5 + scope.len())[..], &length(1), &[0], scope].concat();
    [&length(4 + 3 + code.len() + 1)[..], b"\x0fa\0", &code, &[0]].concat()
}

#[test]
fn deep_nesting_is_refused() {
    let server = start();
    let mut deep = doc! {"x": 1};
    for _ in 0..400 {
        deep = doc! {"a": deep};
    }
    assert!(exchange(&server, &command(&doc! {"insert": "a", "documents": [deep], "$db": "t"})).is_empty());
    let mut scope = vec![5, 0, 0, 0, 0];
    for level in 0..8000 {
        scope = wrapped_in_code(&scope);
        // The bytes are what they are meant to be.
        assert!(level > 20 || Document::from_reader(&scope[..]).is_ok());
    }
    let body = [&[0, 0, 0, 0, 0][..], &scope].concat();
    assert!(exchange(&server, &message(2013, &body)).is_empty());
    let mut clause = doc! {"x": 1};
    for _ in 0..90 {
        clause = doc! {"$and": [clause]};
    }
    // Whether it is answered or refused: the thread's stack must hold.
    Client::connect(&server).run(doc! {"find": "a", "filter": clause});
    Client::connect(&server).ok(doc! {"ping": 1});
}
