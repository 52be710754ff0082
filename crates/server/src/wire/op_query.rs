//! `OP_QUERY` on a `$cmd` collection, with which old drivers still say hello, and the `OP_REPLY` it wants.

use bson::{Bson, Document};

use super::op_msg::{message, read_document};
use super::{Header, WireError};

/// Number of the operation.
pub(crate) const OPCODE: i32 = 2004;
/// Number of the reply's operation.
const REPLY_OPCODE: i32 = 1;
/// The server is able to wait for more data; every server since 1.6 says so.
const AWAIT_CAPABLE: i32 = 8;

/// Reads the body: the command, with the database it is for as `$db`.
pub(crate) fn parse(body: &[u8]) -> Result<Document, WireError> {
    let name = body.get(4..).unwrap_or_default();
    let end = name.iter().position(|byte| *byte == 0);
    let end = end.ok_or(WireError::Malformed { offset: 4, what: "a collection name without its end" })?;
    let name = std::str::from_utf8(&name[..end])
        .map_err(|_| WireError::Malformed { offset: 4, what: "a collection name that is not UTF-8" })?;
    let database = name.strip_suffix(".$cmd").ok_or(WireError::Malformed {
        offset: 4,
        what: "OP_QUERY is taken for commands only (a name that ends in .$cmd)",
    })?;
    // After the name: how many to skip, how many to return; then the command.
    let (mut command, _) = read_document(body, 4 + end + 1 + 8, body.len())?;
    // Some drivers wrap the command to send a read preference beside it.
    if let Some(Bson::Document(wrapped)) = command.remove("$query") {
        command = wrapped;
    }
    command.insert("$db", database);
    Ok(command)
}

/// A reply as the bytes of a whole message.
pub(crate) fn reply(
    document: &Document,
    request_id: i32,
    response_to: i32,
) -> Result<Vec<u8>, bson::error::Error> {
    // Flags, no cursor (64 bits), starting from 0, one document.
    let before = [AWAIT_CAPABLE, 0, 0, 0, 1].map(i32::to_le_bytes).concat();
    message(Header { length: 0, request_id, response_to, opcode: REPLY_OPCODE }, &before, document)
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::parse;

    fn query(name: &[u8], document: &[u8]) -> Vec<u8> {
        [&0_i32.to_le_bytes()[..], name, &[0; 4], &[255; 4], document].concat()
    }

    #[test]
    fn an_old_hello_is_read() {
        let document = doc! {"isMaster": 1}.to_vec().unwrap();
        let command = parse(&query(b"admin.$cmd\0", &document)).unwrap();
        assert_eq!(command, doc! {"isMaster": 1, "$db": "admin"});
    }

    #[test]
    fn anything_else_is_an_error() {
        let document = doc! {"isMaster": 1}.to_vec().unwrap();
        for name in [&b"admin.users\0"[..], b"admin.$cmd", b"\xff.$cmd\0"] {
            assert!(parse(&query(name, &document)).is_err());
        }
        let whole = query(b"admin.$cmd\0", &document);
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "cut at {length}");
        }
    }
}
