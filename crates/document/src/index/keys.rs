//! The keys that a document has in an index.
//!
//! An array gives a key per element. Several paths may go through one and the same array: its elements are
//! then taken one at a time for all of them, so that `{a: [{x: 1, y: 2}, {x: 3, y: 4}]}` has the keys (1, 2)
//! and (3, 4) in an index on `a.x, a.y`. Two different arrays at once are refused, as their keys would be
//! the product of both.

use std::collections::BTreeSet;

use bson::{Bson, Document};

use super::IndexField;
use crate::error::{Code, Error, Result};
use crate::language::key::encode_value;
use crate::language::value::path::array_index;

static NULL: Bson = Bson::Null;
static UNDEFINED: Bson = Bson::Undefined;

/// One value per path of the index; none where the document has nothing.
type Row<'d> = Vec<Option<&'d Bson>>;

/// The keys of a document in an index.
pub(super) struct DocumentKeys<'d> {
    rows: Vec<Row<'d>>,
    /// Per path: whether an array was found on it.
    pub(super) arrays: Vec<bool>,
}

impl<'d> DocumentKeys<'d> {
    /// Finds the keys of `document`.
    ///
    /// # Errors
    /// `CannotIndexParallelArrays` (171).
    pub(super) fn of(document: &'d Document, fields: &'d [IndexField]) -> Result<DocumentKeys<'d>> {
        let mut keys = DocumentKeys { rows: Vec::with_capacity(1), arrays: vec![false; fields.len()] };
        let walks = fields
            .iter()
            .map(|field| match field.path.parts() {
                [] => Walk::Done(None),
                [first, rest @ ..] => Walk::of(document.get(first), rest),
            })
            .collect();
        keys.expand(walks, fields)?;
        Ok(keys)
    }

    /// Whether the document has none of the paths.
    pub(super) fn is_all_missing(&self) -> bool {
        self.rows.iter().flatten().all(Option::is_none)
    }

    /// The encoded keys, without duplicates.
    pub(super) fn encoded(&self, fields: &[IndexField]) -> BTreeSet<Vec<u8>> {
        self.rows.iter().map(|row| encode_row(row, fields)).collect()
    }

    /// The values of the key that is encoded as `encoded`.
    pub(super) fn values_of(&self, encoded: &[u8], fields: &[IndexField]) -> Vec<Bson> {
        let row = self.rows.iter().find(|row| encode_row(row, fields) == encoded);
        row.into_iter().flatten().map(|value| value.unwrap_or(&NULL).clone()).collect()
    }

    fn expand(&mut self, walks: Vec<Walk<'d>>, fields: &[IndexField]) -> Result<()> {
        let mut arrays = walks.iter().enumerate().filter_map(|(field, walk)| match walk {
            Walk::AtArray { elements, .. } => Some((field, *elements)),
            Walk::Done(_) => None,
        });
        let Some((first, elements)) = arrays.next() else {
            self.rows.push(walks.iter().map(Walk::value).collect());
            return Ok(());
        };
        if let Some((other, _)) = arrays.find(|(_, others)| !std::ptr::eq(*others, elements)) {
            let name = |field: usize| fields[field].path.parts().last().cloned().unwrap_or_default();
            return Err(Error::new(
                Code::CannotIndexParallelArrays,
                format!("cannot index parallel arrays [{}] [{}]", name(other), name(first)),
            ));
        }
        for (field, walk) in walks.iter().enumerate() {
            self.arrays[field] |= matches!(walk, Walk::AtArray { .. });
        }
        if elements.is_empty() {
            return self.expand(walks.iter().map(Walk::over_nothing).collect(), fields);
        }
        for element in elements {
            self.expand(walks.iter().map(|walk| walk.over(element)).collect(), fields)?;
        }
        Ok(())
    }
}

/// How far the way along one path has come.
enum Walk<'d> {
    /// At its end, or where it can go no further.
    Done(Option<&'d Bson>),
    /// At an array, with this much of the path left.
    AtArray { elements: &'d Vec<Bson>, rest: &'d [String] },
}

impl<'d> Walk<'d> {
    fn of(value: Option<&'d Bson>, rest: &'d [String]) -> Walk<'d> {
        match (value, rest) {
            (Some(Bson::Array(elements)), rest) => Walk::at_array(elements, rest),
            (value, []) => Walk::Done(value),
            (Some(Bson::Document(inner)), [next, after @ ..]) => Walk::of(inner.get(next), after),
            _ => Walk::Done(None),
        }
    }

    /// A number on the path names a place in the array, unless an element has a field of that name.
    fn at_array(elements: &'d Vec<Bson>, rest: &'d [String]) -> Walk<'d> {
        if let [next, after @ ..] = rest
            && let Some(index) = array_index(next)
            && !elements
                .iter()
                .any(|element| element.as_document().is_some_and(|inner| inner.contains_key(next)))
        {
            return Walk::of(elements.get(index), after);
        }
        Walk::AtArray { elements, rest }
    }

    fn over(&self, element: &'d Bson) -> Walk<'d> {
        match self {
            Walk::Done(value) => Walk::Done(*value),
            Walk::AtArray { rest: [], .. } => Walk::Done(Some(element)),
            Walk::AtArray { rest: [next, after @ ..], .. } => match element {
                Bson::Document(inner) => Walk::of(inner.get(next), after),
                _ => Walk::Done(None),
            },
        }
    }

    fn over_nothing(&self) -> Walk<'d> {
        match self {
            Walk::Done(value) => Walk::Done(*value),
            Walk::AtArray { rest: [], .. } => Walk::Done(Some(&UNDEFINED)),
            Walk::AtArray { .. } => Walk::Done(None),
        }
    }

    fn value(&self) -> Option<&'d Bson> {
        match self {
            Walk::Done(value) => *value,
            Walk::AtArray { .. } => None,
        }
    }
}

fn encode_row(row: &Row<'_>, fields: &[IndexField]) -> Vec<u8> {
    let mut key = Vec::with_capacity(16 * row.len());
    for (value, field) in row.iter().zip(fields) {
        encode_value(value.unwrap_or(&NULL), field.direction, &mut key);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    fn rows(key: Document, document: Document) -> Result<Vec<Vec<Option<Bson>>>> {
        let fields = IndexField::parse_key(&key)?;
        let keys = DocumentKeys::of(&document, &fields)?;
        Ok(keys.rows.iter().map(|row| row.iter().map(|value| value.cloned()).collect()).collect())
    }

    fn some(values: &[i32]) -> Vec<Option<Bson>> {
        values.iter().map(|value| Some(Bson::Int32(*value))).collect()
    }

    #[test]
    fn one_array_is_walked_for_all_its_paths_at_once() {
        let document = doc! { "a": [{ "x": 1, "y": 2 }, { "x": 3, "y": 4 }], "b": 5 };
        let found = rows(doc! { "a.x": 1, "b": 1, "a.y": -1 }, document).unwrap();
        assert_eq!(found, [some(&[1, 5, 2]), some(&[3, 5, 4])]);
    }

    #[test]
    fn two_arrays_at_once_are_refused() {
        let error = rows(doc! { "a": 1, "b": 1 }, doc! { "a": [1], "b": [2] }).unwrap_err();
        assert_eq!((error.code(), error.message()), (171, "cannot index parallel arrays [b] [a]"));
    }

    #[test]
    fn missing_empty_and_numbered() {
        assert_eq!(rows(doc! { "a.b": 1 }, doc! {}).unwrap(), [vec![None]]);
        assert_eq!(rows(doc! { "a": 1 }, doc! { "a": [] }).unwrap(), [vec![Some(Bson::Undefined)]]);
        assert_eq!(rows(doc! { "a.b": 1 }, doc! { "a": [] }).unwrap(), [vec![None]]);
        assert_eq!(rows(doc! { "a.1": 1 }, doc! { "a": [7, 8] }).unwrap(), [some(&[8])]);
        assert_eq!(rows(doc! { "a.0": 1 }, doc! { "a": [{ "0": 6 }, { "0": 9 }] }).unwrap().len(), 2);
        assert_eq!(rows(doc! { "a.b": 1 }, doc! { "a": [{ "b": [1, 2] }, 3] }).unwrap().len(), 3);
    }
}
