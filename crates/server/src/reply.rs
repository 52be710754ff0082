//! Replies as drivers read them: `ok`, and for errors message, code, code name, labels, details.

use bson::{Bson, Document, doc};
use stroma_document::{Code, Error, WriteError};

/// A successful reply: the fields and `ok: 1.0`.
pub(crate) fn success(mut fields: Document) -> Document {
    fields.insert("ok", 1.0);
    fields
}

/// A failed command.
pub(crate) fn failure(error: &Error) -> Document {
    let mut reply = doc! {
        "ok": 0.0,
        "errmsg": error.message(),
        "code": error.code(),
        "codeName": code_name(error),
    };
    if let Some(details) = error.details() {
        reply.extend(details.clone());
    }
    if !error.labels().is_empty() {
        let labels: Vec<Bson> = error.labels().iter().map(|label| Bson::from(*label)).collect();
        reply.insert("errorLabels", labels);
    }
    reply
}

/// The `writeErrors` of a bulk write.
pub(crate) fn write_errors(errors: &[WriteError]) -> Vec<Bson> {
    let entry = |failed: &WriteError| {
        let mut entry = doc! {
            "index": i32::try_from(failed.index).unwrap_or(i32::MAX),
            "code": failed.error.code(),
        };
        if let Some(details) = failed.error.details() {
            entry.extend(details.clone());
        }
        entry.insert("errmsg", failed.error.message());
        Bson::Document(entry)
    };
    errors.iter().map(entry).collect()
}

/// A count as MongoDB sends it: 32 bits if that is enough.
pub(crate) fn number(count: u64) -> Bson {
    match i32::try_from(count) {
        Ok(small) => Bson::Int32(small),
        Err(_) => Bson::Int64(i64::try_from(count).unwrap_or(i64::MAX)),
    }
}

/// The code's name; some that only a server reports have no name below it.
fn code_name(error: &Error) -> String {
    match error.kind() {
        Code::Location(40414) => "IDLFailedToParse".to_owned(),
        Code::Location(40415) => "IDLUnknownField".to_owned(),
        Code::Location(12051) => "CursorInUse".to_owned(),
        Code::Location(123) => "NotAReplicaSet".to_owned(),
        Code::Location(number) => format!("Location{number}"),
        _ => error.code_name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;
    use stroma_document::{Code, Error};

    use super::{failure, number};

    #[test]
    fn an_error_carries_all_that_drivers_read() {
        let error = Error::new(Code::DuplicateKey, "E11000").with_details(doc! {"keyValue": {"a": 1}});
        let expected = doc! {
            "ok": 0.0,
            "errmsg": "E11000",
            "code": 11000,
            "codeName": "DuplicateKey",
            "keyValue": {"a": 1},
        };
        assert_eq!(failure(&error), expected);
        assert_eq!(failure(&Error::location(40415, "x")).get_str("codeName").unwrap(), "IDLUnknownField");
        assert_eq!(failure(&Error::location(999, "x")).get_str("codeName").unwrap(), "Location999");
        let labelled = failure(&Error::bad_value("x").with_label("TransientTransactionError"));
        assert_eq!(labelled.get_array("errorLabels").unwrap().len(), 1);
    }

    #[test]
    fn large_counts_are_long() {
        assert_eq!(number(7), bson::Bson::Int32(7));
        assert_eq!(number(1 << 40), bson::Bson::Int64(1 << 40));
    }
}
