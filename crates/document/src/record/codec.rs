//! Documents as the bytes of a record: plain BSON, checked for size and depth.

use bson::{Bson, Document};

use crate::error::{Code, Error, Result};

/// The largest document, in bytes of BSON.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 16 << 20;
/// How deep documents and arrays may lie in each other.
const MAX_DEPTH: usize = 100;

/// The bytes of a document.
pub(crate) fn encode(document: &Document) -> Result<Vec<u8>> {
    check_depth(document)?;
    let bytes = document
        .to_vec()
        .map_err(|error| Error::new(Code::InvalidBSON, format!("document cannot be encoded: {error}")))?;
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(Error::new(
            Code::BSONObjectTooLarge,
            format!(
                "BSONObj size: {} (0x{:X}) is invalid. Size must be between 0 and {MAX_DOCUMENT_BYTES}",
                bytes.len(),
                bytes.len()
            ),
        ));
    }
    Ok(bytes)
}

/// The document of a record's bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Document> {
    Document::from_reader(bytes)
        .map_err(|error| Error::new(Code::InvalidBSON, format!("a stored document is damaged: {error}")))
}

fn check_depth(document: &Document) -> Result<()> {
    // Walked with a list of its own: the depth of what came in must not become the depth of the stack.
    let mut pending: Vec<(&Bson, usize)> = document.values().map(|value| (value, 1)).collect();
    while let Some((value, depth)) = pending.pop() {
        if depth > MAX_DEPTH {
            return Err(Error::new(
                Code::Overflow,
                format!("cannot store a document that is nested more than {MAX_DEPTH} levels deep"),
            ));
        }
        match value {
            Bson::Document(inner) => pending.extend(inner.values().map(|value| (value, depth + 1))),
            Bson::Array(items) => pending.extend(items.iter().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    #[test]
    fn refuses_too_large_and_too_deep() {
        let error = encode(&doc! { "_id": 1, "s": "x".repeat(MAX_DOCUMENT_BYTES) }).unwrap_err();
        assert_eq!(error.code(), 10334);
        let nested = |levels: usize| (0..levels).fold(doc! {}, |inner, _| doc! { "a": inner });
        assert!(encode(&nested(100)).is_ok());
        assert!(encode(&nested(101)).is_err());
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        let bytes = encode(&doc! { "_id": 1, "a": ["x", 2.5, { "b": true }] }).unwrap();
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err());
        }
    }
}
