//! The crate's error type, which speaks MongoDB's codes, code names and labels, as drivers expect.

mod code;

pub use code::Code;

use bson::Document;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the terms a MongoDB driver expects.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    code: Code,
    message: String,
    labels: Vec<&'static str>,
    details: Option<Box<Document>>,
}

impl Error {
    /// An error with a code and a message for people.
    pub fn new(code: Code, message: impl Into<String>) -> Error {
        Error { code, message: message.into(), labels: Vec::new(), details: None }
    }

    /// An error that MongoDB reports by a bare source location, such as 40324.
    pub fn location(number: i32, message: impl Into<String>) -> Error {
        Error::new(Code::Location(number), message)
    }

    /// A value is outside of what is allowed (code 2).
    pub fn bad_value(message: impl Into<String>) -> Error {
        Error::new(Code::BadValue, message)
    }

    /// A command or query does not have the right shape (code 9).
    pub fn failed_to_parse(message: impl Into<String>) -> Error {
        Error::new(Code::FailedToParse, message)
    }

    /// A value has the wrong type (code 14).
    pub fn type_mismatch(message: impl Into<String>) -> Error {
        Error::new(Code::TypeMismatch, message)
    }

    /// MongoDB has this feature, this crate does not (code 238, `NotImplemented`).
    pub fn unsupported(what: impl std::fmt::Display) -> Error {
        Error::new(Code::NotImplemented, format!("{what} is not supported by this server"))
    }

    /// Adds a label such as `TransientTransactionError`.
    #[must_use]
    pub fn with_label(mut self, label: &'static str) -> Error {
        if !self.labels.contains(&label) {
            self.labels.push(label);
        }
        self
    }

    /// Adds fields that the reply carries beside code and message, such as `keyPattern` and `keyValue`.
    #[must_use]
    pub fn with_details(mut self, details: Document) -> Error {
        self.details = Some(Box::new(details));
        self
    }

    /// Puts words before the message, such as which operation of a batch failed.
    #[must_use]
    pub fn with_context(mut self, context: impl std::fmt::Display) -> Error {
        self.message = format!("{context} :: caused by :: {}", self.message);
        self
    }

    /// The code as a value to match on.
    pub fn kind(&self) -> Code {
        self.code
    }

    /// MongoDB's number, such as 11000.
    pub fn code(&self) -> i32 {
        self.code.number()
    }

    /// MongoDB's name of the code, such as `DuplicateKey`.
    pub fn code_name(&self) -> &'static str {
        self.code.name()
    }

    /// The message for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Labels for drivers, such as `TransientTransactionError`.
    pub fn labels(&self) -> &[&'static str] {
        &self.labels
    }

    /// Fields that the reply carries beside code and message.
    pub fn details(&self) -> Option<&Document> {
        self.details.as_deref()
    }
}

/// One failed statement of a bulk write.
#[derive(Debug, Clone, thiserror::Error)]
#[error("write {index}: {error}")]
pub struct WriteError {
    /// Which statement of the bulk, from 0.
    pub index: usize,
    /// What went wrong with it.
    pub error: Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_mongodb_numbers_and_names() {
        let error = Error::new(Code::DuplicateKey, "E11000").with_label("X").with_label("X");
        assert_eq!((error.code(), error.code_name()), (11000, "DuplicateKey"));
        assert_eq!(error.labels(), ["X"]);
        let error = Error::location(40324, "Unrecognized pipeline stage name: '$nope'");
        assert_eq!((error.code(), error.code_name()), (40324, "Location40324"));
        assert_eq!(Error::unsupported("$where").code(), 238);
    }
}
