//! What can be wrong with a message before anyone has understood what it asks.

/// A message that breaks the protocol. The connection is closed: nobody knows where the next one begins.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The length in the head cannot be that of a message.
    #[error("message length {length} is not between 16 and {most}")]
    Length {
        /// The length claimed.
        length: i32,
        /// The longest message taken.
        most: usize,
    },
    /// The operation is none that is still spoken.
    #[error("operation {opcode} is not supported: use a driver that speaks OP_MSG (2013)")]
    Opcode {
        /// The number of the operation.
        opcode: i32,
    },
    /// The message's body contradicts itself.
    #[error("malformed message at byte {offset}: {what}")]
    Malformed {
        /// Offset in the body, after the head.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// A document in the message is no BSON.
    #[error("malformed BSON at byte {offset}: {source}")]
    Bson {
        /// Offset in the body, after the head.
        offset: usize,
        /// What the parser says.
        source: Box<bson::error::Error>,
    },
    /// The connection broke.
    #[error("connection: {0}")]
    Connection(#[from] std::io::Error),
}
