//! A message as a command, whichever operation carried it, and the shape its reply must have.

use bson::Document;

use super::header::HEADER_BYTES;
use super::{Header, WireError, op_msg, op_query};

/// Which operation the reply is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyShape {
    /// `OP_MSG`.
    Message,
    /// `OP_REPLY`, to an `OP_QUERY`.
    Reply,
    /// None: the sender set `moreToCome`.
    Nothing,
}

/// Reads one whole message, head included, as the command it carries: for tools that look at traffic, and for
/// fuzzing. O(length of the message).
///
/// # Errors
/// [`WireError`] for a message that breaks the protocol or is not as long as its head says.
pub fn parse_message(bytes: &[u8]) -> Result<Document, WireError> {
    let (head, body) = bytes
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or(WireError::Malformed { offset: 0, what: "no room for a head" })?;
    let header = Header::parse(head)?;
    if header.length != bytes.len() {
        return Err(WireError::Malformed { offset: 0, what: "the message is not as long as its head says" });
    }
    Ok(Request::parse(header, body)?.command)
}

/// A command as it came.
#[derive(Debug)]
pub(crate) struct Request {
    /// The command; its first field names it, `$db` its database.
    pub(crate) command: Document,
    /// The sender's number for it.
    pub(crate) id: i32,
    pub(crate) shape: ReplyShape,
}

impl Request {
    /// Understands a message.
    pub(crate) fn parse(header: Header, body: &[u8]) -> Result<Request, WireError> {
        let (command, shape) = match header.opcode {
            op_msg::OPCODE => {
                let command = op_msg::parse(body)?;
                (
                    command.document,
                    if command.wants_reply { ReplyShape::Message } else { ReplyShape::Nothing },
                )
            }
            op_query::OPCODE => (op_query::parse(body)?, ReplyShape::Reply),
            opcode => return Err(WireError::Opcode { opcode }),
        };
        Ok(Request { command, id: header.request_id, shape })
    }

    /// What is needed to answer the request, without what it asks.
    pub(crate) fn without_command(&self) -> Request {
        Request { command: Document::new(), id: self.id, shape: self.shape }
    }

    /// The reply as the bytes of a message; `None` where none is wanted.
    pub(crate) fn reply(
        &self,
        document: &Document,
        number: i32,
    ) -> Result<Option<Vec<u8>>, bson::error::Error> {
        match self.shape {
            ReplyShape::Message => op_msg::reply(document, number, self.id).map(Some),
            ReplyShape::Reply => op_query::reply(document, number, self.id).map(Some),
            ReplyShape::Nothing => Ok(None),
        }
    }
}
