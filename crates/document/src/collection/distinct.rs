//! The distinct values of a path.

use std::collections::BTreeMap;

use bson::{Bson, Document};

use super::{Collection, Find};
use crate::error::{Error, Result};
use crate::execution::Counters;
use crate::language::value::path::{LeafArrays, visit};
use crate::language::value::{FieldPath, grouping_key};
use crate::planner::Hint;
use crate::record::MAX_DOCUMENT_BYTES;

/// Which values to list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distinct {
    /// The dotted path.
    pub key: String,
    /// In which documents.
    pub filter: Document,
    /// Which index to use.
    pub hint: Option<Hint>,
}

impl Distinct {
    /// The values of `key` in all documents.
    pub fn new(key: impl Into<String>) -> Distinct {
        Distinct { key: key.into(), ..Distinct::default() }
    }

    /// Only in documents that match `filter`.
    #[must_use]
    pub fn matching(mut self, filter: Document) -> Distinct {
        self.filter = filter;
        self
    }

    pub(super) fn to_find(&self) -> Find {
        Find { filter: self.filter.clone(), hint: self.hint.clone(), ..Find::default() }
    }
}

impl Collection {
    /// The distinct values of a path, in the order of values; an array counts with its elements.
    ///
    /// # Errors
    /// As [`Collection::find`]; code 17217 if the values take more than 16 MiB.
    pub fn distinct(&self, distinct: &Distinct) -> Result<Vec<Bson>> {
        let path = FieldPath::parse(&distinct.key)?;
        let prepared = self.prepare(&distinct.to_find())?;
        let mut values = BTreeMap::new();
        let mut bytes = 0;
        for found in self.run(&prepared, 0, None, Counters::default())? {
            let document = found?.document;
            visit(&document, path.parts(), LeafArrays::Expand, &mut |value, _| {
                let Some(value) = value.filter(|value| !matches!(value, Bson::Array(_))) else {
                    return false;
                };
                values.entry(grouping_key(value)).or_insert_with_key(|key| {
                    bytes += key.len();
                    value.clone()
                });
                false
            });
            if bytes > MAX_DOCUMENT_BYTES {
                return Err(Error::location(17217, "distinct too big, 16mb cap"));
            }
        }
        Ok(values.into_values().collect())
    }
}
