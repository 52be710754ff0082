//! Logical sessions: an id that groups cursors. Nothing else is kept for them.

use bson::{Bson, Document};
use stroma_document::{Error, Result};

/// How long drivers may keep a session without using it, in minutes.
pub(crate) const TIMEOUT_MINUTES: i32 = 30;

/// A session's id, the bytes of its UUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(Vec<u8>);

impl SessionId {
    /// Reads `{id: <UUID>}`.
    ///
    /// # Errors
    /// `TypeMismatch` (14) for anything else.
    pub(crate) fn parse(value: &Document) -> Result<SessionId> {
        match value.get("id") {
            Some(Bson::Binary(binary)) if binary.bytes.len() == 16 => Ok(SessionId(binary.bytes.clone())),
            _ => Err(Error::type_mismatch("a session's 'id' must be a UUID")),
        }
    }
}
