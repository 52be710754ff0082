//! The `_id` of a document: generated, put first, checked.

use bson::{Bson, Document};

use crate::documents::Inner;
use crate::error::{Code, Error, Result};

/// The document with its `_id` as its first field; a new object id if it has none.
pub(super) fn with_id(inner: &Inner, mut document: Document) -> Result<Document> {
    let is_first = document.keys().next().is_some_and(|first| first == "_id");
    if !is_first {
        let id = document.remove("_id").unwrap_or_else(|| inner.new_object_id().into());
        let mut reordered = Document::new();
        reordered.insert("_id", id);
        reordered.extend(document);
        document = reordered;
    }
    match document.get("_id") {
        Some(id) => check_id(id)?,
        None => return Err(Error::new(Code::InternalError, "a document has lost its _id")),
    }
    Ok(document)
}

/// Whether a value can be an `_id`.
fn check_id(id: &Bson) -> Result<()> {
    let forbidden = match id {
        Bson::Array(_) => "array",
        Bson::RegularExpression(_) => "regex",
        Bson::Undefined => "undefined",
        Bson::Document(inner) => {
            return match inner.keys().find(|name| name.starts_with('$')) {
                None => Ok(()),
                Some(name) => Err(Error::new(
                    Code::DollarPrefixedFieldName,
                    format!(
                        "_id fields may not contain '$'-prefixed fields: '{name}' is not valid for storage."
                    ),
                )),
            };
        }
        _ => return Ok(()),
    };
    Err(Error::new(Code::InvalidIdField, format!("The '_id' value cannot be of type {forbidden}")))
}
