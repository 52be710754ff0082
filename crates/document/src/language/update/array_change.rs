//! `$push`, `$addToSet`, `$pull` and `$pullAll`.

use super::modification::whole;
use crate::error::{Error, Result};
use crate::language::matcher::Matcher;
use crate::language::sort::SortPattern;
use crate::language::value::{compare, equal, type_name};
use bson::{Bson, Document};
use std::cmp::Ordering;

/// `$push` with its modifiers.
#[derive(Debug, Clone)]
pub(super) struct Push {
    values: Vec<Bson>,
    position: Option<i64>,
    slice: Option<i64>,
    sort: Option<PushSort>,
}

#[derive(Debug, Clone)]
enum PushSort {
    Elements { descending: bool },
    Fields(SortPattern),
}

impl Push {
    pub(super) fn parse(argument: &Bson) -> Result<Push> {
        let plain = || Push { values: vec![argument.clone()], position: None, slice: None, sort: None };
        let Bson::Document(clauses) = argument else { return Ok(plain()) };
        if !clauses.contains_key("$each") {
            return Ok(plain());
        }
        let mut push = Push { values: Vec::new(), position: None, slice: None, sort: None };
        for (name, value) in clauses {
            match name.as_str() {
                "$each" => push.values = each("$push", value)?,
                "$position" => push.position = Some(whole_clause("$position", value)?),
                "$slice" => push.slice = Some(whole_clause("$slice", value)?),
                "$sort" => push.sort = Some(PushSort::parse(value)?),
                other => return Err(Error::bad_value(format!("Unrecognized clause in $push: {other}"))),
            }
        }
        Ok(push)
    }

    pub(super) fn apply(&self, old: Option<Bson>, field: &str) -> Result<Bson> {
        let mut elements = match old {
            None => Vec::new(),
            Some(Bson::Array(elements)) => elements,
            Some(other) => {
                let message =
                    format!("The field '{field}' must be an array but is of type {}", type_name(&other));
                return Err(Error::bad_value(message));
            }
        };
        let size = elements.len() as i64;
        let position = match self.position {
            None => size,
            Some(position) if position < 0 => size.saturating_add(position).max(0),
            Some(position) => position.min(size),
        };
        elements.splice(position as usize..position as usize, self.values.iter().cloned());
        if let Some(sort) = &self.sort {
            elements.sort_by(|a, b| sort.compare(a, b));
        }
        if let Some(slice) = self.slice {
            let keep = usize::try_from(slice.unsigned_abs()).unwrap_or(usize::MAX).min(elements.len());
            if slice < 0 {
                elements.drain(..elements.len() - keep);
            } else {
                elements.truncate(keep);
            }
        }
        Ok(Bson::Array(elements))
    }
}

impl PushSort {
    fn parse(value: &Bson) -> Result<PushSort> {
        match (value, whole(value)) {
            (_, Some(direction @ (1 | -1))) => Ok(PushSort::Elements { descending: direction == -1 }),
            (_, Some(_)) => Err(Error::bad_value("The $sort element value must be either 1 or -1")),
            (Bson::Document(pattern), _) if pattern.is_empty() => {
                Err(Error::bad_value("The $sort pattern is empty when it should be a set of fields."))
            }
            (Bson::Document(pattern), _) => {
                let sort = SortPattern::parse(pattern);
                Ok(PushSort::Fields(sort.map_err(|error| Error::bad_value(error.message().to_owned()))?))
            }
            _ => Err(Error::bad_value(
                "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1}",
            )),
        }
    }

    fn compare(&self, a: &Bson, b: &Bson) -> Ordering {
        match self {
            PushSort::Elements { descending: false } => compare(a, b),
            PushSort::Elements { descending: true } => compare(b, a),
            PushSort::Fields(pattern) => {
                let empty = Document::new();
                let (left, right) = (a.as_document().unwrap_or(&empty), b.as_document().unwrap_or(&empty));
                pattern.compare(left, right)
            }
        }
    }
}

fn each(operator: &str, value: &Bson) -> Result<Vec<Bson>> {
    match value {
        Bson::Array(values) => Ok(values.clone()),
        other => Err(Error::bad_value(format!(
            "The argument to $each in {operator} must be an array but it was of type: {}",
            type_name(other)
        ))),
    }
}

fn whole_clause(name: &str, value: &Bson) -> Result<i64> {
    let wrong = || {
        let kind = type_name(value);
        Error::bad_value(format!("The value for {name} must be an integer value but was given type: {kind}"))
    };
    whole(value).ok_or_else(wrong)
}

/// `$addToSet`: adds what is not there yet.
#[derive(Debug, Clone)]
pub(super) struct AddToSet(Vec<Bson>);

impl AddToSet {
    pub(super) fn parse(argument: &Bson) -> Result<AddToSet> {
        let Bson::Document(clauses) = argument else { return Ok(AddToSet(vec![argument.clone()])) };
        match clauses.iter().next() {
            Some((name, value)) if name == "$each" => {
                if let Some(other) = clauses.keys().nth(1) {
                    let message = format!("Found unexpected fields after $each in $addToSet: {other}");
                    return Err(Error::bad_value(message));
                }
                let wrong_type = |error: Error| Error::type_mismatch(error.message().to_owned());
                Ok(AddToSet(each("$addToSet", value).map_err(wrong_type)?))
            }
            _ => Ok(AddToSet(vec![argument.clone()])),
        }
    }

    pub(super) fn apply(&self, old: Option<Bson>, field: &str) -> Result<Bson> {
        let mut elements = match old {
            None => Vec::new(),
            Some(Bson::Array(elements)) => elements,
            Some(other) => {
                let kind = type_name(&other);
                let message = format!(
                    "Cannot apply $addToSet to non-array field. Field named '{field}' has non-array \
                        type {kind}"
                );
                return Err(Error::bad_value(message));
            }
        };
        for value in &self.0 {
            if !elements.iter().any(|existing| equal(existing, value)) {
                elements.push(value.clone());
            }
        }
        Ok(Bson::Array(elements))
    }
}

/// `$pull` and `$pullAll`: removes elements.
#[derive(Debug, Clone)]
pub(super) enum Pull {
    /// Elements equal to one of these.
    Values(Vec<Bson>),
    /// Elements that are documents and match.
    Documents(Matcher),
    /// Elements that pass a condition such as `{$gt: 5}`.
    Condition(Matcher),
}

impl Pull {
    pub(super) fn parse(argument: &Bson) -> Result<Pull> {
        match argument {
            Bson::Document(condition) => match condition.keys().next() {
                Some(first)
                    if first.starts_with('$') && !["$and", "$or", "$nor"].contains(&first.as_str()) =>
                {
                    Ok(Pull::Condition(Matcher::parse_value(condition)?))
                }
                _ => Ok(Pull::Documents(Matcher::parse(condition)?)),
            },
            Bson::RegularExpression(_) => {
                Ok(Pull::Condition(Matcher::parse_value(&bson::doc! {"$in": [argument.clone()]})?))
            }
            other => Ok(Pull::Values(vec![other.clone()])),
        }
    }

    pub(super) fn parse_all(argument: &Bson) -> Result<Pull> {
        match argument {
            Bson::Array(values) => Ok(Pull::Values(values.clone())),
            other => Err(Error::bad_value(format!(
                "$pullAll requires an array argument but was given a {}",
                type_name(other)
            ))),
        }
    }

    pub(super) fn apply(&self, old: Bson) -> Result<Bson> {
        let Bson::Array(elements) = old else {
            return Err(Error::bad_value("Cannot apply $pull to a non-array value"));
        };
        let mut kept = Vec::with_capacity(elements.len());
        for element in elements {
            let remove = match self {
                Pull::Values(values) => values.iter().any(|value| equal(value, &element)),
                Pull::Condition(matcher) => matcher.matches_value(&element),
                Pull::Documents(matcher) => match &element {
                    Bson::Document(document) => matcher.matches(document)?,
                    _ => false,
                },
            };
            if !remove {
                kept.push(element);
            }
        }
        Ok(Bson::Array(kept))
    }
}
