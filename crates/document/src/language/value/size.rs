//! Estimates of how much memory values take, for the caps of stages that hold many documents.

use bson::{Bson, Document};

/// What one entry of a document takes beside its name and value: hash, index and the string's header.
const ENTRY: usize = 64;

/// Roughly the bytes of memory that a document takes.
pub fn document_memory(document: &Document) -> usize {
    document.iter().map(|(name, value)| ENTRY + name.len() + value_memory(value)).sum::<usize>() + ENTRY
}

/// Roughly the bytes of memory that a value takes.
pub fn value_memory(value: &Bson) -> usize {
    size_of::<Bson>()
        + match value {
            Bson::String(text) | Bson::Symbol(text) | Bson::JavaScriptCode(text) => text.len(),
            Bson::Document(document) => document_memory(document),
            Bson::Array(elements) => elements.iter().map(value_memory).sum(),
            Bson::Binary(binary) => binary.bytes.len(),
            Bson::JavaScriptCodeWithScope(code) => code.code.len() + document_memory(&code.scope),
            _ => 0,
        }
}
