//! Update paths: dotted names with `$`, `$[]` and `$[name]`, their order and their conflicts.

use crate::error::{Code, Error, Result};
use crate::language::value::path::array_index;
use std::cmp::Ordering;

/// One part of an update path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A field, or a place in an array.
    Field(String),
    /// `$`: the element the filter matched.
    Matched,
    /// `$[]`: every element.
    All,
    /// `$[name]`: the elements an array filter accepts.
    Filtered(String),
}

/// A parsed update path; has at least one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UpdatePath {
    pub(super) text: String,
    pub(super) parts: Vec<Part>,
}

impl UpdatePath {
    pub(super) fn parse(text: &str) -> Result<UpdatePath> {
        let parts = text.split('.').map(|part| parse_part(part, text)).collect::<Result<Vec<_>>>()?;
        if !matches!(parts.first(), Some(Part::Field(_))) {
            let message =
                format!("Cannot have positional (i.e. '$') element in the first position in path '{text}'");
            return Err(Error::bad_value(message));
        }
        if parts.len() > 200 {
            return Err(Error::new(Code::Overflow, "the update path has too many parts"));
        }
        Ok(UpdatePath { text: text.to_owned(), parts })
    }

    pub(super) fn is_positional(&self) -> bool {
        self.parts.contains(&Part::Matched)
    }

    /// Fails if one path is the other or leads to it.
    pub(super) fn check_conflict(&self, other: &UpdatePath) -> Result<()> {
        let shorter = self.parts.len().min(other.parts.len());
        if self.parts[..shorter] != other.parts[..shorter] {
            return Ok(());
        }
        let (long, short) = if self.parts.len() >= other.parts.len() { (self, other) } else { (other, self) };
        let message =
            format!("Updating the path '{}' would create a conflict at '{}'", long.text, short.text);
        Err(Error::new(Code::ConflictingUpdateOperators, message))
    }

    /// The order in which MongoDB applies modifications: by name, places in arrays by number.
    pub(super) fn compare(&self, other: &UpdatePath) -> Ordering {
        for (left, right) in self.text.split('.').zip(other.text.split('.')) {
            let order = match (array_index(left), array_index(right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => left.cmp(right),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        self.parts.len().cmp(&other.parts.len())
    }
}

fn parse_part(part: &str, text: &str) -> Result<Part> {
    if part.is_empty() {
        let message = format!("The update path '{text}' contains an empty field name, which is not allowed.");
        return Err(Error::new(Code::EmptyFieldName, message));
    }
    if part == "$" {
        return Ok(Part::Matched);
    }
    if let Some(name) = part.strip_prefix("$[").and_then(|rest| rest.strip_suffix(']')) {
        return Ok(if name.is_empty() { Part::All } else { Part::Filtered(name.to_owned()) });
    }
    if part.starts_with('$') {
        let message = format!("The dollar ($) prefixed field '{part}' in '{text}' is not valid for storage.");
        return Err(Error::new(Code::DollarPrefixedFieldName, message));
    }
    Ok(Part::Field(part.to_owned()))
}
