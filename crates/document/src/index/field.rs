//! One path of an index key and its direction.

use bson::{Bson, Document};

use crate::error::{Code, Error, Result};
use crate::language::key::Direction;
use crate::language::value::{FieldPath, Number};

/// How many paths an index may have.
const MAX_FIELDS: usize = 32;

/// Kinds of index that MongoDB has and this crate does not.
const ABSENT_KINDS: &[&str] = &["text", "2d", "2dsphere", "hashed", "columnstore"];

/// A path of an index key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IndexField {
    pub(crate) path: FieldPath,
    pub(crate) direction: Direction,
}

impl IndexField {
    /// Reads a key such as `{a: 1, "b.c": -1}`.
    ///
    /// # Errors
    /// `CannotCreateIndex` (67) for what can be no key, `NotImplemented` (238) for MongoDB's special kinds.
    pub(crate) fn parse_key(key: &Document) -> Result<Vec<IndexField>> {
        if key.is_empty() {
            return Err(cannot_create("Index keys cannot be an empty object."));
        }
        if key.len() > MAX_FIELDS {
            return Err(Error::location(13103, format!("too many compound keys, {MAX_FIELDS} are allowed")));
        }
        key.iter().map(|(path, kind)| IndexField::parse(path, kind)).collect()
    }

    fn parse(path: &str, kind: &Bson) -> Result<IndexField> {
        if path.split('.').any(|part| part == "$**") {
            return Err(Error::unsupported("a wildcard index"));
        }
        if path.split('.').any(str::is_empty) {
            return Err(cannot_create("Index keys cannot contain an empty field."));
        }
        if path.split('.').any(|part| part.starts_with('$')) {
            return Err(cannot_create(
                "Index key contains an illegal field name: field name starts with '$'.",
            ));
        }
        let direction = match kind {
            Bson::String(kind) if ABSENT_KINDS.contains(&kind.as_str()) => {
                return Err(Error::unsupported(format!("an index of kind '{kind}'")));
            }
            Bson::String(kind) => return Err(cannot_create(&format!("Unknown index plugin '{kind}'"))),
            number => match Number::of(number).map(Number::to_f64) {
                Some(value) if value > 0.0 => Direction::Ascending,
                Some(value) if value < 0.0 => Direction::Descending,
                _ => {
                    return Err(cannot_create(
                        "Values in v:2 index key pattern must be numbers other than 0, or strings",
                    ));
                }
            },
        };
        Ok(IndexField { path: FieldPath::parse(path)?, direction })
    }
}

fn cannot_create(message: &str) -> Error {
    Error::new(Code::CannotCreateIndex, message)
}
