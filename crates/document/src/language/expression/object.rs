//! Object expressions.

use super::node::{Evaluate, Expression};
use super::operator::Operator;
use super::parse::{self, ParseScope};
use super::variables::Scope;
use crate::error::{Error, Result};
use crate::language::value::{is_nullish, type_name};
use bson::{Bson, Document, doc};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::any("$mergeObjects", merge),
    Operator::values("$objectToArray", 1, 1, to_array),
    Operator::values("$arrayToObject", 1, 1, from_array),
    Operator::special("$getField", parse_get),
    Operator::special("$setField", |argument, scope| parse_set("$setField", argument, scope)),
    Operator::special("$unsetField", |argument, scope| parse_set("$unsetField", argument, scope)),
];

fn merge(values: &[Bson]) -> Result<Bson> {
    let mut merged = Document::new();
    // A single array is a list of objects.
    let values = match values {
        [Bson::Array(elements)] => elements,
        values => values,
    };
    for value in values {
        match value {
            Bson::Document(document) => merged.extend(document.clone()),
            value if is_nullish(value) => {}
            other => {
                let message = format!(
                    "$mergeObjects requires object inputs, but input is of type {}",
                    type_name(other)
                );
                return Err(Error::location(40400, message));
            }
        }
    }
    Ok(Bson::Document(merged))
}

fn to_array(values: &[Bson]) -> Result<Bson> {
    match &values[0] {
        value if is_nullish(value) => Ok(Bson::Null),
        Bson::Document(document) => {
            let pair = |(name, value): (&String, &Bson)| Bson::Document(doc! {"k": name, "v": value});
            Ok(document.iter().map(pair).collect())
        }
        other => {
            let message = format!("$objectToArray requires a document input, found: {}", type_name(other));
            Err(Error::location(40390, message))
        }
    }
}

fn from_array(values: &[Bson]) -> Result<Bson> {
    let elements = match &values[0] {
        value if is_nullish(value) => return Ok(Bson::Null),
        Bson::Array(elements) => elements,
        other => {
            let message = format!("$arrayToObject requires an array input, found: {}", type_name(other));
            return Err(Error::location(40386, message));
        }
    };
    let mut document = Document::new();
    for element in elements {
        let (name, value) = match element {
            Bson::Document(pair) if pair.len() == 2 => match (pair.get("k"), pair.get("v")) {
                (Some(name), Some(value)) => (name, value),
                _ => {
                    return Err(Error::location(
                        40393,
                        "$arrayToObject requires an object with keys 'k' and 'v'.",
                    ));
                }
            },
            Bson::Document(_) => {
                let message =
                    "$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys";
                return Err(Error::location(40392, message));
            }
            Bson::Array(pair) => match pair.as_slice() {
                [name, value] => (name, value),
                _ => return Err(Error::location(40397, "$arrayToObject requires an array of size 2 arrays")),
            },
            other => {
                let message =
                    format!("Unrecognised input type format for $arrayToObject: {}", type_name(other));
                return Err(Error::location(40398, message));
            }
        };
        let Bson::String(name) = name else {
            let message = format!("$arrayToObject requires keys to be strings, found: {}", type_name(name));
            return Err(Error::location(40394, message));
        };
        if name.contains('\0') {
            return Err(Error::location(4940400, "Key field cannot contain an embedded null byte"));
        }
        document.insert(name.clone(), value.clone());
    }
    Ok(Bson::Document(document))
}

#[derive(Debug)]
struct GetField {
    field: Expression,
    input: Expression,
}

fn parse_get(argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let current = Expression::Variable { name: "CURRENT".to_owned(), path: Vec::new() };
    let (field, input) = match argument {
        Bson::Document(given) if given.contains_key("field") || given.contains_key("input") => {
            let mut parts = parse::named("$getField", argument, &["field", "input"], &[], scope)?.into_iter();
            match (parts.next(), parts.next()) {
                (Some(field), Some(input)) => (field, input),
                _ => return Err(Error::location(3041702, "$getField requires 'field' and 'input'")),
            }
        }
        other => (parse::parse(other, scope)?, current),
    };
    if field.constant().is_some_and(|name| !matches!(name, Bson::String(_))) {
        return Err(Error::location(5654602, "$getField requires 'field' to evaluate to a constant String"));
    }
    Ok(Expression::special(GetField { field, input }))
}

impl Evaluate for GetField {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        let Bson::String(name) = self.field.evaluate_in(scope)? else {
            return Err(Error::location(3041704, "$getField requires 'field' to evaluate to type String"));
        };
        Ok(match self.input.evaluate_in(scope)? {
            Bson::Document(document) => document.get(&name).cloned().unwrap_or(Bson::Undefined),
            Bson::Null => Bson::Null,
            _ => Bson::Undefined,
        })
    }
}

#[derive(Debug)]
struct SetField {
    field: String,
    input: Expression,
    value: Expression,
}

fn parse_set(operator: &str, argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let names: &[&str] =
        if operator == "$setField" { &["field", "input", "value"] } else { &["field", "input"] };
    let mut parts = parse::named(operator, argument, names, &[], scope)?.into_iter();
    let field = parts.next().and_then(|field| field.constant().cloned());
    let Some(Bson::String(field)) = field else {
        let message = format!("{operator} requires 'field' to evaluate to a constant String");
        return Err(Error::location(4161106, message));
    };
    let input = parts.next().unwrap_or(Expression::Constant(Bson::Null));
    let value = parts.next().unwrap_or(Expression::Constant(Bson::Undefined));
    Ok(Expression::special(SetField { field, input, value }))
}

impl Evaluate for SetField {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        let mut document = match self.input.evaluate_in(scope)? {
            Bson::Document(document) => document,
            value if is_nullish(&value) => return Ok(Bson::Null),
            other => {
                let message = format!(
                    "$setField requires 'input' to evaluate to type Object, not {}",
                    type_name(&other)
                );
                return Err(Error::location(4161105, message));
            }
        };
        match self.value.evaluate_in(scope)? {
            Bson::Undefined => {
                document.remove(&self.field);
            }
            value => {
                document.insert(self.field.clone(), value);
            }
        }
        Ok(Bson::Document(document))
    }
}
