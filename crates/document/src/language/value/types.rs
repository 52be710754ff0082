//! BSON types by number, by name, and by the bracket in which they compare.

use bson::Bson;

/// The bracket of a type in MongoDB's order of all values; values compare by value only within one bracket.
pub fn bracket(value: &Bson) -> u8 {
    match value {
        Bson::MinKey => 0x05,
        Bson::Undefined => 0x08,
        Bson::Null => 0x0A,
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => 0x14,
        Bson::String(_) | Bson::Symbol(_) => 0x1E,
        Bson::Document(_) => 0x28,
        Bson::Array(_) => 0x32,
        Bson::Binary(_) => 0x3C,
        Bson::ObjectId(_) => 0x46,
        Bson::Boolean(_) => 0x50,
        Bson::DateTime(_) => 0x5A,
        Bson::Timestamp(_) => 0x64,
        Bson::RegularExpression(_) => 0x6E,
        Bson::DbPointer(_) => 0x78,
        Bson::JavaScriptCode(_) => 0x82,
        Bson::JavaScriptCodeWithScope(_) => 0x8C,
        Bson::MaxKey => 0xFA,
    }
}

/// Whether a value is of one of the four numeric types.
pub fn is_numeric(value: &Bson) -> bool {
    matches!(value, Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_))
}

const NAMES: &[(i32, &str)] = &[
    (1, "double"),
    (2, "string"),
    (3, "object"),
    (4, "array"),
    (5, "binData"),
    (6, "undefined"),
    (7, "objectId"),
    (8, "bool"),
    (9, "date"),
    (10, "null"),
    (11, "regex"),
    (12, "dbPointer"),
    (13, "javascript"),
    (14, "symbol"),
    (15, "javascriptWithScope"),
    (16, "int"),
    (17, "timestamp"),
    (18, "long"),
    (19, "decimal"),
    (-1, "minKey"),
    (127, "maxKey"),
];

/// The number of a value's BSON type, as `$type` takes it.
pub fn type_number(value: &Bson) -> i32 {
    match value {
        Bson::Double(_) => 1,
        Bson::String(_) => 2,
        Bson::Document(_) => 3,
        Bson::Array(_) => 4,
        Bson::Binary(_) => 5,
        Bson::Undefined => 6,
        Bson::ObjectId(_) => 7,
        Bson::Boolean(_) => 8,
        Bson::DateTime(_) => 9,
        Bson::Null => 10,
        Bson::RegularExpression(_) => 11,
        Bson::DbPointer(_) => 12,
        Bson::JavaScriptCode(_) => 13,
        Bson::Symbol(_) => 14,
        Bson::JavaScriptCodeWithScope(_) => 15,
        Bson::Int32(_) => 16,
        Bson::Timestamp(_) => 17,
        Bson::Int64(_) => 18,
        Bson::Decimal128(_) => 19,
        Bson::MinKey => -1,
        Bson::MaxKey => 127,
    }
}

/// The name of a value's BSON type, as `$type` gives it.
pub fn type_name(value: &Bson) -> &'static str {
    let number = type_number(value);
    NAMES.iter().find(|(candidate, _)| *candidate == number).map_or("missing", |(_, name)| name)
}

/// The number of a BSON type given by its name.
pub fn type_number_of_name(name: &str) -> Option<i32> {
    NAMES.iter().find(|(_, candidate)| *candidate == name).map(|(number, _)| *number)
}

/// A value as text for an error message, cut to a sensible length.
pub fn describe(value: &Bson) -> String {
    let mut text = match value {
        Bson::Undefined => "missing".to_owned(),
        other => other.to_string(),
    };
    if text.len() > 200 {
        let end = (0..=200).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}
