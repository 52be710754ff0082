//! Which index the client wants to be used.

use bson::{Bson, Document};

use crate::error::{Error, Result};

/// A client's choice of index.
#[derive(Debug, Clone, PartialEq)]
pub enum Hint {
    /// The index of this name.
    Name(String),
    /// The index with this key.
    Key(Document),
    /// No index: walk the collection, forward or (false) backward.
    Natural(bool),
}

impl Hint {
    /// Reads a hint as commands have it: a name, a key, or `{$natural: 1}`.
    ///
    /// # Errors
    /// `FailedToParse` (9) for anything else.
    pub fn parse(value: &Bson) -> Result<Hint> {
        match value {
            Bson::String(name) => Ok(Hint::Name(name.clone())),
            Bson::Document(key) => match key.get("$natural") {
                None => Ok(Hint::Key(key.clone())),
                Some(Bson::Int32(1) | Bson::Int64(1)) => Ok(Hint::Natural(true)),
                Some(Bson::Int32(-1) | Bson::Int64(-1)) => Ok(Hint::Natural(false)),
                Some(Bson::Double(value)) => Ok(Hint::Natural(*value > 0.0)),
                Some(_) => Err(Error::failed_to_parse("$natural hint must be 1 or -1")),
            },
            _ => Err(Error::failed_to_parse("Hint must be a string or an object")),
        }
    }
}
