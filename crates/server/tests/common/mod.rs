//! A server in memory and the smallest client that can speak to it.

#![allow(clippy::unwrap_used, reason = "these are tests")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use stroma_document::store::MemoryStore;
use stroma_document::{Documents, Options};
use stroma_server::{Server, ServerOptions, serve};

pub fn start() -> Server {
    start_with(ServerOptions { threads: 4, ..ServerOptions::default() })
}

/// Starts a server on free ports.
pub fn start_with(options: ServerOptions) -> Server {
    start_on(Documents::open(Arc::new(MemoryStore::new()), Options::default()).unwrap(), options)
}

/// Starts a server on documents that the test has prepared.
pub fn start_on(documents: Documents, options: ServerOptions) -> Server {
    serve(documents, ServerOptions { port: 0, http_port: Some(0), ..options }).unwrap()
}

/// A blocking connection.
pub struct Client {
    pub stream: TcpStream,
}

impl Client {
    pub fn connect(server: &Server) -> Client {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Client { stream }
    }

    /// Sends a command to the database `tests` (unless it names another) and reads the reply.
    pub fn run(&mut self, command: Document) -> Document {
        self.send(&command, 0);
        self.receive()
    }

    /// As `run`; panics unless the command succeeds.
    pub fn ok(&mut self, command: Document) -> Document {
        let reply = self.run(command);
        assert_eq!(reply.get_f64("ok").unwrap(), 1.0, "{reply}");
        reply
    }

    /// As `run`; panics unless the command fails. Gives its code.
    pub fn code(&mut self, command: Document) -> i32 {
        let reply = self.run(command);
        assert_eq!(reply.get_f64("ok").unwrap(), 0.0, "{reply}");
        assert!(!reply.get_str("errmsg").unwrap().is_empty() && reply.get_str("codeName").is_ok());
        reply.get_i32("code").unwrap()
    }

    pub fn send(&mut self, command: &Document, flags: u32) {
        let mut command = command.clone();
        if !command.contains_key("$db") {
            command.insert("$db", "tests");
        }
        let body = [&flags.to_le_bytes()[..], &[0], &command.to_vec().unwrap()].concat();
        self.stream.write_all(&message(2013, &body)).unwrap();
    }

    pub fn receive(&mut self) -> Document {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).unwrap();
        let mut rest = vec![0; u32::from_le_bytes(length) as usize - 4];
        self.stream.read_exact(&mut rest).unwrap();
        // The rest of the head, flags and the kind of section come before the document.
        Document::from_reader(&rest[12 + 4 + 1..]).unwrap()
    }
}

/// A whole message.
pub fn message(opcode: i32, body: &[u8]) -> Vec<u8> {
    let length = 16 + body.len() as i32;
    let head = [length, 7, 0, opcode].map(i32::to_le_bytes).concat();
    [&head[..], body].concat()
}

/// `{_id: 0}`, `{_id: 1}` and so on.
pub fn numbered(count: i32) -> Vec<Document> {
    (0..count).map(|number| doc! {"_id": number}).collect()
}
