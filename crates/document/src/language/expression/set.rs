//! Set expressions: arrays taken without regard to order and repetition. Results come out sorted.

use super::node::truthy;
use super::operator::Operator;
use crate::error::{Error, Result};
use crate::language::value::{grouping_key, is_nullish, type_name};
use bson::Bson;
use std::collections::BTreeMap;

type Set<'a> = BTreeMap<Vec<u8>, &'a Bson>;

pub(super) const OPERATORS: &[Operator] = &[
    Operator::any("$setUnion", union),
    Operator::any("$setIntersection", intersection),
    Operator::values("$setDifference", 2, 2, difference),
    Operator::values("$setEquals", 2, usize::MAX, equals),
    Operator::values("$setIsSubset", 2, 2, is_subset),
    Operator::values("$anyElementTrue", 1, 1, |values| {
        Ok(Bson::Boolean(array("$anyElementTrue", 17041, &values[0])?.iter().any(truthy)))
    }),
    Operator::values("$allElementsTrue", 1, 1, |values| {
        Ok(Bson::Boolean(array("$allElementsTrue", 17040, &values[0])?.iter().all(truthy)))
    }),
];

fn array<'a>(operator: &str, code: i32, value: &'a Bson) -> Result<&'a [Bson]> {
    let message = || {
        format!("All operands of {operator} must be arrays. One argument is of type: {}", type_name(value))
    };
    value.as_array().map(Vec::as_slice).ok_or_else(|| Error::location(code, message()))
}

fn set<'a>(operator: &str, code: i32, value: &'a Bson) -> Result<Set<'a>> {
    Ok(array(operator, code, value)?.iter().map(|element| (grouping_key(element), element)).collect())
}

fn listed(set: Set<'_>) -> Bson {
    Bson::Array(set.into_values().cloned().collect())
}

fn union(values: &[Bson]) -> Result<Bson> {
    if values.iter().any(is_nullish) {
        return Ok(Bson::Null);
    }
    let mut all = Set::new();
    for value in values {
        all.extend(set("$setUnion", 17043, value)?);
    }
    Ok(listed(all))
}

fn intersection(values: &[Bson]) -> Result<Bson> {
    if values.iter().any(is_nullish) {
        return Ok(Bson::Null);
    }
    let Some((first, rest)) = values.split_first() else { return Ok(Bson::Array(Vec::new())) };
    let mut common = set("$setIntersection", 17047, first)?;
    for value in rest {
        let other = set("$setIntersection", 17047, value)?;
        common.retain(|key, _| other.contains_key(key));
    }
    Ok(listed(common))
}

fn difference(values: &[Bson]) -> Result<Bson> {
    if values.iter().any(is_nullish) {
        return Ok(Bson::Null);
    }
    let without = set("$setDifference", 17049, &values[1])?;
    let mut seen = Set::new();
    let mut left = Vec::new();
    for element in array("$setDifference", 17048, &values[0])? {
        let key = grouping_key(element);
        if !without.contains_key(&key) && seen.insert(key, element).is_none() {
            left.push(element.clone());
        }
    }
    Ok(Bson::Array(left))
}

fn equals(values: &[Bson]) -> Result<Bson> {
    let first = set("$setEquals", 17044, &values[0])?;
    for value in &values[1..] {
        if !set("$setEquals", 17044, value)?.keys().eq(first.keys()) {
            return Ok(Bson::Boolean(false));
        }
    }
    Ok(Bson::Boolean(true))
}

fn is_subset(values: &[Bson]) -> Result<Bson> {
    let (small, large) = (set("$setIsSubset", 17046, &values[0])?, set("$setIsSubset", 17042, &values[1])?);
    Ok(Bson::Boolean(small.keys().all(|key| large.contains_key(key))))
}
