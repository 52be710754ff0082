//! The document that an upsert starts from.

use super::node::{Comparison, Node, Predicate};
use crate::error::{Code, Error, Result};
use bson::{Bson, Document};

/// The fields that the equalities of the top conjunction determine.
pub(super) fn base(node: &Node) -> Result<Document> {
    let mut document = Document::new();
    collect(node, &mut document)?;
    Ok(document)
}

fn collect(node: &Node, document: &mut Document) -> Result<()> {
    match node {
        Node::And(parts) => parts.iter().try_for_each(|part| collect(part, document)),
        Node::Or(parts) if parts.len() == 1 => collect(&parts[0], document),
        Node::Path { path, test } => collect_test(path.as_str(), path.parts(), test, document),
        _ => Ok(()),
    }
}

fn collect_test(path: &str, parts: &[String], test: &Predicate, document: &mut Document) -> Result<()> {
    match test {
        Predicate::Compare(Comparison::Equal, value) => set(path, parts, value, document),
        Predicate::In(membership) if membership.patterns.is_empty() && membership.values.len() == 1 => {
            set(path, parts, &membership.values[0], document)
        }
        Predicate::All(inner) if inner.len() == 1 => collect_test(path, parts, &inner[0], document),
        _ => Ok(()),
    }
}

fn set(path: &str, parts: &[String], value: &Bson, document: &mut Document) -> Result<()> {
    let ambiguous = || {
        let message = format!("cannot infer query fields to set, path '{path}' is matched twice");
        Error::new(Code::NotSingleValueField, message)
    };
    let [first, rest @ ..] = parts else { return Ok(()) };
    if rest.is_empty() {
        return match document.get(first) {
            None => {
                document.insert(first.clone(), value.clone());
                Ok(())
            }
            Some(_) => Err(ambiguous()),
        };
    }
    match document.entry(first.clone()).or_insert(Bson::Document(Document::new())) {
        Bson::Document(inner) => set(path, rest, value, inner),
        _ => Err(ambiguous()),
    }
}
