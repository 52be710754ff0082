//! Index keys: bytes whose order is the order of the values they encode.
//!
//! Each value is one byte for its bracket of type, then a payload that no other payload of that bracket
//! is a prefix of; so keys of several values can be put one after the other, each in a direction of its
//! own. `encode_value(a) < encode_value(b)` if and only if `compare(a, b)` says less, for all BSON types.
//!
//! | bracket | payload |
//! |---|---|
//! | number | see [`number`](self): double rounded toward zero, then what that lost |
//! | string, code | bytes with `00` written `00 FF`, then `00 00` |
//! | document | per field: bracket, name, `00`, payload; then `00` |
//! | array | its values, then `00` |
//! | binary | length (4 bytes), subtype, bytes |
//! | date, timestamp, object id, boolean | big-endian, sign turned where there is one |

mod number;

use super::value::{Number, bracket};
use bson::{Bson, Document};

/// Whether smaller values get smaller or larger keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smaller values, smaller keys.
    Ascending,
    /// Smaller values, larger keys.
    Descending,
}

/// Appends the key of a value. A descending key is the ascending one with every bit turned.
pub fn encode_value(value: &Bson, direction: Direction, key: &mut Vec<u8>) {
    let start = key.len();
    encode(value, key);
    if direction == Direction::Descending {
        for byte in &mut key[start..] {
            *byte = !*byte;
        }
    }
}

/// The smallest key of the bracket of type that a value belongs to, and the first key after that bracket:
/// the bounds between which a comparison such as `$lt` may look, as it never leaves its bracket.
pub fn bracket_bounds(value: &Bson, direction: Direction) -> (Vec<u8>, Vec<u8>) {
    let tag = bracket(value);
    match direction {
        Direction::Ascending => (vec![tag], vec![tag + 1]),
        Direction::Descending => (vec![!tag], vec![!tag + 1]),
    }
}

fn encode(value: &Bson, key: &mut Vec<u8>) {
    key.push(bracket(value));
    encode_payload(value, key);
}

fn encode_payload(value: &Bson, key: &mut Vec<u8>) {
    match value {
        Bson::MinKey | Bson::MaxKey | Bson::Null | Bson::Undefined => {}
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => {
            if let Some(number) = Number::of(value) {
                number::encode(number, key);
            }
        }
        Bson::String(text) | Bson::Symbol(text) | Bson::JavaScriptCode(text) => {
            encode_bytes(text.as_bytes(), key);
        }
        Bson::Document(document) => encode_document(document, key),
        Bson::Array(values) => {
            for value in values {
                encode(value, key);
            }
            key.push(0);
        }
        Bson::Binary(binary) => {
            key.extend((binary.bytes.len() as u32).to_be_bytes());
            key.push(binary.subtype.into());
            key.extend(&binary.bytes);
        }
        Bson::ObjectId(id) => key.extend(id.bytes()),
        Bson::Boolean(value) => key.push(u8::from(*value)),
        Bson::DateTime(date) => key.extend((date.timestamp_millis() ^ i64::MIN).to_be_bytes()),
        Bson::Timestamp(timestamp) => {
            key.extend(timestamp.time.to_be_bytes());
            key.extend(timestamp.increment.to_be_bytes());
        }
        Bson::RegularExpression(regex) => {
            encode_bytes(regex.pattern.as_str().as_bytes(), key);
            encode_bytes(regex.options.as_str().as_bytes(), key);
        }
        Bson::DbPointer(_) => encode_bytes(&super::value::raw_bytes(value), key),
        Bson::JavaScriptCodeWithScope(code) => {
            encode_bytes(code.code.as_bytes(), key);
            encode_document(&code.scope, key);
        }
    }
}

fn encode_document(document: &Document, key: &mut Vec<u8>) {
    for (name, value) in document {
        key.push(bracket(value));
        // A name from a client holds no NUL; one made within the process might, hence the escape.
        encode_bytes(name.as_bytes(), key);
        encode_payload(value, key);
    }
    key.push(0);
}

fn encode_bytes(bytes: &[u8], key: &mut Vec<u8>) {
    for &byte in bytes {
        key.push(byte);
        if byte == 0 {
            key.push(0xFF);
        }
    }
    key.extend([0, 0]);
}

#[cfg(test)]
pub(crate) mod tests;
