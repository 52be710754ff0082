//! The fields of a command, or of a statement within one, taken out one by one.

use bson::{Bson, Document};
use stroma_document::{Error, Result};

/// Fields that have not been read yet. What is left at the [end](Arguments::finish) is unknown, an error.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// What the fields belong to, for messages: `find`, `update.updates`.
    path: String,
    fields: Document,
}

impl Arguments {
    /// The fields of `path`.
    pub(crate) fn new(path: impl Into<String>, fields: Document) -> Arguments {
        Arguments { path: path.into(), fields }
    }

    /// The fields of a stage of a pipeline.
    ///
    /// # Errors
    /// `FailedToParse` (9) if its argument is no document.
    pub(crate) fn of_stage(name: &str, argument: &Bson) -> Result<Arguments> {
        match argument {
            Bson::Document(fields) => Ok(Arguments::new(name, fields.clone())),
            _ => Err(Error::failed_to_parse(format!("the {name} stage specification must be an object"))),
        }
    }

    /// What the fields belong to.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// A field of any type; null is as good as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Bson> {
        self.fields.remove(name).filter(|value| !matches!(value, Bson::Null))
    }

    /// Whether a field is there, and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|value| !matches!(value, Bson::Null))
    }

    /// Passes over fields that change nothing here.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.fields.remove(name);
        }
    }

    /// A document.
    pub(crate) fn document(&mut self, name: &str) -> Result<Option<Document>> {
        match self.take(name) {
            None => Ok(None),
            Some(Bson::Document(value)) => Ok(Some(value)),
            Some(other) => Err(self.wrong_type(name, &other, "object")),
        }
    }

    /// A document that must be there.
    pub(crate) fn required_document(&mut self, name: &str) -> Result<Document> {
        self.document(name)?.ok_or_else(|| self.missing(name))
    }

    /// An array of documents.
    pub(crate) fn documents(&mut self, name: &str) -> Result<Option<Vec<Document>>> {
        let items = match self.take(name) {
            None => return Ok(None),
            Some(Bson::Array(items)) => items,
            Some(other) => return Err(self.wrong_type(name, &other, "array")),
        };
        let document = |(index, item)| match item {
            Bson::Document(document) => Ok(document),
            other => Err(self.wrong_type(&format!("{name}.{index}"), &other, "object")),
        };
        items.into_iter().enumerate().map(document).collect::<Result<Vec<_>>>().map(Some)
    }

    /// An array of documents that must be there.
    pub(crate) fn required_documents(&mut self, name: &str) -> Result<Vec<Document>> {
        self.documents(name)?.ok_or_else(|| self.missing(name))
    }

    /// A string.
    pub(crate) fn string(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Bson::String(value)) => Ok(Some(value)),
            Some(other) => Err(self.wrong_type(name, &other, "string")),
        }
    }

    /// A string that must be there.
    pub(crate) fn required_string(&mut self, name: &str) -> Result<String> {
        self.string(name)?.ok_or_else(|| self.missing(name))
    }

    /// True or false; numbers will do.
    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>> {
        match self.take(name) {
            None => Ok(None),
            Some(Bson::Boolean(value)) => Ok(Some(value)),
            Some(Bson::Int32(value)) => Ok(Some(value != 0)),
            Some(Bson::Int64(value)) => Ok(Some(value != 0)),
            Some(Bson::Double(value)) => Ok(Some(value != 0.0)),
            Some(other) => Err(self.wrong_type(name, &other, "bool")),
        }
    }

    /// True only if it is there and true.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool> {
        Ok(self.boolean(name)?.unwrap_or(false))
    }

    /// A whole number of any numeric type.
    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value {
            Bson::Int32(value) => Ok(Some(value.into())),
            Bson::Int64(value) => Ok(Some(value)),
            Bson::Double(value) if value.fract() == 0.0 && value.abs() < 9.2e18 => Ok(Some(value as i64)),
            Bson::Double(value) => {
                let path = &self.path;
                Err(Error::bad_value(format!("Expected an integer, but found '{path}.{name}': {value}")))
            }
            other => Err(self.wrong_type(name, &other, "long")),
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&mut self, name: &str) -> Result<Option<u64>> {
        let Some(value) = self.integer(name)? else { return Ok(None) };
        u64::try_from(value).map(Some).map_err(|_| {
            let message = format!("BSON field '{name}' value must be >= 0, actual value '{value}'");
            Error::location(51024, message)
        })
    }

    /// That nothing is left.
    ///
    /// # Errors
    /// `IDLUnknownField` (40415) names the first field that was not read.
    pub(crate) fn finish(self) -> Result<()> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(name) => {
                let message = format!("BSON field '{}.{name}' is an unknown field.", self.path);
                Err(Error::location(40415, message))
            }
        }
    }

    /// The error for a field that must be there.
    pub(crate) fn missing(&self, name: &str) -> Error {
        let message = format!("BSON field '{}.{name}' is missing but a required field", self.path);
        Error::location(40414, message)
    }

    /// The error for a value of a type that the field does not take.
    pub(crate) fn wrong_type(&self, name: &str, value: &Bson, expected: &str) -> Error {
        let (path, actual) = (&self.path, type_name(value));
        Error::type_mismatch(format!(
            "BSON field '{path}.{name}' is the wrong type '{actual}', expected type '{expected}'"
        ))
    }
}

/// MongoDB's name of a value's type.
pub(super) fn type_name(value: &Bson) -> &'static str {
    match value {
        Bson::Double(_) => "double",
        Bson::String(_) => "string",
        Bson::Array(_) => "array",
        Bson::Document(_) => "object",
        Bson::Boolean(_) => "bool",
        Bson::Null => "null",
        Bson::RegularExpression(_) => "regex",
        Bson::JavaScriptCode(_) => "javascript",
        Bson::JavaScriptCodeWithScope(_) => "javascriptWithScope",
        Bson::Int32(_) => "int",
        Bson::Int64(_) => "long",
        Bson::Timestamp(_) => "timestamp",
        Bson::Binary(_) => "binData",
        Bson::ObjectId(_) => "objectId",
        Bson::DateTime(_) => "date",
        Bson::Symbol(_) => "symbol",
        Bson::Decimal128(_) => "decimal",
        Bson::Undefined => "undefined",
        Bson::MaxKey => "maxKey",
        Bson::MinKey => "minKey",
        Bson::DbPointer(_) => "dbPointer",
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::Arguments;

    #[test]
    fn fields_are_read_by_type_and_none_is_left() {
        let fields = doc! {"filter": {"a": 1}, "skip": 2.0, "flag": 1, "none": null, "name": "x"};
        let mut arguments = Arguments::new("find", fields);
        assert_eq!(arguments.document("filter").unwrap(), Some(doc! {"a": 1}));
        assert_eq!(arguments.count("skip").unwrap(), Some(2));
        assert!(arguments.flag("flag").unwrap() && !arguments.flag("absent").unwrap());
        assert_eq!(arguments.document("none").unwrap(), None);
        assert_eq!(arguments.required_string("name").unwrap(), "x");
        arguments.finish().unwrap();
    }

    #[test]
    fn errors_name_the_field_and_have_mongodbs_codes() {
        let fields = doc! {"a": 5, "b": -1, "c": 1.5, "d": [{}, 3], "e": 1};
        let mut arguments = Arguments::new("find", fields);
        let error = arguments.document("a").unwrap_err();
        assert_eq!(error.code(), 14);
        assert_eq!(error.message(), "BSON field 'find.a' is the wrong type 'int', expected type 'object'");
        assert_eq!(arguments.count("b").unwrap_err().code(), 51024);
        assert_eq!(arguments.integer("c").unwrap_err().code(), 2);
        assert!(arguments.documents("d").unwrap_err().message().contains("'find.d.1'"));
        assert_eq!(arguments.required_document("x").unwrap_err().code(), 40414);
        let error = arguments.finish().unwrap_err();
        assert_eq!((error.code(), error.message()), (40415, "BSON field 'find.e' is an unknown field."));
    }
}
