//! Indexes as they are asked for.

use bson::{Bson, Document};

use super::IndexField;
use crate::catalog::{IndexEntry, IndexState};
use crate::error::{Code, Error, Result};

/// An index to create.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IndexModel {
    /// Paths, each with 1 or -1.
    pub key: Document,
    /// The name; if none, it is made of the key, as in `a_1_b_-1`.
    pub name: Option<String>,
    /// Whether no two documents may have the same key.
    pub unique: bool,
    /// Whether documents without any of the paths are left out.
    pub sparse: bool,
    /// Whether queries leave it alone.
    pub hidden: bool,
}

impl IndexModel {
    /// An ordinary index on `key`.
    pub fn new(key: Document) -> IndexModel {
        IndexModel { key, ..IndexModel::default() }
    }

    /// Gives the index a name of its own.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> IndexModel {
        self.name = Some(name.into());
        self
    }

    /// Lets no two documents have the same key.
    #[must_use]
    pub fn unique(mut self) -> IndexModel {
        self.unique = true;
        self
    }

    /// Leaves out documents that have none of the paths.
    #[must_use]
    pub fn sparse(mut self) -> IndexModel {
        self.sparse = true;
        self
    }

    /// Reads one specification of the `createIndexes` command.
    ///
    /// # Errors
    /// `NotImplemented` (238) for options that are not there, such as `partialFilterExpression`;
    /// `InvalidIndexSpecificationOption` (197) for unknown ones; `FailedToParse` (9) without a key.
    pub fn parse(specification: &Document) -> Result<IndexModel> {
        let mut model = IndexModel::default();
        for (option, value) in specification {
            match option.as_str() {
                "key" => {
                    let key = value.as_document();
                    model.key =
                        key.ok_or_else(|| Error::type_mismatch("an index's key must be an object"))?.clone();
                }
                "name" => {
                    let name = value.as_str();
                    model.name = Some(
                        name.ok_or_else(|| Error::type_mismatch("an index's name must be a string"))?
                            .to_owned(),
                    );
                }
                "unique" => model.unique = is_truthy(value),
                "sparse" => model.sparse = is_truthy(value),
                "hidden" => model.hidden = is_truthy(value),
                "v" | "ns" | "background" | "dropDups" => {}
                "expireAfterSeconds"
                | "partialFilterExpression"
                | "collation"
                | "storageEngine"
                | "weights"
                | "default_language"
                | "language_override"
                | "textIndexVersion"
                | "2dsphereIndexVersion"
                | "bits"
                | "min"
                | "max"
                | "bucketSize"
                | "wildcardProjection"
                | "prepareUnique"
                | "clustered" => {
                    return Err(Error::unsupported(format!("the index option '{option}'")));
                }
                _ => {
                    return Err(Error::new(
                        Code::InvalidIndexSpecificationOption,
                        format!(
                            "The field '{option}' is not valid for an index specification. Specification: \
                             {specification}"
                        ),
                    ));
                }
            }
        }
        if !specification.contains_key("key") {
            return Err(Error::failed_to_parse(
                "The 'key' field is a required property of an index specification",
            ));
        }
        Ok(model)
    }

    /// The name given or made.
    pub(crate) fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| {
            let parts: Vec<String> = self
                .key
                .iter()
                .map(|(path, kind)| match kind {
                    Bson::String(kind) => format!("{path}_{kind}"),
                    Bson::Double(number) => format!("{path}_{}", *number as i64),
                    other => format!("{path}_{other}"),
                })
                .collect();
            parts.join("_")
        })
    }

    /// Whether this asks for the index on `_id` that every collection has.
    pub(crate) fn is_id_index(&self) -> bool {
        self.key.len() == 1 && self.key.contains_key("_id")
    }

    /// The catalog's entry for it, without a number yet.
    pub(crate) fn to_entry(&self) -> Result<IndexEntry> {
        let fields = IndexField::parse_key(&self.key)?;
        let name = self.name();
        if name.is_empty() || name == "*" || name.contains('\0') {
            return Err(Error::new(
                Code::CannotCreateIndex,
                format!("'{name}' cannot be the name of an index"),
            ));
        }
        Ok(IndexEntry {
            id: 0,
            name,
            key: self.key.clone(),
            multikey: vec![false; fields.len()],
            fields,
            unique: self.unique,
            sparse: self.sparse,
            hidden: self.hidden,
            state: IndexState::Building,
        })
    }
}

fn is_truthy(value: &Bson) -> bool {
    match value {
        Bson::Boolean(value) => *value,
        Bson::Int32(value) => *value != 0,
        Bson::Int64(value) => *value != 0,
        Bson::Double(value) => *value != 0.0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    #[test]
    fn names_are_made_of_the_key() {
        assert_eq!(IndexModel::new(doc! { "a": 1, "b.c": -1.0 }).name(), "a_1_b.c_-1");
        assert_eq!(IndexModel::new(doc! { "a": 1 }).named("mine").name(), "mine");
    }

    #[test]
    fn what_is_not_there_says_so() {
        let absent = IndexModel::parse(&doc! { "key": { "a": 1 }, "expireAfterSeconds": 5 }).unwrap_err();
        assert_eq!(absent.code(), 238);
        let unknown = IndexModel::parse(&doc! { "key": { "a": 1 }, "nope": 5 }).unwrap_err();
        assert_eq!(unknown.code(), 197);
        for key in [doc! { "a": "text" }, doc! { "$**": 1 }] {
            assert_eq!(IndexModel::new(key).to_entry().unwrap_err().code(), 238);
        }
        for key in [doc! { "a": "nope" }, doc! {}, doc! { "a": 0 }, doc! { "a..b": 1 }, doc! { "$a": 1 }] {
            assert_eq!(IndexModel::new(key).to_entry().unwrap_err().code(), 67);
        }
    }
}
