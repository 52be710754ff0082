//! Dotted paths into documents, with MongoDB's rules for the arrays on the way.

use crate::error::{Code, Error, Result};
use bson::{Bson, Document};

/// How many parts a path may have, as in MongoDB.
const MAX_PARTS: usize = 200;

/// A dotted path such as `orders.0.price`, split once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldPath {
    text: String,
    parts: Vec<String>,
}

impl FieldPath {
    /// Splits a path. Empty parts are kept (a query on `a..b` finds nothing); too many are an error.
    pub fn parse(text: &str) -> Result<FieldPath> {
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        if parts.len() > MAX_PARTS {
            let message = format!("FieldPath is too long: {} parts, {MAX_PARTS} are allowed", parts.len());
            return Err(Error::new(Code::Overflow, message));
        }
        Ok(FieldPath { text: text.to_owned(), parts })
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names between the dots; at least one.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }
}

/// What to do with an array at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafArrays {
    /// Visit each element, then the array itself.
    Expand,
    /// Visit only the array itself.
    Keep,
}

/// A visitor of the values at a path: the value (`None` where a document lacks it) and the place in the
/// outermost array on the way, if there was one. It says true to end the visit.
pub type Visitor<'v, 'a> = &'v mut dyn FnMut(Option<&'a Bson>, Option<usize>) -> bool;

/// Calls `visitor` with each value a query sees at a path, until it says true; returns whether it did.
/// Arrays of documents on the way are searched element by element, and a numeric part also names a place
/// in an array.
pub fn visit<'a>(
    document: &'a Document,
    parts: &[String],
    leaves: LeafArrays,
    visitor: Visitor<'_, 'a>,
) -> bool {
    visit_document(document, parts, leaves, None, visitor)
}

fn visit_document<'a>(
    document: &'a Document,
    parts: &[String],
    leaves: LeafArrays,
    place: Option<usize>,
    visitor: Visitor<'_, 'a>,
) -> bool {
    let Some((first, rest)) = parts.split_first() else { return false };
    visit_field(document.get(first), rest, leaves, place, visitor)
}

fn visit_field<'a>(
    value: Option<&'a Bson>,
    rest: &[String],
    leaves: LeafArrays,
    place: Option<usize>,
    visitor: Visitor<'_, 'a>,
) -> bool {
    match (value, rest) {
        (Some(Bson::Array(elements)), []) => {
            let mut numbered = elements.iter().enumerate();
            (leaves == LeafArrays::Expand
                && numbered.any(|(index, element)| visitor(Some(element), place.or(Some(index)))))
                || visitor(value, place)
        }
        (value, []) => visitor(value, place),
        (Some(Bson::Document(inner)), rest) => visit_document(inner, rest, leaves, place, visitor),
        (Some(Bson::Array(elements)), [next, after @ ..]) => {
            let within = elements.iter().enumerate().any(|(index, element)| match element {
                Bson::Document(inner) => visit_document(inner, rest, leaves, place.or(Some(index)), visitor),
                _ => false,
            });
            within
                || array_index(next)
                    .and_then(|index| elements.get(index))
                    .is_some_and(|element| visit_field(Some(element), after, leaves, place, visitor))
        }
        _ => visitor(None, place),
    }
}

/// A path part as a place in an array, if it is written as one (no sign, no leading zeros).
pub fn array_index(part: &str) -> Option<usize> {
    let digits = part.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = part == "0" || !part.starts_with('0');
    if digits && canonical { part.parse().ok() } else { None }
}

/// The values an index entry is made of, or a sort compares, at a path.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexValues<'a> {
    /// `Null` for a document that lacks the path, `Undefined` for an empty array.
    pub values: Vec<&'a Bson>,
    /// The path (a prefix of the whole one) of the first array that was expanded, if any.
    pub array_at: Option<String>,
}

impl IndexValues<'_> {
    /// Whether an array was on the way or at the end, so that one document may have many entries.
    pub fn is_multikey(&self) -> bool {
        self.array_at.is_some()
    }
}

static NULL: Bson = Bson::Null;
static UNDEFINED: Bson = Bson::Undefined;

/// The values under which an index (or a sort) sees a document at a path: arrays give each of their
/// elements, an empty array gives `Undefined`, what is missing gives `Null`. Duplicates are kept.
pub fn index_values<'a>(document: &'a Document, path: &FieldPath) -> IndexValues<'a> {
    let mut found = IndexValues { values: Vec::with_capacity(1), array_at: None };
    collect_document(document, path, 0, &mut found);
    found
}

fn collect_document<'a>(document: &'a Document, path: &FieldPath, depth: usize, found: &mut IndexValues<'a>) {
    collect_value(document.get(&path.parts[depth]), path, depth + 1, found);
}

fn collect_value<'a>(value: Option<&'a Bson>, path: &FieldPath, depth: usize, found: &mut IndexValues<'a>) {
    let rest = &path.parts[depth..];
    match value {
        Some(Bson::Array(elements)) => {
            if found.array_at.is_none() {
                found.array_at = Some(path.parts[..depth].join("."));
            }
            let indexed = rest.first().and_then(|part| array_index(part));
            if let Some(index) = indexed {
                let named =
                    |element: &Bson| matches!(element, Bson::Document(inner) if inner.contains_key(&rest[0]));
                if !elements.iter().any(named) {
                    return collect_value(elements.get(index), path, depth + 1, found);
                }
            }
            if elements.is_empty() {
                found.values.push(if rest.is_empty() { &UNDEFINED } else { &NULL });
            }
            for element in elements {
                match (element, rest.is_empty()) {
                    (element, true) => found.values.push(element),
                    (Bson::Document(inner), false) => collect_document(inner, path, depth, found),
                    (_, false) => found.values.push(&NULL),
                }
            }
        }
        Some(value) if rest.is_empty() => found.values.push(value),
        Some(Bson::Document(inner)) => collect_document(inner, path, depth, found),
        _ => found.values.push(&NULL),
    }
}

/// The value at a path through documents only; arrays are not entered (except by nothing).
pub fn get<'a>(document: &'a Document, parts: &[String]) -> Option<&'a Bson> {
    let (first, rest) = parts.split_first()?;
    let value = document.get(first)?;
    match (value, rest) {
        (value, []) => Some(value),
        (Bson::Document(inner), rest) => get(inner, rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::{bson, doc};

    fn seen(document: &Document, path: &str) -> Vec<Option<Bson>> {
        let mut values = Vec::new();
        visit(document, FieldPath::parse(path).unwrap().parts(), LeafArrays::Expand, &mut |value, _| {
            values.push(value.cloned());
            false
        });
        values
    }

    #[test]
    fn queries_look_into_arrays() {
        assert_eq!(seen(&doc! {"a": {"b": 1}}, "a.b"), [Some(bson!(1))]);
        assert_eq!(seen(&doc! {"a": [1, 2]}, "a"), [Some(bson!(1)), Some(bson!(2)), Some(bson!([1, 2]))]);
        assert_eq!(seen(&doc! {"a": [{"b": 1}, {}, 7]}, "a.b"), [Some(bson!(1)), None]);
        assert_eq!(seen(&doc! {"a": [5, 6]}, "a.1"), [Some(bson!(6))]);
        assert_eq!(seen(&doc! {"a": []}, "a.b"), []);
        assert_eq!(seen(&doc! {"a": 4}, "a.b"), [None]);
        assert_eq!(seen(&doc! {}, "a.b"), [None]);
    }

    #[test]
    fn index_values_expand_arrays() {
        let path = FieldPath::parse("a.b").unwrap();
        let document = doc! {"a": [{"b": 1}, {"b": [2, 3]}, {}, 4]};
        let found = index_values(&document, &path);
        assert_eq!(found.values, [&bson!(1), &bson!(2), &bson!(3), &Bson::Null, &Bson::Null]);
        assert_eq!(found.array_at.as_deref(), Some("a"));
        let path = FieldPath::parse("a").unwrap();
        assert_eq!(index_values(&doc! {"a": []}, &path).values, [&Bson::Undefined]);
        assert_eq!(index_values(&doc! {}, &path).values, [&Bson::Null]);
        assert!(!index_values(&doc! {"a": 1}, &path).is_multikey());
        let path = FieldPath::parse("a.1").unwrap();
        assert_eq!(index_values(&doc! {"a": [4, 5]}, &path).values, [&bson!(5)]);
    }

    #[test]
    fn long_paths_are_refused() {
        assert_eq!(FieldPath::parse(&"a.".repeat(300)).unwrap_err().code(), 15);
    }
}
