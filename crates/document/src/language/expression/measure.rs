//! Sizes of values as bytes, and the parts of timestamps.

use super::operator::Operator;
use crate::error::{Error, Result};
use crate::language::value::{is_nullish, type_name};
use bson::{Bson, Timestamp};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::values("$binarySize", 1, 1, binary_size),
    Operator::values("$bsonSize", 1, 1, bson_size),
    Operator::values("$tsSecond", 1, 1, |values| {
        of_timestamp("$tsSecond", 5687301, &values[0], |timestamp| timestamp.time)
    }),
    Operator::values("$tsIncrement", 1, 1, |values| {
        of_timestamp("$tsIncrement", 5687302, &values[0], |timestamp| timestamp.increment)
    }),
];

fn binary_size(values: &[Bson]) -> Result<Bson> {
    match &values[0] {
        value if is_nullish(value) => Ok(Bson::Null),
        Bson::String(text) => size(text.len()),
        Bson::Binary(binary) => size(binary.bytes.len()),
        other => {
            let kind = type_name(other);
            let message = format!("$binarySize requires a string or BinData argument, found: {kind}");
            Err(Error::location(51276, message))
        }
    }
}

fn bson_size(values: &[Bson]) -> Result<Bson> {
    match &values[0] {
        value if is_nullish(value) => Ok(Bson::Null),
        Bson::Document(document) => {
            let bytes = document.to_vec().map_err(|error| Error::bad_value(error.to_string()))?;
            size(bytes.len())
        }
        other => {
            let message = format!("$bsonSize requires a document input, found: {}", type_name(other));
            Err(Error::location(31393, message))
        }
    }
}

fn size(bytes: usize) -> Result<Bson> {
    i32::try_from(bytes).map(Bson::Int32).map_err(|_| Error::bad_value("a value of more than 2 GiB"))
}

fn of_timestamp(name: &str, code: i32, value: &Bson, part: fn(&Timestamp) -> u32) -> Result<Bson> {
    match value {
        value if is_nullish(value) => Ok(Bson::Null),
        Bson::Timestamp(timestamp) => Ok(Bson::Int64(part(timestamp).into())),
        other => {
            let message = format!("Argument to {name} must be a timestamp, but is {}", type_name(other));
            Err(Error::location(code, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::{bson, doc};

    #[test]
    fn sizes_and_parts() {
        assert_eq!(binary_size(&[bson!("h\u{e9}")]).unwrap(), bson!(3));
        assert_eq!(binary_size(&[Bson::Null]).unwrap(), Bson::Null);
        assert_eq!(bson_size(&[doc! {"a": 1}.into()]).unwrap(), bson!(12));
        let timestamp = Bson::Timestamp(Timestamp { time: 5, increment: 6 });
        let second = |value| (OPERATORS[2].call(&[value])).unwrap();
        assert_eq!(second(timestamp.clone()), Bson::Int64(5));
        assert_eq!(OPERATORS[3].call(&[timestamp]).unwrap(), Bson::Int64(6));
        assert_eq!(second(Bson::Null), Bson::Null);
    }
}
