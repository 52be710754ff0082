//! The error for two documents with one key, in MongoDB's words.

use bson::{Bson, Document, doc};

use super::keys::DocumentKeys;
use crate::catalog::IndexEntry;
use crate::error::{Code, Error};
use crate::namespace::Namespace;

/// Another document has this `_id`.
pub(crate) fn duplicate_id(namespace: &Namespace, id: &Bson) -> Error {
    duplicate(namespace, "_id_", &doc! { "_id": 1 }, vec![id.clone()])
}

/// Another document has the key that is encoded as `encoded` in a unique index.
pub(super) fn duplicate_key(
    namespace: &Namespace,
    index: &IndexEntry,
    keys: &DocumentKeys<'_>,
    encoded: &[u8],
) -> Error {
    duplicate(namespace, &index.name, &index.key, keys.values_of(encoded, &index.fields))
}

fn duplicate(namespace: &Namespace, index: &str, pattern: &Document, values: Vec<Bson>) -> Error {
    let value: Document = pattern.keys().cloned().zip(values).collect();
    let shown: Vec<String> = value.iter().map(|(path, value)| format!("{path}: {}", show(value))).collect();
    let message = format!(
        "E11000 duplicate key error collection: {namespace} index: {index} dup key: {{ {} }}",
        shown.join(", ")
    );
    Error::new(Code::DuplicateKey, message).with_details(doc! { "keyPattern": pattern, "keyValue": value })
}

/// A value as MongoDB's messages print it.
fn show(value: &Bson) -> String {
    match value {
        Bson::String(text) => format!("\"{}\"", text.escape_debug()),
        Bson::ObjectId(id) => format!("ObjectId('{id}')"),
        Bson::DateTime(date) => format!("new Date({})", date.timestamp_millis()),
        Bson::Double(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.1}"),
        Bson::Undefined => "undefined".to_owned(),
        Bson::Document(document) if document.is_empty() => "{}".to_owned(),
        Bson::Document(document) => {
            let fields: Vec<String> =
                document.iter().map(|(name, value)| format!("{name}: {}", show(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Bson::Array(items) => format!("[ {} ]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_mongodbs_words() {
        let namespace = Namespace::new("db", "c").unwrap();
        let error = duplicate_id(&namespace, &Bson::Int32(1));
        assert_eq!(
            error.message(),
            "E11000 duplicate key error collection: db.c index: _id_ dup key: { _id: 1 }"
        );
        assert_eq!(error.code(), 11000);
        assert_eq!(error.details(), Some(&doc! { "keyPattern": { "_id": 1 }, "keyValue": { "_id": 1 } }));
        let named = duplicate_id(&namespace, &Bson::String("x".to_owned()));
        assert!(named.message().ends_with("dup key: { _id: \"x\" }"));
    }
}
