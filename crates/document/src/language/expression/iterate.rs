//! Array expressions that run another expression on each element: `$map`, `$filter`, `$reduce`.

use super::node::{Evaluate, Expression, truthy};
use super::operator::Operator;
use super::parse::{self, ParseScope};
use super::variables::Scope;
use crate::error::{Error, Result};
use crate::language::value::{Number, check_value_nesting, is_nullish, type_name};
use bson::{Bson, Document};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::special("$map", parse_map),
    Operator::special("$filter", parse_filter),
    Operator::special("$reduce", parse_reduce),
];

/// How many rounds of `$reduce` pass before the nesting of its value is checked again.
const ROUNDS_BETWEEN_CHECKS: usize = 8;

fn object<'a>(operator: &str, code: i32, argument: &'a Bson, allowed: &[&str]) -> Result<&'a Document> {
    let Bson::Document(given) = argument else {
        return Err(Error::location(code, format!("{operator} only supports an object as its argument")));
    };
    match given.keys().find(|name| !allowed.contains(&name.as_str())) {
        None => Ok(given),
        Some(name) => Err(Error::location(code + 1, format!("Unrecognized parameter to {operator}: {name}"))),
    }
}

fn required<'a>(operator: &str, code: i32, given: &'a Document, name: &str) -> Result<&'a Bson> {
    given.get(name).ok_or_else(|| Error::location(code, format!("Missing '{name}' parameter to {operator}")))
}

fn variable_name(given: &Document) -> Result<String> {
    match given.get("as") {
        None => Ok("this".to_owned()),
        Some(Bson::String(name)) => {
            parse::check_variable_name(name)?;
            Ok(name.clone())
        }
        Some(_) => Err(Error::failed_to_parse("'as' must be a string")),
    }
}

/// The elements of an input; `None` if it is null or missing.
fn elements(operator: &str, code: i32, input: Bson) -> Result<Option<Vec<Bson>>> {
    match input {
        Bson::Array(elements) => Ok(Some(elements)),
        value if is_nullish(&value) => Ok(None),
        other => {
            let message = format!("input to {operator} must be an array not {}", type_name(&other));
            Err(Error::location(code, message))
        }
    }
}

#[derive(Debug)]
struct Map {
    input: Expression,
    name: String,
    body: Expression,
}

fn parse_map(argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let given = object("$map", 16878, argument, &["input", "as", "in"])?;
    let name = variable_name(given)?;
    let input = parse::parse(required("$map", 16880, given, "input")?, scope)?;
    let body = parse::parse(required("$map", 16882, given, "in")?, &scope.plus([name.as_str()]))?;
    Ok(Expression::special(Map { input, name, body }))
}

impl Evaluate for Map {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        let Some(elements) = elements("$map", 16883, self.input.evaluate_in(scope)?)? else {
            return Ok(Bson::Null);
        };
        let mapped = elements.iter().map(|element| {
            let value = scope.with(&[(&self.name, element)], |inner| self.body.evaluate_in(inner))?;
            Ok(if value == Bson::Undefined { Bson::Null } else { value })
        });
        Ok(Bson::Array(mapped.collect::<Result<_>>()?))
    }
}

#[derive(Debug)]
struct Filter {
    input: Expression,
    name: String,
    condition: Expression,
    limit: Option<Expression>,
}

fn parse_filter(argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let given = object("$filter", 28646, argument, &["input", "as", "cond", "limit"])?;
    let name = variable_name(given)?;
    let input = parse::parse(required("$filter", 28648, given, "input")?, scope)?;
    let condition = parse::parse(required("$filter", 28650, given, "cond")?, &scope.plus([name.as_str()]))?;
    let limit = given.get("limit").map(|limit| parse::parse(limit, scope)).transpose()?;
    Ok(Expression::special(Filter { input, name, condition, limit }))
}

impl Evaluate for Filter {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        let Some(elements) = elements("$filter", 28651, self.input.evaluate_in(scope)?)? else {
            return Ok(Bson::Null);
        };
        let limit = match &self.limit {
            None => usize::MAX,
            Some(limit) => match limit.evaluate_in(scope)? {
                value if is_nullish(&value) => usize::MAX,
                value => Number::of(&value)
                    .and_then(Number::to_i64_exact)
                    .and_then(|limit| usize::try_from(limit).ok())
                    .filter(|limit| *limit > 0)
                    .ok_or_else(|| Error::location(327391, "$filter: limit must be a positive integer"))?,
            },
        };
        let mut kept = Vec::new();
        for element in elements {
            if kept.len() == limit {
                break;
            }
            if truthy(&scope.with(&[(&self.name, &element)], |inner| self.condition.evaluate_in(inner))?) {
                kept.push(element);
            }
        }
        Ok(Bson::Array(kept))
    }
}

#[derive(Debug)]
struct Reduce {
    input: Expression,
    initial: Expression,
    body: Expression,
}

fn parse_reduce(argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let given = object("$reduce", 40075, argument, &["input", "initialValue", "in"])?;
    let part = |name| required("$reduce", 40077, given, name);
    Ok(Expression::special(Reduce {
        input: parse::parse(part("input")?, scope)?,
        initial: parse::parse(part("initialValue")?, scope)?,
        body: parse::parse(part("in")?, &scope.plus(["this", "value"]))?,
    }))
}

impl Evaluate for Reduce {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        let Some(elements) = elements("$reduce", 40080, self.input.evaluate_in(scope)?)? else {
            return Ok(Bson::Null);
        };
        let mut value = self.initial.evaluate_in(scope)?;
        for (round, element) in elements.iter().enumerate() {
            let bindings = [("this", element), ("value", &value)];
            value = scope.with(&bindings, |inner| self.body.evaluate_in(inner))?;
            // Each round may put the value into another level; unchecked, that would outgrow the stack.
            if round % ROUNDS_BETWEEN_CHECKS == 0 {
                check_value_nesting(&value)?;
            }
        }
        Ok(value)
    }
}
