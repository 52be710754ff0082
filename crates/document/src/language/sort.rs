//! Sort patterns: how find and `$sort` order documents.

use super::value::path::{self, FieldPath};
use super::value::{Number, compare, describe};
use crate::error::{Error, Result};
use crate::language::expression::check_ends;
use bson::{Bson, Document};
use std::cmp::Ordering;

/// How many fields a sort may have, as in MongoDB.
const MAX_FIELDS: usize = 32;

/// A parsed sort such as `{a: 1, b.c: -1}`.
#[derive(Debug, Clone)]
pub struct SortPattern {
    fields: Vec<SortField>,
}

/// One field of a sort.
#[derive(Debug, Clone, PartialEq)]
pub struct SortField {
    /// Where the value is.
    pub path: FieldPath,
    /// Whether larger values come first.
    pub descending: bool,
}

/// The values by which a document is sorted, taken once so that comparing is cheap.
#[derive(Debug, Clone)]
pub struct SortKey(Vec<Bson>);

impl SortPattern {
    /// Parses a sort; each direction is 1 or -1.
    pub fn parse(pattern: &Document) -> Result<SortPattern> {
        if pattern.len() > MAX_FIELDS {
            return Err(Error::bad_value(format!(
                "too many fields in a sort: at most {MAX_FIELDS} are allowed"
            )));
        }
        let mut fields = Vec::with_capacity(pattern.len());
        for (name, direction) in pattern {
            fields.push(SortField { path: checked_path(name)?, descending: is_descending(name, direction)? });
        }
        Ok(SortPattern { fields })
    }

    /// The fields in their order of weight.
    pub fn fields(&self) -> &[SortField] {
        &self.fields
    }

    /// The values by which a document sorts. An array counts with its smallest element, or its largest when
    /// descending; what is missing counts as null.
    pub fn key(&self, document: &Document) -> SortKey {
        let values = self.fields.iter().map(|field| {
            let found = path::index_values(document, &field.path);
            let candidates = found.values.into_iter();
            let chosen = if field.descending {
                candidates.max_by(|a, b| compare(a, b))
            } else {
                candidates.min_by(|a, b| compare(a, b))
            };
            chosen.cloned().unwrap_or(Bson::Null)
        });
        SortKey(values.collect())
    }

    /// Compares keys made by [`SortPattern::key`] of this pattern.
    pub fn compare_keys(&self, a: &SortKey, b: &SortKey) -> Ordering {
        for (field, (left, right)) in self.fields.iter().zip(a.0.iter().zip(&b.0)) {
            let order = compare(left, right);
            let order = if field.descending { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }

    /// Compares two documents.
    pub fn compare(&self, a: &Document, b: &Document) -> Ordering {
        self.compare_keys(&self.key(a), &self.key(b))
    }
}

fn checked_path(name: &str) -> Result<FieldPath> {
    check_ends(name)?;
    if name.split('.').any(str::is_empty) {
        return Err(Error::location(15998, "FieldPath field names may not be empty strings."));
    }
    if name.split('.').any(|part| part.starts_with('$')) {
        return Err(Error::location(
            16410,
            format!("FieldPath field names may not start with '$', given '{name}'."),
        ));
    }
    FieldPath::parse(name)
}

fn is_descending(name: &str, direction: &Bson) -> Result<bool> {
    if let Bson::Document(inner) = direction {
        if inner.contains_key("$meta") {
            return Err(Error::unsupported("sorting by $meta"));
        }
        return Err(Error::location(
            15974,
            format!("Illegal key in $sort specification: {name}: {direction}"),
        ));
    }
    let number = Number::of(direction);
    let Some(number) = number else {
        let given = describe(direction);
        return Err(Error::location(15974, format!("Illegal key in $sort specification: {name}: {given}")));
    };
    match number.to_i64_exact() {
        Some(1) => Ok(false),
        Some(-1) => Ok(true),
        _ => {
            Err(Error::location(15975, "$sort key ordering must be 1 (for ascending) or -1 (for descending)"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    fn sorted(pattern: Document, documents: &[Document]) -> Vec<Document> {
        let pattern = SortPattern::parse(&pattern).unwrap();
        let mut sorted = documents.to_vec();
        sorted.sort_by(|a, b| pattern.compare(a, b));
        sorted
    }

    #[test]
    fn compound_and_descending() {
        let documents = [doc! {"a": 1, "b": 1}, doc! {"a": 2, "b": 1}, doc! {"a": 1, "b": 2}];
        assert_eq!(
            sorted(doc! {"a": 1, "b": -1}, &documents),
            [documents[2].clone(), documents[0].clone(), documents[1].clone()]
        );
    }

    #[test]
    fn arrays_missing_and_types() {
        let documents = [doc! {"a": [3, 9]}, doc! {"a": 5}, doc! {}, doc! {"a": "x"}, doc! {"a": []}];
        let up = [4, 2, 0, 1, 3].map(|at: usize| documents[at].clone());
        assert_eq!(sorted(doc! {"a": 1}, &documents), up);
        let down = [3, 0, 1, 2, 4].map(|at: usize| documents[at].clone());
        assert_eq!(sorted(doc! {"a": -1}, &documents), down);
    }

    #[test]
    fn directions_are_checked() {
        let code = |pattern| SortPattern::parse(&pattern).unwrap_err().code();
        assert_eq!(code(doc! {"a": 2}), 15975);
        assert_eq!(code(doc! {"a": "up"}), 15974);
        assert_eq!(code(doc! {"": 1}), 40352);
        assert_eq!(code(doc! {"a.": 1}), 40353);
        assert_eq!(code(doc! {"a..b": 1}), 15998);
        assert_eq!(code(doc! {"a": {"$meta": "textScore"}}), 238);
    }
}
