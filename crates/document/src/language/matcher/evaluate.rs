//! Asks a parsed filter about a document.

use super::MatchDetails;
use super::node::{Comparison, Membership, Node, Pattern, Predicate};
use crate::error::Result;
use crate::language::expression::{Variables, truthy};
use crate::language::value::path::{LeafArrays, visit};
use crate::language::value::{Number, bracket, compare, type_number};
use bson::{Bson, Document};
use std::cmp::Ordering;

pub(super) fn matches(
    node: &Node,
    document: &Document,
    variables: &Variables,
    details: &mut MatchDetails,
) -> Result<bool> {
    Ok(match node {
        Node::And(parts) => {
            for part in parts {
                if !matches(part, document, variables, details)? {
                    return Ok(false);
                }
            }
            true
        }
        Node::Or(parts) => {
            for part in parts {
                if matches(part, document, variables, details)? {
                    return Ok(true);
                }
            }
            false
        }
        Node::Nor(parts) => {
            for part in parts {
                if matches(part, document, variables, &mut MatchDetails::default())? {
                    return Ok(false);
                }
            }
            true
        }
        Node::Path { path, test } => test_path(test, path.parts(), document, details),
        Node::Expression(expression) => truthy(&expression.evaluate(document, variables)?),
        Node::Never | Node::Value(_) => false,
    })
}

fn test_path(test: &Predicate, parts: &[String], document: &Document, details: &mut MatchDetails) -> bool {
    match test {
        Predicate::Not(inner) => {
            !inner.iter().all(|test| test_path(test, parts, document, &mut MatchDetails::default()))
        }
        Predicate::All(inner) => inner.iter().all(|test| test_path(test, parts, document, details)),
        Predicate::Never => false,
        Predicate::Size(_) => {
            visit(document, parts, LeafArrays::Keep, &mut |value, _| test_or_missing(test, value))
        }
        Predicate::ElementDocument(_) | Predicate::ElementValue(_) => {
            let mut found = None;
            let hit = visit(document, parts, LeafArrays::Keep, &mut |value, place| {
                let index = value.and_then(|value| matching_element(test, value));
                found = place.or(index);
                index.is_some()
            });
            note(hit, found, details)
        }
        _ => {
            let mut found = None;
            let hit = visit(document, parts, LeafArrays::Expand, &mut |value, place| {
                found = place;
                test_or_missing(test, value)
            });
            note(hit, found, details)
        }
    }
}

fn note(hit: bool, place: Option<usize>, details: &mut MatchDetails) -> bool {
    if hit && place.is_some() {
        details.array_index = place;
    }
    hit
}

fn test_or_missing(test: &Predicate, value: Option<&Bson>) -> bool {
    match (value, test) {
        (Some(value), test) => test_value(test, value),
        // What is missing equals null.
        (None, Predicate::Compare(comparison, operand)) => {
            compare_passes(*comparison, &Bson::Undefined, operand)
        }
        (None, Predicate::In(membership)) => contains(membership, &Bson::Null),
        (None, _) => false,
    }
}

/// Whether one value passes a test.
pub(super) fn test_value(test: &Predicate, value: &Bson) -> bool {
    match test {
        Predicate::Compare(comparison, operand) => compare_passes(*comparison, value, operand),
        Predicate::In(membership) => {
            let value = if matches!(value, Bson::Undefined) { &Bson::Null } else { value };
            contains(membership, value)
        }
        Predicate::Regex(pattern) => matches_pattern(pattern, value),
        Predicate::Exists => true,
        Predicate::Type(types) => types.numbers.contains(&type_number(value)),
        Predicate::Mod { divisor, remainder } => {
            let number = Number::of(value).and_then(Number::to_i64_truncated);
            number.is_some_and(|number| number.wrapping_rem(*divisor) == *remainder)
        }
        Predicate::Size(size) => matches!(value, Bson::Array(elements) if elements.len() == *size),
        Predicate::Bits(test) => test.matches(value),
        Predicate::ElementDocument(_) | Predicate::ElementValue(_) => matching_element(test, value).is_some(),
        Predicate::Not(inner) => !inner.iter().all(|test| test_value(test, value)),
        Predicate::All(inner) => inner.iter().all(|test| test_value(test, value)),
        Predicate::Never => false,
    }
}

/// The first element of an array that an `$elemMatch` accepts.
fn matching_element(test: &Predicate, value: &Bson) -> Option<usize> {
    let Bson::Array(elements) = value else { return None };
    elements.iter().position(|element| match (test, element) {
        (Predicate::ElementDocument(node), Bson::Document(element)) => {
            // An expression within $elemMatch is refused by its parser's caller; nothing else can fail.
            matches(node, element, &Variables::default(), &mut MatchDetails::default()).unwrap_or(false)
        }
        (Predicate::ElementDocument(node), Bson::Array(inner)) => {
            let numbered = inner.iter().enumerate().map(|(at, value)| (at.to_string(), value.clone()));
            let as_document: Document = numbered.collect();
            matches(node, &as_document, &Variables::default(), &mut MatchDetails::default()).unwrap_or(false)
        }
        (Predicate::ElementValue(tests), element) => tests.iter().all(|test| test_value(test, element)),
        _ => false,
    })
}

fn compare_passes(comparison: Comparison, value: &Bson, operand: &Bson) -> bool {
    let allows_equal = !matches!(comparison, Comparison::Less | Comparison::Greater);
    if bracket(value) != bracket(operand) {
        let nullish = |value: &Bson| matches!(value, Bson::Null | Bson::Undefined);
        if nullish(value) && nullish(operand) {
            return allows_equal;
        }
        // Only the ends of the order are compared with values of other types.
        let at_end = matches!(operand, Bson::MinKey | Bson::MaxKey);
        return at_end && comparison != Comparison::Equal && ordered(comparison, compare(value, operand));
    }
    let nan = |value: &Bson| Number::of(value).is_some_and(Number::is_nan);
    if nan(value) || nan(operand) {
        return allows_equal && nan(value) && nan(operand);
    }
    ordered(comparison, compare(value, operand))
}

fn ordered(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
    }
}

fn contains(membership: &Membership, value: &Bson) -> bool {
    membership.values.binary_search_by(|candidate| compare(candidate, value)).is_ok()
        || membership.patterns.iter().any(|pattern| matches_pattern(pattern, value))
}

fn matches_pattern(pattern: &Pattern, value: &Bson) -> bool {
    match value {
        Bson::String(text) | Bson::Symbol(text) => pattern.compiled.is_match(text),
        Bson::RegularExpression(regex) => {
            regex.pattern.as_str() == pattern.source && regex.options.as_str() == pattern.options
        }
        _ => false,
    }
}
