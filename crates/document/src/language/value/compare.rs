//! MongoDB's order over all BSON values: by bracket of type first, by value within one bracket.

use super::{number::compare_numbers, types::bracket};
use bson::{Bson, Document};
use std::cmp::Ordering;

/// Compares two values in MongoDB's order. Numbers of all four types compare by their exact value;
/// `NaN` equals itself and is below every other number. Linear in the size of the values.
pub fn compare(a: &Bson, b: &Bson) -> Ordering {
    bracket(a).cmp(&bracket(b)).then_with(|| compare_in_bracket(a, b))
}

/// Whether two values are equal in MongoDB's sense (`1` equals `1.0`).
pub fn equal(a: &Bson, b: &Bson) -> bool {
    compare(a, b) == Ordering::Equal
}

/// Compares documents field by field: type, then name, then value; a prefix comes first.
pub fn compare_documents(a: &Document, b: &Document) -> Ordering {
    let mut left = a.iter();
    let mut right = b.iter();
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some((left_name, left_value)), Some((right_name, right_value))) => {
                let order = bracket(left_value)
                    .cmp(&bracket(right_value))
                    .then_with(|| left_name.as_bytes().cmp(right_name.as_bytes()))
                    .then_with(|| compare_in_bracket(left_value, right_value));
                if order != Ordering::Equal {
                    return order;
                }
            }
        }
    }
}

/// Whether two documents are equal, the order of their fields included (which `==` of `bson` ignores).
pub fn equal_documents(a: &Document, b: &Document) -> bool {
    compare_documents(a, b) == Ordering::Equal
}

/// Whether a value is null, undefined or (as `Undefined` stands for it) missing.
pub fn is_nullish(value: &Bson) -> bool {
    matches!(value, Bson::Null | Bson::Undefined)
}

fn compare_in_bracket(a: &Bson, b: &Bson) -> Ordering {
    match (a, b) {
        (Bson::String(a) | Bson::Symbol(a), Bson::String(b) | Bson::Symbol(b))
        | (Bson::JavaScriptCode(a), Bson::JavaScriptCode(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Bson::Document(a), Bson::Document(b)) => compare_documents(a, b),
        (Bson::Array(a), Bson::Array(b)) => compare_arrays(a, b),
        (Bson::Binary(a), Bson::Binary(b)) => (a.bytes.len().cmp(&b.bytes.len()))
            .then_with(|| u8::from(a.subtype).cmp(&u8::from(b.subtype)))
            .then_with(|| a.bytes.cmp(&b.bytes)),
        (Bson::ObjectId(a), Bson::ObjectId(b)) => a.bytes().cmp(&b.bytes()),
        (Bson::Boolean(a), Bson::Boolean(b)) => a.cmp(b),
        (Bson::DateTime(a), Bson::DateTime(b)) => a.timestamp_millis().cmp(&b.timestamp_millis()),
        (Bson::Timestamp(a), Bson::Timestamp(b)) => (a.time, a.increment).cmp(&(b.time, b.increment)),
        (Bson::RegularExpression(a), Bson::RegularExpression(b)) => {
            (a.pattern.as_str(), a.options.as_str()).cmp(&(b.pattern.as_str(), b.options.as_str()))
        }
        (Bson::JavaScriptCodeWithScope(a), Bson::JavaScriptCodeWithScope(b)) => {
            (a.code.as_bytes().cmp(b.code.as_bytes())).then_with(|| compare_documents(&a.scope, &b.scope))
        }
        (Bson::DbPointer(_), Bson::DbPointer(_)) => raw_bytes(a).cmp(&raw_bytes(b)),
        _ => match (super::Number::of(a), super::Number::of(b)) {
            (Some(a), Some(b)) => compare_numbers(a, b),
            _ => Ordering::Equal,
        },
    }
}

fn compare_arrays(a: &[Bson], b: &[Bson]) -> Ordering {
    for (left, right) in a.iter().zip(b) {
        let order = compare(left, right);
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// The bytes of a value whose parts `bson` keeps private.
pub(crate) fn raw_bytes(value: &Bson) -> Vec<u8> {
    bson::doc! {"": value.clone()}.to_vec().unwrap_or_default()
}

/// Whether two documents are the same in every respect: order of fields and numeric types included. This is
/// what decides whether an update has changed anything.
pub fn identical_documents(a: &Document, b: &Document) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|((an, av), (bn, bv))| an == bn && identical(av, bv))
}

/// Whether two values are the same in every respect: order of fields and numeric types included.
pub fn identical(a: &Bson, b: &Bson) -> bool {
    match (a, b) {
        (Bson::Document(a), Bson::Document(b)) => identical_documents(a, b),
        (Bson::Array(a), Bson::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical(a, b))
        }
        (Bson::Double(a), Bson::Double(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}
